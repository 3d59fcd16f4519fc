"""Keeping passwords out of what is said and written."""

from __future__ import annotations

import re

__all__ = ["redact", "without_credentials"]

# The authority of a URL ends at the first of `/?#`; all before its last `@` is user and password.
_CREDENTIALS = re.compile(r"(?<=://)[^\s/?#]*@")


def redact(text: str) -> str:
    """``text`` with the user and password of every URL in it replaced by ``****``."""
    return _CREDENTIALS.sub("****@", text)


def without_credentials(url: str) -> str:
    """``url`` without user and password.

    A bare user name stays: ``ssh://git@host`` needs it, and it is no secret.
    """
    return _CREDENTIALS.sub(lambda found: "" if ":" in found[0] else found[0], url)
