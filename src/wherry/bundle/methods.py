"""Decompressing the methods of zip archives that this Python supports (APPNOTE.TXT 4.4.5).

The size of output pieces is limited: a small member that expands to gigabytes is never held in memory.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Protocol

from wherry.bundle.entry import DEFLATED, STORED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

__all__ = ["CHUNK", "CompressionError", "decompress"]

_BZIP2 = 12
_LZMA = 14
_ZSTANDARD = 93

CHUNK = 1 << 18
"""The largest number of bytes in a piece."""

# The dictionary of `xz -9`; a header can ask for 4 GiB.
_LARGEST_DICTIONARY = 1 << 26


class CompressionError(ValueError):
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


def decompress(pieces: Iterable[bytes], method: int) -> Iterator[bytes]:
    """The decompressed bytes. The caller checks their size and CRC.

    Raises:
        CompressionError: the bytes are damaged, end early or are followed by others, or the method is
            unknown or not built into this Python.
    """
    decompress_method = _METHODS.get(method)
    if decompress_method is None:
        raise CompressionError(f"zip compression method {method} is unknown")
    return decompress_method(pieces)


def _inflate(pieces: Iterable[bytes]) -> Iterator[bytes]:
    decompressor = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for piece in pieces:
            if decompressor.eof:
                raise _followed()
            while piece:
                yield decompressor.decompress(piece, CHUNK)
                piece = decompressor.unconsumed_tail  # noqa: PLW2901
        while rest := decompressor.decompress(b"", CHUNK):
            yield rest
    except zlib.error as error:
        raise CompressionError(str(error)) from error
    if not decompressor.eof:
        raise CompressionError("its compressed data ends early")
    if decompressor.unused_data:
        raise _followed()


def _bzip2(pieces: Iterable[bytes]) -> Iterator[bytes]:
    try:
        import bz2
    except ImportError as error:  # pragma: no cover - a Python built without it
        raise CompressionError("this Python has no bzip2") from error
    return _run(bz2.BZ2Decompressor(), pieces, (OSError, EOFError, ValueError))


def _lzma(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Decompress version and size of the properties, the properties, and the raw stream (5.8.8)."""
    try:
        import lzma
    except ImportError as error:  # pragma: no cover - a Python built without it
        raise CompressionError("this Python has no LZMA") from error
    source = iter(pieces)
    head = b""
    for piece in source:
        head += piece
        if len(head) >= 9:
            break
    if len(head) < 9 or head[2:4] != b"\5\0":
        raise CompressionError("its LZMA header is malformed")
    packed, dictionary = head[4], int.from_bytes(head[5:9], "little")
    if dictionary > _LARGEST_DICTIONARY:
        raise CompressionError(f"its LZMA dictionary would take {dictionary:,} bytes of memory")
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
        raise CompressionError("its LZMA header is malformed") from error

    def stream() -> Iterator[bytes]:
        yield head[9:]
        yield from source

    # The end marker is optional; without it only the size tells where the stream ends.
    return _run(decompressor, stream(), failures, end_marked=False)


def _zstandard(pieces: Iterable[bytes]) -> Iterator[bytes]:
    try:
        from compression import zstd  # type: ignore[import-not-found, unused-ignore]
    except ImportError as error:
        raise CompressionError("only Python 3.14 and later have Zstandard") from error
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
                out = decompressor.decompress(data, CHUNK)
            except failures as error:
                raise CompressionError(str(error)) from error
            data = b""
            yield out
    if end_marked and not decompressor.eof:
        raise CompressionError("its compressed data ends early")
    if decompressor.unused_data:
        raise _followed()


def _followed() -> CompressionError:
    return CompressionError("something follows its compressed data")


_METHODS: Mapping[int, Callable[[Iterable[bytes]], Iterator[bytes]]] = {
    STORED: iter,
    DEFLATED: _inflate,
    _BZIP2: _bzip2,
    _LZMA: _lzma,
    _ZSTANDARD: _zstandard,
}
