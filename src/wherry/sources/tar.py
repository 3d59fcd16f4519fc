"""Reading tar archives that are not trusted, once and from the front.

`tarfile` is not used: its `data` filter let members escape on many releases of Python (CVE-2025-4517, CVE-2025-4138),
and it reads names of any size into memory. What it reads is read here too (ustar, GNU, pax), except for sparse files.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import BinaryIO

__all__ = ["TarError", "TarMember", "read_tar"]

Kind: TypeAlias = Literal["file", "folder", "link", "hard link", "other"]

_BLOCK = 512
_CHUNK = 1 << 16
# Of a long name, or of pax records; Linux allows 4,096 bytes for a path.
_LARGEST_HEADER = 1 << 20
_LARGEST_HEADERS = 1 << 26
_LZMA_MEMORY = 1 << 27
_KINDS: Mapping[bytes, Kind] = {
    b"0": "file",
    b"\0": "file",
    b"7": "file",
    b"1": "hard link",
    b"2": "link",
    b"5": "folder",
}


class TarError(ValueError):
    """The archive is damaged, or larger than it may be."""


class _HeaderError(TarError):
    """A block is not a header."""


class _Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...


class TarMember(Struct, frozen=True, kw_only=True):
    """A member.

    Attributes:
        name: its path, with forward slashes.
        kind: a device, a pipe and the like are ``other``.
        mtime: seconds since 1970.
        content: pieces of its content, to be read before the next member.
    """

    name: str
    kind: Kind
    mode: int
    mtime: float
    link: str
    content: Iterator[bytes]


def read_tar(archive: Path) -> Iterator[TarMember]:
    """The members of an archive, which may be compressed with gzip, bzip2 or LZMA.

    Raises:
        TarError: it is damaged.
        OSError, EOFError, zlib.error, lzma.LZMAError: it cannot be read, or its compression is damaged.
    """
    with _opened(archive) as stream:
        yield from _Reader(stream).members()


@contextmanager
def _opened(archive: Path) -> Iterator[_Stream]:
    """The archive, decompressed according to its first bytes."""
    with archive.open("rb") as file:
        start = file.read(6)
        file.seek(0)
        if start.startswith(b"\x1f\x8b"):
            import gzip

            yield gzip.GzipFile(fileobj=file)
        elif start.startswith(b"BZh"):
            import bz2

            yield bz2.BZ2File(file)
        elif start.startswith((b"\xfd7zXZ\0", b"\x5d\0\0")):
            yield _Lzma(file)
        else:
            yield file


class _Lzma:
    """A stream compressed with LZMA; unlike that of the standard library, with a limit of memory."""

    def __init__(self, file: BinaryIO) -> None:
        import lzma

        self._file = file
        self._decompressor = lzma.LZMADecompressor(memlimit=_LZMA_MEMORY)

    def read(self, size: int, /) -> bytes:
        while not self._decompressor.eof:
            data = self._file.read(_CHUNK) if self._decompressor.needs_input else b""
            if not data and self._decompressor.needs_input:
                raise EOFError("the compressed data ends too soon")
            if piece := self._decompressor.decompress(data, size):
                return piece
        return b""


class _Reader:
    def __init__(self, stream: _Stream) -> None:
        self._stream = stream
        self._unread = 0
        self._headers = 0
        self._global: dict[str, str] = {}

    def members(self) -> Iterator[TarMember]:
        is_first = True
        extended: dict[str, str] = {}
        while True:
            self._skip()
            block = self._up_to(_BLOCK)
            if len(block) < _BLOCK or not block.strip(b"\0"):
                if is_first and len(block) < _BLOCK:
                    raise TarError("it is no tar archive")
                return
            try:
                _check(block)
                kind, size = block[156:157], _number(block[124:136])
                mode, mtime = _number(block[100:108]), _number(block[136:148])
            except _HeaderError:
                # What follows the members is passed over, as `tarfile` does.
                if is_first:
                    raise
                return
            is_first = False
            if kind in b"LKxXg":
                extended |= self._extension(kind, size)
                continue
            records = {"size": str(size), "mtime": str(mtime), **self._global, **extended}
            yield self._member(block, mode, records)
            extended = {}

    def _extension(self, kind: bytes, size: int) -> dict[str, str]:
        """The fields of the next member that this one gives."""
        self._headers += size
        if not 0 <= size <= _LARGEST_HEADER or self._headers > _LARGEST_HEADERS:
            raise TarError(f"a name or an extended header has {size:,} bytes")
        data = self._exactly(size)
        self._exactly(-size % _BLOCK)
        if kind in b"LK":
            return {"path" if kind == b"L" else "linkpath": _text(data)}
        records = _pax_records(data)
        if kind == b"g":
            self._global |= records
            return {}
        return records

    def _member(self, block: bytes, mode: int, extended: Mapping[str, str]) -> TarMember:
        if block[156:157] == b"S" or any(key.startswith("GNU.sparse") for key in extended):
            raise TarError("it holds a sparse file")
        name = _text(block[:100])
        prefix = _text(block[345:500]) if block[257:263] == b"ustar\0" else ""
        name = extended.get("path", f"{prefix}/{name}" if prefix else name)
        kind = _KINDS.get(block[156:157], "other")
        if kind == "file" and name.endswith("/"):  # as before POSIX
            kind = "folder"
        try:
            mtime, size = float(extended["mtime"]), int(extended["size"])
        except ValueError as error:
            raise TarError(f"a number in the header of {name[:200]!r} is none") from error
        if size < 0:
            raise TarError(f"the size of {name[:200]!r} is below 0")
        # Only files have content, whatever the size says.
        if kind not in {"file", "other"}:
            size = 0
        self._unread = size + -size % _BLOCK
        return TarMember(
            name=name,
            kind=kind,
            mode=mode,
            mtime=mtime,
            link=extended.get("linkpath", _text(block[157:257])),
            content=self._content(size),
        )

    def _content(self, size: int) -> Iterator[bytes]:
        while size > 0:
            piece = self._stream.read(min(size, _CHUNK))
            if not piece:
                raise TarError("it ends too soon")
            size -= len(piece)
            self._unread -= len(piece)
            yield piece

    def _skip(self) -> None:
        """Pass over what is left of the last member's content."""
        for _ in self._content(self._unread):
            pass

    def _up_to(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size and (piece := self._stream.read(min(size - len(data), _CHUNK))):
            data += piece
        return bytes(data)

    def _exactly(self, size: int) -> bytes:
        data = self._up_to(size)
        if len(data) < size:
            raise TarError("it ends too soon")
        return data


def _check(block: bytes) -> None:
    """Compare the checksum, which some programs computed of signed bytes."""
    expected = _number(block[148:156])
    counted = block[:148] + b" " * 8 + block[156:]
    total = sum(counted)
    if expected not in {total, total - 256 * sum(byte > 127 for byte in counted)}:
        raise _HeaderError("the checksum of a header is wrong")


def _number(field: bytes) -> int:
    """A number in octal digits, or after a mark in binary."""
    if field[0] in {0x80, 0xFF}:
        value = int.from_bytes(field[1:], "big")
        return value - 256 ** (len(field) - 1) if field[0] == 0xFF else value
    text = field.partition(b"\0")[0].strip()
    try:
        return int(text or b"0", 8)
    except ValueError as error:
        raise _HeaderError("a number in a header is none") from error


def _text(data: bytes) -> str:
    return data.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _pax_records(data: bytes) -> dict[str, str]:
    """The records of an extended header: their lengths, keys and values."""
    records: dict[str, str] = {}
    position = 0
    while position < len(data) and data[position]:
        space = data.find(b" ", position, position + 10)
        digits = data[position:space]
        end = position + int(digits) if space > 0 and digits.isdigit() else 0
        key, equals, value = data[space + 1 : end - 1].partition(b"=")
        if end > len(data) or not equals or data[end - 1 : end] != b"\n":
            raise TarError("an extended header is damaged")
        records[key.decode("utf-8", "replace")] = value.decode("utf-8", "surrogateescape")
        position = end
    return records
