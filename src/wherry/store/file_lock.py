"""Advisory locks on files, between processes and between threads."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING
from weakref import finalize

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["SharedLock", "exclusive", "lock_if_free"]

_POLL = 0.05


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock of a file, which is made when missing; waits while another process or thread holds it.

    Whoever holds the lock may remove the file: those who wait for it notice, and lock the new file.

    Raises:
        OSError: the file cannot be made or locked.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            while not _take(descriptor, shared=False):
                time.sleep(_POLL)
            if _is_open_file(path, descriptor):
                yield
                return
        finally:
            os.close(descriptor)


class SharedLock:
    """A lock on a file that many processes hold at once, until one of them takes it for itself."""

    def __init__(self, path: Path) -> None:
        """Take the lock, waiting while a process holds it for itself.

        Raises:
            OSError: the file can be neither made nor opened.
        """
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except PermissionError:
            self._descriptor = os.open(path, os.O_RDONLY)
        self.share()
        finalize(self, os.close, self._descriptor)

    def take_alone(self, *, timeout: float) -> bool:
        """Wait for at most ``timeout`` seconds until no other process holds the lock, and keep others out."""
        until = time.monotonic() + timeout
        # A failed attempt gives up the shared lock for that moment, so two that both wait to be alone
        # do not wait for each other.
        while not _take(self._descriptor, shared=False):
            if time.monotonic() >= until:
                self.share()
                return False
            time.sleep(_POLL)
        return True

    def share(self) -> None:
        """Let other processes hold the lock, too."""
        while not _take(self._descriptor, shared=True):
            time.sleep(_POLL)


def lock_if_free(descriptor: int) -> bool:
    """Take the lock of an open file for this process alone, unless somebody has it; whether it was taken.

    It is held until the file is closed.

    Raises:
        OSError: the file system has no locks.
    """
    return _take(descriptor, shared=False)


def _is_open_file(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int, *, shared: bool) -> bool:
        if shared:  # Windows itself refuses to remove what is open.
            return True
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _take(descriptor: int, *, shared: bool) -> bool:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
