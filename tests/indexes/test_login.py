"""A8: passwords with special characters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.indexes.login import Login, origin, split_login, with_login

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1)


@given(TEXT, TEXT)
def test_what_is_written_into_an_address_is_read_again(user: str, password: str) -> None:
    """A8: whatever characters they have."""
    login = Login(user=user, password=password, source="x")
    written = with_login("https://host:8443/simple/", login)
    assert split_login(written, "x") == ("https://host:8443/simple/", login)


def test_an_address_with_a_login_keeps_it() -> None:
    login = Login(user="a", password="b", source="x")
    assert with_login("http://c:d@host/", login) == "http://c:d@host/"


@pytest.mark.parametrize("url", ["https://host/a@b", "https://host/simple", "https://@host/x"])
def test_addresses_without_a_login(url: str) -> None:
    assert split_login(url)[1] is None


def test_the_password_is_in_no_repr() -> None:
    """A8: in no log."""
    assert "s3cret" not in repr(Login(user="a", password="s3cret", source="x"))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://Host:443/x", "https://host"),
        ("http://a:b@host:80/x", "http://host"),
        ("http://host:8080", "http://host:8080"),
        ("https://[::1]:8443/x", "https://[::1]:8443"),
        ("nonsense", ""),
        ("https://host:port/", ""),
    ],
)
def test_origins_have_one_spelling(url: str, expected: str) -> None:
    assert origin(url) == expected


def test_a_user_without_a_password_may_be_a_token_and_is_not_shown() -> None:
    assert "t0ken" not in Login(user="t0ken", password="", source="x").shown
    assert "robot" in Login(user="robot", password="x", source="x").shown
