"""Readers of the settings that make packages smaller, or faster to start."""

from __future__ import annotations

import re

__all__ = ["size"]

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}  # fmt: skip


def size(value: object) -> int:
    """A number of bytes, or a text such as ``20MB`` or ``4 MiB``."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = (
        re.fullmatch(r"(\d+(?:\.\d+)?) ?([KMG]?I?B)", value.upper())
        if isinstance(value, str)
        else None
    )
    if match is None or match[2] not in _UNITS:
        raise ValueError('expected a size such as "20MB" or "4 MiB", or a number of bytes')
    return int(float(match[1]) * _UNITS[match[2]])
