from __future__ import annotations

import pytest

from wherry.indexes.redact import redact, without_credentials


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://me:secret@host/simple", "https://****@host/simple"),
        ("https://token@host/simple", "https://****@host/simple"),
        ("http://me:s%40:@cret@host/x and ftp://a:b@c", "http://****@host/x and ftp://****@c"),
        ("git+ssh://git@host/path@rev", "git+ssh://****@host/path@rev"),
        ("https://host/a@1.0", "https://host/a@1.0"),
        ("somebody@example", "somebody@example"),
        ("https://me:s3/cr3t@host/simple", "https://****@host/simple"),
        ("https://me:s?3#cr@3t@host/simple", "https://****@host/simple"),
        ("https://me:p@s3cr/3t@host/simple, or not", "https://****@host/simple, or not"),
        ("https://host:8080/a@1.0", "https://host:8080/a@1.0"),
        ("https://host:/a@1.0", "https://host:/a@1.0"),
        ("https://[::1]:8080/a@1.0", "https://[::1]:8080/a@1.0"),
        ("https://[::1]/a@1.0", "https://[::1]/a@1.0"),
    ],
)
def test_user_and_password_are_hidden(text: str, expected: str) -> None:
    """A8: the secret is in no log."""
    assert redact(text) == expected


def test_a_user_without_a_password_is_no_secret_of_a_file() -> None:
    assert without_credentials("ssh://git@host/x") == "ssh://git@host/x"
    assert without_credentials("git+ssh://git@host/x") == "git+ssh://git@host/x"
    assert without_credentials("ssh://git:secret@host/x") == "ssh://host/x"
    assert without_credentials("https://me:secret@host/x") == "https://host/x"


def test_over_http_it_may_be_a_token() -> None:
    """A8: in no file either."""
    assert without_credentials("https://t0ken@host/x") == "https://host/x"
    assert without_credentials("git+https://t0ken@host/x@rev") == "git+https://host/x@rev"


def test_what_the_environment_holds_is_hidden_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A8: a program that is called sees it, and may tell."""
    monkeypatch.setenv("UV_INDEX_X_PASSWORD", "s3 cr/t")
    assert redact("it said s3 cr/t, s3%20cr%2Ft and s3%20cr/t") == "it said ****, **** and ****"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://host/a.whl?sig=s3cret", "https://host/a.whl?****"),
        ("(https://host/a?X-Amz-Signature=ab&b=c) is", "(https://host/a?****) is"),
        (
            "`https://host/a?t0ken` and s3://b/c?d=e#sha256=0",
            "`https://host/a?****` and s3://b/c?****#sha256=0",
        ),
        ("https://me:secret@host/a?b=c", "https://****@host/a?****"),
        ("git+https://host/a?b=c%0A@rev", "git+https://host/a?****"),
        ("is it https://host/a? No", "is it https://host/a? No"),
        ("what? https://host/a", "what? https://host/a"),
    ],
)
def test_a_query_may_hold_a_signature(text: str, expected: str) -> None:
    """As much a secret as a password."""
    assert redact(text) == expected
