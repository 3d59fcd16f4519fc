"""Recognizing leftovers of programs among the files of a project: caches, packages that Wherry has written, and its output."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from wherry.files import open_regular

__all__ = ["CACHE_TAG", "is_cache", "is_written_package", "open_outputs"]

CACHE_TAG = "CACHEDIR.TAG"
"""The file that marks a folder as a cache: Wherry's store, and those of uv, ruff, mypy and others."""
_SIGNATURE = b"Signature: 8a477f597d28d172789f06886806bc55"
_END = "<4s4H2LH"
_CENTRAL = "<4s6H3L5H2L"
_MADE_BY = 3 << 8 | 20
_DATE = 1 << 5 | 1
_MODES = frozenset({0o100644 << 16, 0o100755 << 16})
_LARGEST_DIRECTORY = 1 << 24


def is_cache(folder: str) -> bool:
    """Whether a folder has a tag by the Cache Directory Tagging Specification."""
    try:
        with open_regular(Path(folder, CACHE_TAG)) as file:
            return file.read(len(_SIGNATURE)) == _SIGNATURE
    except OSError:
        return False


def is_written_package(path: Path) -> bool:
    """Whether a file is a package that Wherry has written: a zip archive by ``docs/reference/zip-rules.md``.

    Every entry of its directory must be one that Wherry would write, in the order in which it would.
    """
    import struct

    last = struct.Struct(_END)
    try:
        with open_regular(path) as file:
            end = file.seek(0, os.SEEK_END) - last.size
            if end < 0:
                return False
            file.seek(end)
            signature, *_, count, size, start, comment = last.unpack(file.read(last.size))
            if signature != b"PK\5\6" or comment or not count or size > _LARGEST_DIRECTORY:
                return False
            file.seek(start)
            directory = file.read(size)
    except OSError:
        return False
    return _is_written_directory(directory)


def _is_written_directory(directory: bytes) -> bool:
    import struct

    header, position, before = struct.Struct(_CENTRAL), 0, b""
    while position < len(directory):
        try:
            fields = header.unpack_from(directory, position)
        except struct.error:
            return False
        signature, made_by, needed, flags, method, time, date = fields[:7]
        size, extra, comment, disk, internal, mode, _ = fields[10:]
        name = directory[position + header.size : position + header.size + size]
        if (
            (signature, made_by, needed, time, date) != (b"PK\1\2", _MADE_BY, 20, 0, _DATE)
            or (extra, comment, disk, internal) != (0, 0, 0, 0)
            or flags != (0 if name.isascii() else 1 << 11)
            or method not in {0, 8}
            or mode not in _MODES
            or name <= before
        ):
            return False
        before = name
        position += header.size + size
    return True


def open_outputs() -> frozenset[tuple[int, int]]:
    """The device and inode of each file that this process's output goes to (``wherry build > build.log``)."""
    found = set()
    for descriptor in (1, 2):
        try:
            status = os.fstat(descriptor)
        except OSError:
            continue
        if stat.S_ISREG(status.st_mode):
            found.add((status.st_dev, status.st_ino))
    return frozenset(found)
