"""Reading the content of payloads, by all methods of zip archives that this Python supports (APPNOTE.TXT 4.4.5).

The size of pieces is limited: a small member that expands to gigabytes is never held in memory.
"""

from __future__ import annotations

import errno
import zlib
from typing import TYPE_CHECKING, Protocol

from wherry.bundle.entry import DEFLATED, STORED, Deflated, Inline, Slice, SourceFile
from wherry.errors import ArchiveError, FileChangedError, OutputError
from wherry.files import open_regular, reason_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import BinaryIO

    from wherry.bundle.entry import Payload
    from wherry.store.writer import StoreWriter

__all__ = ["content_sha256", "copied", "measure", "read_all", "read_content", "same_content"]

_BZIP2 = 12
_LZMA = 14
_ZSTANDARD = 93

# The largest number of bytes in a piece.
_CHUNK = 1 << 18
# The dictionary of `xz -9`; a header can ask for 4 GiB.
_LARGEST_DICTIONARY = 1 << 26
_LEAVE_OUT = "leave it out with `exclude`, or end what writes to it"
# A file that was there before is gone, or is something else now.
_REPLACED = (errno.ENOENT, errno.ENOTDIR, errno.EINVAL, errno.ELOOP)


def read_content(payload: Payload) -> Iterator[bytes]:
    """The decompressed bytes in pieces; size and CRC are verified at the end.

    Raises:
        ArchiveError: the member of an archive does not have the size or CRC in its directory.
        FileChangedError: a source file was removed or changed since the entry was made.
        OutputError: it cannot be read.
    """
    if isinstance(payload, Inline):
        yield payload.data
        return
    crc = size = 0
    for piece in _pieces(payload):
        crc = zlib.crc32(piece, crc)
        size += len(piece)
        if size > payload.size:  # a file may be growing
            break
        yield piece
    if (size, crc) != (payload.size, payload.crc):
        if isinstance(payload, SourceFile):
            raise FileChangedError(
                f"`{payload.path}` changed while it was being packaged",
                hint=_LEAVE_OUT,
            )
        assert isinstance(payload, Slice)  # noqa: S101 - what Wherry deflated is as it was made
        raise _damaged(
            payload,
            "it does not decompress to the size and CRC that the archive's directory records",
        )


def copied(pieces: Iterable[bytes], writer: StoreWriter) -> Iterator[bytes]:
    """The same pieces, each of which is written to the store."""
    for piece in pieces:
        writer.write(piece)
        yield piece


def read_all(payload: Payload) -> bytes:
    """The decompressed bytes at once, for small payloads."""
    return b"".join(read_content(payload))


def same_content(first: Payload, second: Payload) -> bool:
    """Whether both decompress to the same bytes."""
    if (first.size, first.crc) != (second.size, second.crc):
        return False
    # Equal CRCs do not prove equal contents.
    return first == second or content_sha256(first) == content_sha256(second)


def content_sha256(payload: Payload) -> str:
    """The SHA-256 of the decompressed bytes, in hexadecimal; errors as ``read_content``."""
    return measure(read_content(payload))[2]


def measure(content: BinaryIO | Iterable[bytes]) -> tuple[int, int, str]:
    """The size, the CRC and the SHA-256, in hexadecimal, of a file's rest or of pieces."""
    import hashlib

    crc = size = 0
    digest = hashlib.sha256()
    read = getattr(content, "read", None)
    for piece in content if read is None else iter(lambda: read(_CHUNK), b""):
        crc = zlib.crc32(piece, crc)
        size += len(piece)
        digest.update(piece)
    return size, crc, digest.hexdigest()


def _pieces(payload: SourceFile | Slice | Deflated) -> Iterator[bytes]:
    if isinstance(payload, Deflated):
        yield from _inflate([payload.data])
        return
    if isinstance(payload, Slice):
        try:
            if (decompress := _METHODS.get(payload.method)) is None:
                raise _CompressionError(f"zip compression method {payload.method} is unknown")
            yield from decompress(_raw(payload))
        except _CompressionError as error:
            raise _damaged(payload, str(error)) from error
        return
    try:
        with open_regular(payload.path) as file:
            while piece := file.read(_CHUNK):
                yield piece
    except OSError as error:
        kind = FileChangedError if error.errno in _REPLACED else OutputError
        raise kind(
            f"cannot read `{payload.path}`", where=[reason_of(error)], hint=_LEAVE_OUT
        ) from error


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
            while left and (piece := file.read(min(left, _CHUNK))):
                left -= len(piece)
                yield piece
    except OSError as error:
        raise ArchiveError(f"cannot read `{payload.archive}`", where=[reason_of(error)]) from error
    if left:
        raise ArchiveError(f"`{payload.archive.name}` is truncated")


