"""A user and a password, and the addresses that they are written into."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

__all__ = ["Login", "origin", "path_segments", "split_login", "with_login"]

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, kw_only=True, slots=True)
class Login:
    """What opens an index.

    Attributes:
        user: the user's name; may itself be the secret, as some indexes want a token there.
        password: may be empty.
        source: where it came from, for messages.
    """

    user: str
    password: str = field(repr=False)
    source: str

    @property
    def shown(self) -> str:
        """The user as messages may show it: one without a password may be a token."""
        return f"user `{self.user}`" if self.user and self.password else "a token"


def split_login(url: str, source: str = "") -> tuple[str, Login | None]:
    """The address without user and password, and these.

    Raises:
        ValueError: it is no address.
    """
    if "@" not in url:
        return url, None
    parts = urlsplit(url)
    before, at, place = parts.netloc.rpartition("@")
    if not at:
        return url, None
    bare = parts._replace(netloc=place).geturl()
    user, _, password = before.partition(":")
    if not user and not password:
        return bare, None
    return bare, Login(user=unquote(user), password=unquote(password), source=source)


def with_login(url: str, login: Login) -> str:
    """The address with user and password in it, quoted; one that has them already stays as it is."""
    parts = urlsplit(url)
    if "@" in parts.netloc:
        return url
    secret = f"{quote(login.user, safe='')}:{quote(login.password, safe='')}"
    return parts._replace(netloc=f"{secret}@{parts.netloc}").geturl()


def origin(url: str) -> str:
    """``scheme://host[:port]``, one spelling for each; what is no address has none, which is an empty text."""
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
