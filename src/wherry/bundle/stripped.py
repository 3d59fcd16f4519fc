"""Compiled files without what only debuggers read: their content, and what it takes in a package."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, NamedTuple

from wherry.bundle.compressor import deflated
from wherry.bundle.content import read_all
from wherry.bundle.entry import DEFLATED, STORED, zipped_size
from wherry.elf.strip import NotStrippedError, strip_elf

if TYPE_CHECKING:
    from wherry.bundle.entry import Payload

__all__ = ["Stripped", "strip_file"]


class Stripped(NamedTuple):
    """A stripped file as it is written; ``size`` and ``crc`` are those of the content."""

    data: bytes
    size: int
    crc: int
    method: int


def strip_file(payload: Payload) -> Stripped | None:
    """The file stripped, and deflated if it was; None where it stays as it is.

    Raises:
        ArchiveError, FileChangedError, OutputError: it cannot be read.
        ToolError: the installed compressor is another one than that of the zip rules.
    """
    try:
        content = strip_elf(read_all(payload))
    except NotStrippedError:
        return None
    size, crc = len(content), zlib.crc32(content)
    if getattr(payload, "method", STORED) != DEFLATED:
        return Stripped(content, size, crc, STORED)
    data = deflated(content)
    # It may have been compressed with much more effort.
    return Stripped(data, size, crc, DEFLATED) if len(data) < zipped_size(payload) else None