class _CompressionError(ValueError):
    """Bytes are not what their compression method produces, or the method is unknown."""


class _Decompressor(Protocol):
    """The interface of the decompressors of ``bz2``, ``lzma`` and ``compression.zstd``."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


def _inflate(pieces: Iterable[bytes]) -> Iterator[bytes]:
    decompressor = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for piece in pieces:
            if decompressor.eof:
                raise _followed()
            while piece:
                yield decompressor.decompress(piece, _CHUNK)
                piece = decompressor.unconsumed_tail  # noqa: PLW2901
        while rest := decompressor.decompress(b"", _CHUNK):
            yield rest
    except zlib.error as error:
        raise _CompressionError(str(error)) from error
    if not decompressor.eof:
        raise _CompressionError("its compressed data ends early")
    if decompressor.unused_data:
        raise _followed()


def _bzip2(pieces: Iterable[bytes]) -> Iterator[bytes]:
    try:
        import bz2
    except ImportError as error:  # pragma: no cover - a Python built without it
        raise _CompressionError("this Python has no bzip2") from error
    return _run(bz2.BZ2Decompressor(), pieces, (OSError, EOFError, ValueError))


def _lzma(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Decompress version and size of the properties, the properties, and the raw stream (5.8.8)."""
    try:
        import lzma
    except ImportError as error:  # pragma: no cover - a Python built without it
        raise _CompressionError("this Python has no LZMA") from error
    source = iter(pieces)
    head = b""
    for piece in source:
        head += piece
        if len(head) >= 9:
            break
    if len(head) < 9 or head[2:4] != b"\5\0":
        raise _CompressionError("its LZMA header is malformed")
    packed, dictionary = head[4], int.from_bytes(head[5:9], "little")
    if dictionary > _LARGEST_DICTIONARY:
        raise _CompressionError(f"its LZMA dictionary would take {dictionary:,} bytes of memory")
    properties = {
        "id": lzma.FILTER_LZMA1,
        "lc": packed % 9,
        "lp": packed // 9 % 5,
        "pb": packed // 45,
        # liblzma refuses less; streams with less can be read with more.
        "dict_size": max(dictionary, 1 << 12),
    }
    failures = (lzma.LZMAError, EOFError, ValueError, MemoryError)
    try:
        decompressor = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[properties])
    except failures as error:
        raise _CompressionError("its LZMA header is malformed") from error

    def stream() -> Iterator[bytes]:
        yield head[9:]
        yield from source

    # The end marker is optional; without it only the size tells where the stream ends.
    return _run(decompressor, stream(), failures, end_marked=False)


def _zstandard(pieces: Iterable[bytes]) -> Iterator[bytes]:
    try:
        from compression import zstd  # type: ignore[import-not-found, unused-ignore]
    except ImportError as error:
        raise _CompressionError("only Python 3.14 and later have Zstandard") from error
    return _run(zstd.ZstdDecompressor(), pieces, (zstd.ZstdError, EOFError, ValueError))


def _run(
    decompressor: _Decompressor,
    pieces: Iterable[bytes],
    failures: tuple[type[Exception], ...],
    *,
    end_marked: bool = True,
) -> Iterator[bytes]:
    for piece in pieces:
        if decompressor.eof and piece:
            raise _followed()
        data = piece
        while not decompressor.eof and (data or not decompressor.needs_input):
            try:
                out = decompressor.decompress(data, _CHUNK)
            except failures as error:
                raise _CompressionError(str(error)) from error
            data = b""
            yield out
    if end_marked and not decompressor.eof:
        raise _CompressionError("its compressed data ends early")
    if decompressor.unused_data:
        raise _followed()


def _followed() -> _CompressionError:
    return _CompressionError("something follows its compressed data")


_METHODS: Mapping[int, Callable[[Iterable[bytes]], Iterator[bytes]]] = {
    STORED: iter,
    DEFLATED: _inflate,
    _BZIP2: _bzip2,
    _LZMA: _lzma,
    _ZSTANDARD: _zstandard,
}
