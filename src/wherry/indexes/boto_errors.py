"""The exceptions that boto3 raises, its own and others, and their texts without secrets."""

from __future__ import annotations

import re
from traceback import walk_tb

from wherry.indexes.redact import redact

__all__ = ["cause_of", "is_of_boto", "without_headers"]

_UNUSABLE = (OSError, RuntimeError, ValueError)
"""Raised by boto3 where it cannot use an address, a file or a program that AWS's variables and configuration files name.

Credentials are loaded, and renewed, when a client is created or any operation called.
"""
_PACKAGES = frozenset({"boto3", "botocore", "s3transfer"})

# Requests have credentials in their headers, and AWS quotes these headers where a signature is wrong.
_HEADER = re.compile(r"(Invalid header value) b?(['\"]).*\2", re.DOTALL)
_TOKEN = re.compile(r"(x-amz-security-token:)\S+", re.IGNORECASE)


def is_of_boto(error: Exception) -> bool:
    """Whether boto3 raised an exception, rather than code beside its calls."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    if isinstance(error, BotoCoreError | ClientError | ResponseParserError):
        return True
    if not isinstance(error, _UNUSABLE):
        return False
    frames = (frame for frame, _ in walk_tb(error.__traceback__))
    return any(
        str(frame.f_globals.get("__name__")).partition(".")[0] in _PACKAGES for frame in frames
    )


def cause_of(error: Exception) -> str:
    """The text of an exception, or its type if it has none."""
    from botocore.parsers import ResponseParserError

    text = str(error).strip()
    if isinstance(error, ResponseParserError):
        # It quotes what came, which may be a whole page.
        text = text.partition("\n")[0][:200]
    if isinstance(error, OSError) and error.strerror:
        text = ": ".join(filter(None, [error.strerror, str(error.filename or "")]))
    if not text:
        return type(error).__name__
    return redact(without_headers(text))


def without_headers(text: str) -> str:
    """The text without credentials that it quotes from the headers of a request."""
    text = _HEADER.sub(
        r"\1: it has a line break, or another character that HTTP does not carry", text
    )
    return _TOKEN.sub(r"\1****", text)
