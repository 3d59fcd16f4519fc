"""The compression methods of zip archives, as far as this Python can undo them (APPNOTE.TXT 4.4.5).

Output comes in pieces of bounded size: a small member that swells to gigabytes is never held.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Protocol

from wherry.bundle.entry import DEFLATED, STORED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

__all__ = ["BZIP2", "CHUNK", "LZMA", "ZSTANDARD", "CompressionError", "decompress"]

BZIP2 = 12
LZMA = 14
ZSTANDARD = 93

CHUNK = 1 << 18
"""How many bytes a piece has at most."""

# What `xz -9` asks for; a header can ask for 4 GiB.
_LARGEST_DICTIONARY = 1 << 26


class CompressionError(ValueError):
    """Bytes are not what their compression method makes, or nobody knows the method."""


class _Machine(Protocol):
    """What the decompressors of ``bz2``, ``lzma`` and ``compression.zstd`` have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


def decompress(pieces: Iterable[bytes], method: int) -> Iterator[bytes]:
    """The decompressed bytes. Whoever takes them checks their size and CRC.

    Raises:
        CompressionError: the bytes are damaged, end early or are followed by others, or the method is
            unknown or not built into this Python.
    """
    undo = _METHODS.get(method)
    if undo is None:
        raise CompressionError(f"zip compression method {method} is not one that Wherry knows")
    return undo(pieces)


def _inflate(pieces: Iterable[bytes]) -> Iterator[bytes]:
    machine = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for piece in pieces:
            if machine.eof:
                raise _followed()
            while piece:
                yield machine.decompress(piece, CHUNK)
                piece = machine.unconsumed_tail  # noqa: PLW2901
        while rest := machine.decompress(b"", CHUNK):
            yield rest
    except zlib.error as error:
        raise CompressionError(str(error)) from error
    if not machine.eof:
        raise CompressionError("its compressed data ends early")
    if machine.unused_data:
        raise _followed()


def _bzip2(pieces: Iterable[bytes]) -> Iterator[bytes]:
    try:
        import bz2
    except ImportError as error:  # pragma: no cover - a Python built without it
        raise CompressionError("this Python has no bzip2") from error
    return _run(bz2.BZ2Decompressor(), pieces, (OSError, EOFError, ValueError))


def _lzma(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """5.8.8: version and size of the properties, the properties, the stream without a container."""
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
        # liblzma refuses less; whoever writes less needs no more.
        "dict_size": max(dictionary, 1 << 12),
    }
    failures = (lzma.LZMAError, EOFError, ValueError, MemoryError)
    try:
        machine = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[properties])
    except failures as error:
        raise CompressionError("its LZMA header is malformed") from error

    def stream() -> Iterator[bytes]:
        yield head[9:]
        yield from source

    # Without an end marker, which is optional, only the size tells where the stream ends.
    return _run(machine, stream(), failures, end_marked=False)


def _zstandard(pieces: Iterable[bytes]) -> Iterator[bytes]:
    try:
        from compression import zstd  # type: ignore[import-not-found, unused-ignore]
    except ImportError as error:
        raise CompressionError("only Python 3.14 and later have Zstandard") from error
    return _run(zstd.ZstdDecompressor(), pieces, (zstd.ZstdError, EOFError, ValueError))


def _run(
    machine: _Machine,
    pieces: Iterable[bytes],
    failures: tuple[type[Exception], ...],
    *,
    end_marked: bool = True,
) -> Iterator[bytes]:
    for piece in pieces:
        if machine.eof and piece:
            raise _followed()
        data = piece
        while not machine.eof and (data or not machine.needs_input):
            try:
                out = machine.decompress(data, CHUNK)
            except failures as error:
                raise CompressionError(str(error)) from error
            data = b""
            yield out
    if end_marked and not machine.eof:
        raise CompressionError("its compressed data ends early")
    if machine.unused_data:
        raise _followed()


def _followed() -> CompressionError:
    return CompressionError("something follows its compressed data")


_METHODS: Mapping[int, Callable[[Iterable[bytes]], Iterator[bytes]]] = {
    STORED: iter,
    DEFLATED: _inflate,
    BZIP2: _bzip2,
    LZMA: _lzma,
    ZSTANDARD: _zstandard,
}
