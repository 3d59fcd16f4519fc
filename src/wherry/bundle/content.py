"""Reading the content of payloads."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from wherry.bundle.entry import Inline, Slice, SourceFile
from wherry.bundle.methods import CHUNK, CompressionError, decompress
from wherry.errors import ArchiveError, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wherry.bundle.entry import Payload

__all__ = ["read_all", "read_content", "same_content"]


def read_content(payload: Payload) -> Iterator[bytes]:
    """The decompressed bytes in pieces; size and CRC are verified at the end.

    Raises:
        ArchiveError: the member of an archive does not have the size or CRC in its directory.
        OutputError: a source file was removed or changed since the entry was made.
    """
    match payload:
        case Inline(data):
            yield data
        case SourceFile():
            yield from _read_file(payload)
        case Slice():
            yield from _read_slice(payload)


def read_all(payload: Payload) -> bytes:
    """The decompressed bytes at once, for small payloads."""
    return b"".join(read_content(payload))


def same_content(first: Payload, second: Payload) -> bool:
    """Whether both decompress to the same bytes."""
    if (first.size, first.crc) != (second.size, second.crc):
        return False
    # Equal CRCs do not prove equal contents.
    return first == second or _digest(first) == _digest(second)


def _digest(payload: Payload) -> bytes:
    import hashlib

    digest = hashlib.sha256()
    for piece in read_content(payload):
        digest.update(piece)
    return digest.digest()


def _read_file(payload: SourceFile) -> Iterator[bytes]:
    crc = size = 0
    try:
        with payload.path.open("rb") as file:
            while piece := file.read(CHUNK):
                crc = zlib.crc32(piece, crc)
                size += len(piece)
                if size > payload.size:  # the file may be growing
                    break
                yield piece
    except OSError as error:
        raise OutputError(f"cannot read `{payload.path}`", where=[str(error)]) from error
    if (size, crc) != (payload.size, payload.crc):
        raise OutputError(
            f"`{payload.path}` changed while it was being packaged",
            hint="run the same command again",
        )


def _read_slice(payload: Slice) -> Iterator[bytes]:
    crc = size = 0
    try:
        for piece in decompress(_raw(payload), payload.method):
            crc = zlib.crc32(piece, crc)
            size += len(piece)
            if size > payload.size:
                break
            yield piece
    except CompressionError as error:
        raise _damaged(payload, str(error)) from error
    if (size, crc) != (payload.size, payload.crc):
        raise _damaged(
            payload,
            "it does not decompress to the size and CRC that the archive's directory records",
        )


def _damaged(payload: Slice, reason: str) -> ArchiveError:
    return ArchiveError(
        f"`{payload.archive.name}` holds a damaged member at byte {payload.offset:,}",
        where=[reason],
    )


def _raw(payload: Slice) -> Iterator[bytes]:
    left = payload.compressed_size
    try:
        with payload.archive.open("rb") as file:
            file.seek(payload.offset)
            while left and (piece := file.read(min(left, CHUNK))):
                left -= len(piece)
                yield piece
    except OSError as error:
        raise ArchiveError(f"cannot read `{payload.archive}`", where=[str(error)]) from error
    if left:
        raise ArchiveError(f"`{payload.archive.name}` is truncated")
