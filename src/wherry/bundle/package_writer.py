"""Writing the bytes of a package, while hashing them."""

from __future__ import annotations

import hashlib
import os
import queue
import threading
from typing import TYPE_CHECKING, BinaryIO

from wherry.errors import ArchiveError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["PackageWriter"]

_BUFFER = 1 << 20
_BUFFERS = 4
# Members of a wheel are mostly in the order of the package, so small ones are read by the hundred.
_WINDOW = 1 << 17
_SMALL = 1 << 14
_NEAR = 1 << 12


class PackageWriter:
    """Writes a package in large buffers, and hashes them in another thread.

    Reading, writing and hashing release the interpreter's lock; reading and writing together take about as long as
    hashing, so two threads share the work evenly. The file is unbuffered, open for writing and empty.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.size = 0
        self._used = 0
        # Created on demand: a small package is written in less time than creating all of them takes.
        self._free: queue.SimpleQueue[bytearray] = queue.SimpleQueue()
        self._made = 0
        self._full: queue.SimpleQueue[tuple[bytearray, int] | None] = queue.SimpleQueue()
        self._window = memoryview(bytearray(_WINDOW))
        # A path, because the number of a descriptor may be used again for another file.
        self._window_of: Path | None = None
        self._window_start = self._window_end = 0
        self._last_end = 0
        self._use(self._next())
        self._thread = threading.Thread(target=self._update_hash, name="wherry-digest", daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> None:
        """Append.

        Raises:
            OSError: the file cannot be written.
        """
        size = len(data)
        end = self._used + size
        if end <= _BUFFER:
            self._view[self._used : end] = data
            self._used = end
            return
        view = memoryview(data)
        while view:
            if self._used == _BUFFER:
                self._flush()
            room = min(_BUFFER - self._used, len(view))
            self._view[self._used : self._used + room] = view[:room]
            self._used += room
            view = view[room:]

    def copy(self, descriptor: int, offset: int, size: int, source: Path) -> None:
        """Append a part of the file ``source``, which is open as ``descriptor``.

        Raises:
            ArchiveError: the file ends earlier.
            OSError: it cannot be read, or the package cannot be written.
        """
        end = offset + size
        if self._used + size <= _BUFFER and size <= _SMALL:
            begin = offset - self._window_start
            if (
                source is self._window_of and begin >= 0 and end <= self._window_end
            ) or self._slide(descriptor, offset, end, source):
                begin = offset - self._window_start
                used = self._used
                self._used = used + size
                self._view[used : self._used] = self._window[begin : begin + size]
                return
        self._window_of, self._last_end = source, end
        self._window_end = 0
        while size:
            if self._used == _BUFFER:
                self._flush()
            room = min(_BUFFER - self._used, size)
            got = _read_into(descriptor, self._view[self._used : self._used + room], offset)
            if not got:
                raise ArchiveError(
                    f"`{source}` is truncated",
                    hint="remove it, and it will be fetched again: wherry cache prune",
                )
            self._used += got
            offset += got
            size -= got

    def close(self) -> str:
        """Write the rest, and return the SHA-256 of everything in hexadecimal.

        Raises:
            OSError: the file cannot be written.
        """
        self._flush(last=True)
        self._full.put(None)
        self._thread.join()
        return self._hash.hexdigest()

    def abandon(self) -> None:
        """Stop writing; the content of the file is undefined."""
        self._full.put(None)
        self._thread.join()

    def _slide(self, descriptor: int, offset: int, end: int, source: Path) -> bool:
        """Read a window of the file, if this part follows the last one; False to read the part by itself."""
        last = self._window_end or self._last_end
        if source is not self._window_of or not -_WINDOW <= offset - last <= _NEAR:
            return False
        got = _read_into(descriptor, self._window, offset)
        self._window_start, self._window_end = offset, offset + got
        return end <= self._window_end

    def _use(self, buffer: bytearray) -> None:
        self._buffer = buffer
        self._view = memoryview(buffer)
        self._used = 0

    def _flush(self, *, last: bool = False) -> None:
        self._full.put((self._buffer, self._used))
        left = self._view[: self._used]
        while left:
            left = left[self._file.write(left) :]
        self.size += self._used
        self._used = 0
        if not last:
            self._use(self._next())

    def _next(self) -> bytearray:
        if self._made < _BUFFERS and self._free.empty():
            self._made += 1
            return bytearray(_BUFFER)
        return self._free.get()

    def _update_hash(self) -> None:
        while (full := self._full.get()) is not None:
            buffer, used = full
            self._hash.update(memoryview(buffer)[:used])
            self._free.put(buffer)


if hasattr(os, "preadv"):

    def _read_into(descriptor: int, view: memoryview, offset: int) -> int:
        return os.preadv(descriptor, [view], offset)

else:  # pragma: no cover - Windows has no positioned read

    def _read_into(descriptor: int, view: memoryview, offset: int) -> int:
        os.lseek(descriptor, offset, os.SEEK_SET)
        data = os.read(descriptor, len(view))
        view[: len(data)] = data
        return len(data)
