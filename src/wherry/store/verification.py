"""Whether a stored file still is what its name says.

A file that was compared with its SHA-256 is given a modification time that is made of the digest and the file's
inode, long past. Whoever writes, copies or restores the file changes one of the two, so that one ``stat`` tells
whether it is to be read again. Its last use is told by the access time.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from wherry.store.ownership import buckets, is_own, items, remove
from wherry.structs import Struct

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["StoreVerification", "discard", "is_sound", "is_stamped", "stamp", "verify_files"]

# 1980, the first year that every file system knows. Seconds are even, as some know no others.
_FIRST = 315_532_800
_SPAN = 1 << 28


class StoreVerification(Struct, frozen=True, kw_only=True):
    """The outcome of reading every stored file again.

    Attributes:
        files: how many were read.
        size: their size in bytes.
        damaged: the names of those that were not what their names say; they were removed.
    """

    files: int
    size: int
    damaged: tuple[str, ...]


def _stamp(sha256: str, inode: int) -> int:
    return _FIRST + 2 * ((int(sha256[:12], 16) ^ inode) % _SPAN)


def is_stamped(sha256: str, status: os.stat_result) -> bool:
    """Whether a file with this status was verified and has not changed since."""
    return status.st_mtime_ns == _stamp(sha256, status.st_ino) * 10**9


def stamp(path: str | Path, sha256: str, status: os.stat_result, *, used: int) -> None:
    """Record that a file was verified, and when it was last used, in nanoseconds since the epoch.

    Where that is not permitted the file is verified again by the next process.
    """
    with suppress(OSError):
        os.utime(path, ns=(used, _stamp(sha256, status.st_ino) * 10**9))


def is_sound(path: str | Path, sha256: str) -> bool:
    """Read a file and compare it with its digest.

    Raises:
        OSError: it cannot be read.
    """
    with open(path, "rb") as file:  # noqa: PTH123
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256


def discard(path: Path) -> None:
    """Remove a stored file that is damaged, if its bucket is Wherry's own; a new one takes its place in any case."""
    bucket = path.parent.parent
    if not (path.is_symlink() or path.parent.is_symlink() or bucket.is_symlink()) and is_own(
        bucket
    ):
        with suppress(OSError):
            remove(path)


def verify_files(root: Path) -> StoreVerification:
    """Compare every stored file with its name, and remove those that are damaged.

    Raises:
        OSError: a file cannot be read.
    """
    files = size = 0
    damaged: list[str] = []
    for bucket in buckets(root):
        if not bucket.name.startswith("files-v"):
            continue
        for path in items(bucket):
            sha256, _, length = path.name.partition(".")
            try:
                status = path.stat()
                sound = status.st_size == int(length) and is_sound(path, sha256)
            except FileNotFoundError:
                continue
            files += 1
            size += status.st_size
            if sound:
                # Being verified is not being used.
                stamp(path, sha256, status, used=status.st_atime_ns)
            else:
                damaged.append(path.name)
                discard(path)
    return StoreVerification(files=files, size=size, damaged=tuple(damaged))
