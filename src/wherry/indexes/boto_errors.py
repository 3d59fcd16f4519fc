"""Exceptions of boto3 besides its own, and their texts without secrets."""

from __future__ import annotations

import re

from wherry.indexes.redact import redact

__all__ = ["UNUSABLE", "cause_of", "without_headers"]

UNUSABLE = (OSError, RuntimeError, ValueError)
"""Raised by boto3 where it cannot use an address, a file or a program that AWS's variables and configuration files name.

Credentials are loaded, and renewed, when a client is created or any operation called.
"""

# Requests have credentials in their headers, and AWS quotes these headers where a signature is wrong.
_HEADER = re.compile(r"(Invalid header value) b?(['\"]).*\2", re.DOTALL)
_TOKEN = re.compile(r"(x-amz-security-token:)\S+", re.IGNORECASE)


def cause_of(error: Exception) -> str:
    """The text of an exception, or its type if it has none."""
    text = str(error).strip()
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
