"""Sdists in the tar format of Unix V7, which uv does not read: it gets a copy with headers that it knows.

That format has no magic in its headers; otherwise they are the same as those of POSIX (``ustar``).
"""

from __future__ import annotations

import gzip
import hashlib
import re
import zlib
from typing import TYPE_CHECKING

from packaging.utils import InvalidSdistFilename, parse_sdist_filename
from packaging.version import InvalidVersion, Version

from wherry.indexes.body import read_body
from wherry.indexes.failures import check, explained, shown_url
from wherry.indexes.session import open_session, timeouts
from wherry.indexes.simple import project_files
from wherry.structs import Struct
from wherry.untrusted import decoded, read_all

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import requests

    from wherry.context import Context
    from wherry.errors import LockError
    from wherry.indexes.simple import IndexedFile

__all__ = ["LentSdist", "lend_sdists", "with_magic"]

_UNREADABLE = re.compile(r"Failed to extract archive: (?P<name>[\w.-]+)==(?P<version>[\w.!+-]+)")
_LARGEST = 1 << 28
_SECONDS = 300.0
_BLOCK = 512
_SIZE, _CHECKSUM, _MAGIC = slice(124, 136), slice(148, 156), slice(257, 265)
_NUMBERS = (slice(100, 108), slice(108, 116), slice(116, 124), _SIZE, slice(136, 148))
"""Mode, user, group, size and time of modification; some programs padded them with blanks."""


class LentSdist(Struct, frozen=True, kw_only=True):
    """A copy of an sdist that uv can read, with the address and the digest of the original."""

    path: Path
    sha256: str
    url: str
    original_sha256: str

    def restore(self, lock: str) -> str:
        """The text of a lock, with the original in the copy's place."""
        return lock.replace(self.path.as_uri(), self.url).replace(self.sha256, self.original_sha256)


def lend_sdists(
    error: LockError, folder: Path, context: Context, *, index: str | None
) -> list[LentSdist]:
    """Put copies of the sdists that uv could not read into a folder; none where the format is not the reason.

    ``error`` has uv's words; an index of None is the default one.

    Raises:
        FetchError: the index does not answer.
    """
    wanted = {
        match["name"]: match["version"] for match in map(_UNREADABLE.search, error.where) if match
    }
    if not wanted or context.offline:
        return []
    lent = []
    with open_session(context.network) as session:
        for name, version in wanted.items():
            files = project_files(index, name, session=session, network=context.network)
            file = next((file for file in files if _is_of(file.filename, version)), None)
            copy = _lend(file, folder, session, context) if file is not None else None
            lent += [copy] if copy is not None else []
    return lent


def _is_of(filename: str, version: str) -> bool:
    try:
        return filename.endswith(".tar.gz") and parse_sdist_filename(filename)[1] == Version(
            version
        )
    except (InvalidSdistFilename, InvalidVersion):
        return False


def _lend(
    file: IndexedFile, folder: Path, session: requests.Session, context: Context
) -> LentSdist | None:
    what, shown = f"`{file.filename}`", context.network.hide(shown_url(file.url))
    with explained(shown, what=what):
        response = session.get(file.url, stream=True, timeout=timeouts())
    with response:
        check(response, what=what, network=context.network)
        data = read_body(response, what=what, shown=shown, most=_LARGEST)
    digest = hashlib.sha256(data).hexdigest()
    try:
        tar = read_all(decoded(_pieces(data), "gzip"), most=_LARGEST, seconds=_SECONDS)
        readable = with_magic(tar)
    except ValueError:
        return None
    if readable == tar or file.hashes.get("sha256", digest) != digest:
        return None
    path = folder / file.filename
    path.write_bytes(copy := gzip.compress(readable, compresslevel=1, mtime=0))
    return LentSdist(
        path=path,
        sha256=hashlib.sha256(copy).hexdigest(),
        url=file.url,
        original_sha256=digest,
    )


def _pieces(data: bytes) -> Iterable[bytes]:
    return (
        data[start : start + zlib.DEF_BUF_SIZE] for start in range(0, len(data), zlib.DEF_BUF_SIZE)
    )


def with_magic(tar: bytes) -> bytes:
    """A tar archive whose headers of V7 are those of POSIX; any other header stays as it is.

    Raises:
        ValueError: a header is damaged.
    """
    blocks = bytearray(tar)
    place = 0
    while place + _BLOCK <= len(blocks):
        header = blocks[place : place + _BLOCK]
        if not any(header):
            place += _BLOCK
            continue
        size = _octal(header[_SIZE])
        if not any(header[_MAGIC]):
            header[_MAGIC] = b"ustar\x0000"
            for field in _NUMBERS:
                width = field.stop - field.start - 1
                header[field] = b"%0*o\x00" % (width, _octal(header[field]))
            header[_CHECKSUM] = b" " * 8
            header[_CHECKSUM] = b"%06o\x00 " % sum(header)
            blocks[place : place + _BLOCK] = header
        place += _BLOCK + -(-size // _BLOCK) * _BLOCK
    return bytes(blocks)


def _octal(field: bytearray) -> int:
    return int(field.rstrip(b"\x00 ").strip() or b"0", 8)
