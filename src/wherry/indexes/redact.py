"""Keeping users, passwords and signatures out of messages, logs and files."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

from wherry.indexes.variables import secrets

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wherry.indexes.login import Login

__all__ = ["hide_logins", "redact", "without_credentials"]

_HIDDEN = "****"
# A shorter secret would hide half of every message; in an address it is hidden all the same.
_SHORTEST = 4

# The authority of a URL ends at the first of `/?#`; all before its last `@` is user and password.
_CREDENTIALS = re.compile(r"(?<=://)[^\s/?#]*@")
# A password may stand there without being quoted, and then its end is unknown: after a `:` that no port follows,
# everything up to the last `@` may be part of it.
_UNQUOTED = re.compile(
    r"(?<=://)(?:[^\s/?#@]*:[^\s/?#]*@|[^\s/?#@\[]*:(?!\d*[/?#])[^\s/?#@]*[/?#])\S*@"
)
# A query may hold a signature or a token.
_QUERY = re.compile(r"(://[^\s?#\"'<>`]+\?)[\w%&+~.=-][^\s#\"'<>`)]*")
_BARE_USER = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<user>[^\s/?#@:]*)@", re.IGNORECASE)
_TOKEN_SCHEMES = re.compile(r"(.*\+)?https?", re.IGNORECASE)


def redact(text: str) -> str:
    """The text with ``****`` in place of the user, the password and the query of every URL in it.

    Passwords of indexes and proxies in the environment are replaced too: the programs that are run see them, and may
    print them.
    """
    without = f"{_HIDDEN}@"
    text = _CREDENTIALS.sub(without, _UNQUOTED.sub(without, text))
    return hide_logins(_QUERY.sub(rf"\1{_HIDDEN}", text), secrets())


def hide_logins(text: str, logins: Iterable[Login]) -> str:
    """The text with ``****`` in place of the secrets of these logins: as they are, quoted or in base64."""
    forms: set[str] = set()
    for login in logins:
        # Where there is no password, the user is the secret.
        secret = login.password or login.user
        pair = base64.b64encode(f"{login.user}:{login.password}".encode()).decode()
        forms |= {secret, quote(secret, safe=""), quote(secret), quote_plus(secret), pair}
    for form in sorted(forms, key=len, reverse=True):
        if len(form) >= _SHORTEST:
            text = text.replace(form, _HIDDEN)
    return text


def without_credentials(url: str) -> str:
    """The address without user and password.

    A bare user name stays where it is not a secret: ``ssh://git@host`` needs it. Over http it may be a token.
    """
    bare = _BARE_USER.match(url)
    if bare is not None and not _TOKEN_SCHEMES.fullmatch(bare["scheme"]):
        return url
    return _CREDENTIALS.sub("", url)
