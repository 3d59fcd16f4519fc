"""Keeping passwords out of what is said and written."""

from __future__ import annotations

import re

__all__ = ["redact", "without_credentials"]

# The authority of a URL ends at the first of `/?#`; all before its last `@` is user and password.
_CREDENTIALS = re.compile(r"(?<=://)[^\s/?#]*@")
# Somebody may have written a password without quoting it, and then it ends nobody knows where: with a `:` that no
# port follows, everything up to the last `@` may be part of it.
_UNQUOTED = re.compile(
    r"(?<=://)(?:[^\s/?#@]*:[^\s/?#]*@|[^\s/?#@\[]*:(?!\d*[/?#])[^\s/?#@]*[/?#])\S*@"
)
_BARE_USER = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<user>[^\s/?#@:]*)@", re.IGNORECASE)
_TOKEN_SCHEMES = re.compile(r"(.*\+)?https?", re.IGNORECASE)


def redact(text: str) -> str:
    """``text`` with ``****`` in place of the user and password of every URL in it.

    And in place of every password of an index or proxy that the environment holds: programs that are called see
    those, and may tell.
    """
    from wherry.indexes.silence import hidden
    from wherry.indexes.variables import secrets

    return hidden(_CREDENTIALS.sub("****@", _UNQUOTED.sub("****@", text)), secrets())


def without_credentials(url: str) -> str:
    """``url`` without user and password.

    A bare user name stays where it is no secret: ``ssh://git@host`` needs it. Over http it may be a token.
    """
    bare = _BARE_USER.match(url)
    if bare is not None and not _TOKEN_SCHEMES.fullmatch(bare["scheme"]):
        return url
    return _CREDENTIALS.sub("", url)
