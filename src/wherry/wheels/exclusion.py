"""Keeping processes out of each other's way: advisory locks on files."""

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

__all__ = ["Presence", "exclusive"]

_POLL = 0.05


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock of this file, which is made when missing; waits while another holds it.

    Threads of one process exclude each other too. The file may be removed by whoever holds the lock:
    those who wait for it notice, and take the new file's.

    Raises:
        OSError: the file cannot be made or locked.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            while not _take(descriptor, shared=False):
                time.sleep(_POLL)
            if _is(path, descriptor):
                yield
                return
        finally:
            os.close(descriptor)


class Presence:
    """A mark that this process is using a folder, for those who would empty it.

    Many processes may be present at once; one that wants the folder for itself waits for the others.
    """

    def __init__(self, path: Path) -> None:
        """Come in.

        Raises:
            OSError: the file can be neither made nor opened.
        """
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except PermissionError:
            self._descriptor = os.open(path, os.O_RDONLY)
        while not _take(self._descriptor, shared=True):
            time.sleep(_POLL)

        finalize(self, os.close, self._descriptor)

    def alone(self, *, patience: float) -> bool:
        """Wait for at most ``patience`` seconds until no other process is present, and keep them out."""
        until = time.monotonic() + patience
        # A failed attempt gives up the shared lock for that moment, so two that both wait to be alone
        # do not wait for each other.
        while not _take(self._descriptor, shared=False):
            if time.monotonic() >= until:
                self.together()
                return False
            time.sleep(_POLL)
        return True

    def together(self) -> None:
        """Let the others in again."""
        while not _take(self._descriptor, shared=True):
            time.sleep(_POLL)


def _is(path: Path, descriptor: int) -> bool:
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
