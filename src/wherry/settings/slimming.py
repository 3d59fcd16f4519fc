"""Readers of the settings that make packages smaller, or faster to start."""

from __future__ import annotations

import re
from contextlib import suppress

from wherry.settings.reader import NOT_EMPTY, shaped
from wherry.sizes import parse_size

__all__ = ["DETECT", "botocore_services", "size", "slim"]

DETECT = "detect"
"""In place of the names of services: those that the project's own code names."""

_SLIM = ("tests", "stubs", "headers")
"""The values of ``slim``."""

_SERVICE = r"[a-z0-9][a-z0-9.-]*"


@shaped({"anyOf": [{"type": "integer", "minimum": 0}, NOT_EMPTY]})
def size(value: object) -> int:
    """A number of bytes, or a text such as ``20MB`` or ``4 MiB``."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    with suppress(ValueError):
        return parse_size(value if isinstance(value, str) else "")
    raise ValueError('expected a size such as "20MB" or "4 MiB", or a number of bytes')


@shaped({"anyOf": [{"const": False}, {"type": "array", "items": {"enum": [*_SLIM]}}]})
def slim(value: object) -> tuple[str, ...]:
    """A list of what to leave out; false for nothing."""
    if value is False:
        return ()
    if not isinstance(value, list) or any(each not in _SLIM for each in value):
        raise ValueError(f"expected a list of {', '.join(_SLIM)}")
    return tuple(each for each in _SLIM if each in value)


@shaped(
    {
        "anyOf": [
            {"enum": [False, DETECT]},
            {
                "type": "array",
                "items": {"type": "string", "pattern": f"^{_SERVICE}$"},
                "minItems": 1,
            },
        ]
    }
)
def botocore_services(value: object) -> tuple[str, ...]:
    """A list of services as ``boto3.client`` names them, ``detect``, or false for all of them."""
    if value is False:
        return ()
    if value == DETECT:
        return (DETECT,)
    if (
        not isinstance(value, list)
        or not value
        or not all(isinstance(each, str) and re.fullmatch(_SERVICE, each) for each in value)
    ):
        raise ValueError(
            'expected "detect", or a list of services as boto3 names them (["s3", "dynamodb"])'
        )
    return tuple(sorted(set(value)))
