"""Users and passwords, and the addresses that hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from wherry.structs import Struct

if TYPE_CHECKING:
    import requests

__all__ = ["Login", "origin", "path_segments", "sent_login", "split_login", "with_login"]

_PORTS = {"http": 80, "https": 443}


class Login(Struct, frozen=True, kw_only=True):
    """A user and a password for an index.

    Attributes:
        user: the name of the user; it may itself be a secret, as some indexes require a token there.
        password: may be empty.
        source: where the login was found, for messages.
    """

    user: str
    password: str
    source: str

    def __repr__(self) -> str:
        """The login without the password."""
        return f"Login(user={self.user!r}, source={self.source!r})"

    @property
    def shown(self) -> str:
        """The login as messages may show it: a user without a password may be a token."""
        return f"user `{self.user}`" if self.user and self.password else "a token"


def split_login(url: str, source: str = "") -> tuple[str, Login | None]:
    """The address without user and password, and these two.

    Raises:
        ValueError: the address is invalid.
    """
    if "@" not in url:
        return url, None
    parts = urlsplit(url)
    userinfo, at, host = parts.netloc.rpartition("@")
    if not at:
        return url, None
    bare = parts._replace(netloc=host).geturl()
    user, _, password = userinfo.partition(":")
    if not user and not password:
        return bare, None
    return bare, Login(user=unquote(user), password=unquote(password), source=source)


def sent_login(response: requests.Response) -> Login | None:
    """The login that was sent with a request; one that is not ours was taken from netrc by requests."""
    kind, _, value = response.request.headers.get("Authorization", "").partition(" ")
    if kind != "Basic":
        return None
    import base64

    try:
        user, _, password = base64.b64decode(value).decode("utf-8", "replace").partition(":")
    except ValueError:
        return None
    return Login(user=user, password=password, source="the netrc file")


def with_login(url: str, login: Login) -> str:
    """The address with user and password written into it, quoted; one that has a user already stays as it is."""
    parts = urlsplit(url)
    if "@" in parts.netloc:
        return url
    secret = f"{quote(login.user, safe='')}:{quote(login.password, safe='')}"
    return parts._replace(netloc=f"{secret}@{parts.netloc}").geturl()


def origin(url: str) -> str:
    """``scheme://host[:port]`` of an address, normalized; empty for an invalid address."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    if not parts.hostname:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    shown = "" if port is None or port == _PORTS.get(parts.scheme) else f":{port}"
    return f"{parts.scheme}://{host}{shown}"


def path_segments(url: str) -> tuple[str, ...]:
    """The segments of an address's path."""
    return tuple(segment for segment in urlsplit(url).path.split("/") if segment)
