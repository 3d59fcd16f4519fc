from __future__ import annotations

import pytest

from wherry.lock.redact import redact, without_credentials


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://me:secret@host/simple", "https://****@host/simple"),
        ("https://token@host/simple", "https://****@host/simple"),
        ("http://me:s%40:@cret@host/x and ftp://a:b@c", "http://****@host/x and ftp://****@c"),
        ("git+ssh://git@host/path@rev", "git+ssh://****@host/path@rev"),
        ("https://host/a@1.0", "https://host/a@1.0"),
        ("somebody@example", "somebody@example"),
    ],
)
def test_user_and_password_are_hidden(text: str, expected: str) -> None:
    """A8: the secret is in no log."""
    assert redact(text) == expected


def test_a_user_without_a_password_is_no_secret_of_a_file() -> None:
    assert without_credentials("ssh://git@host/x") == "ssh://git@host/x"
    assert without_credentials("https://me:secret@host/x") == "https://host/x"
