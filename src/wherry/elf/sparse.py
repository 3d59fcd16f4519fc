"""ELF files in memory without their machine code, which is most of their size and does not matter for what they need."""

from __future__ import annotations

from mmap import mmap
from typing import TYPE_CHECKING

from wherry.elf.model import PT_LOAD, ElfError
from wherry.elf.reader import read_segments

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["without_code"]

_HEAD = 1 << 14
_EXECUTABLE = 1


def without_code(pieces: Iterable[bytes], size: int) -> mmap:
    """The content of a file, with zeros for the segments that are machine code alone.

    Pages that are never written take no memory. ``size`` is that of all of it, in bytes; not 0.
    """
    data = mmap(-1, size)
    at = 0
    kept: Sequence[tuple[int, int]] | None = None
    for piece in _with_head(pieces):
        if kept is None:
            kept = _kept(piece, size)
        for start, stop in kept:
            begin, end = max(start, at), min(stop, at + len(piece))
            if begin < end:
                data[begin:end] = piece[begin - at : end - at]
        at += len(piece)
    return data


def _with_head(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same content, of which the first piece holds all that tells where the segments are."""
    iterator = iter(pieces)
    head = b""
    for piece in iterator:
        head += piece
        if len(head) >= _HEAD:
            break
    yield head
    yield from iterator


def _kept(head: bytes, size: int) -> list[tuple[int, int]]:
    """The parts of a file that are no machine code, in order; all of it where its beginning does not tell."""
    try:
        segments = read_segments(head)
    except ElfError:
        return [(0, size)]
    kept, begin = [], 0
    for segment in sorted(segments, key=lambda each: each.offset):
        # The first holds the tables of the linker, too, where a file has no segment for them.
        if segment.type == PT_LOAD and segment.flags & _EXECUTABLE and segment.offset >= len(head):
            kept.append((begin, segment.offset))
            begin = max(begin, segment.end)
    return [*kept, (begin, size)]
