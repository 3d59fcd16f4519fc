"""The files that a project is described by, each opened and parsed once in a run."""

from __future__ import annotations

import errno
import hashlib
import os
import time
from collections import defaultdict
from threading import RLock
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from contextlib import AbstractContextManager
    from pathlib import Path

__all__ = ["FileContent", "ProjectFiles", "signature"]

T = TypeVar("T")

_SECOND = 1_000_000_000


class FileContent(NamedTuple):
    """The content of a file, and its signature when it was read (see ``signature``)."""

    data: bytes
    signature: tuple[int, ...]


class ProjectFiles:
    """Reads files and remembers their contents, so that every step of a run sees the same.

    For several threads. A file that changes during the run is seen as it was when it was first read.
    """

    def __init__(self) -> None:
        """Begin with nothing read."""
        self._contents: dict[str, FileContent] = {}
        self._missing: set[str] = set()
        self._documents: dict[str, dict[str, Any]] = {}
        self._results: dict[Hashable, object] = {}
        self._lock = RLock()
        self._waits: defaultdict[Hashable, AbstractContextManager[object]] = defaultdict(RLock)

    def read(self, path: Path) -> bytes:
        """The content of a file.

        Raises:
            OSError: it cannot be read.
        """
        return self.content(path).data

    def content(self, path: Path | str) -> FileContent:
        """The content of a file, with its signature.

        Raises:
            OSError: it cannot be read.
        """
        key = os.path.abspath(path)  # noqa: PTH100 - what `Path` has no word for without following links
        with self._lock:
            if key in self._missing:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), key)
            if (content := self._contents.get(key)) is None:
                try:
                    with open(key, "rb") as file:  # noqa: PTH123
                        status = os.fstat(file.fileno())
                        content = FileContent(file.read(), signature(status))
                except FileNotFoundError:
                    self._missing.add(key)
                    raise
                self._contents[key] = content
        return content

    def known(self, path: str) -> FileContent | None:
        """The content of a file that was read before; the path is absolute."""
        return self._contents.get(path)

    def toml(self, path: Path) -> dict[str, Any]:
        """The document that a TOML file holds; not to be changed, as others are given it too.

        Raises:
            OSError: the file cannot be read.
            UnicodeDecodeError: it is not UTF-8.
            ValueError, RecursionError: it is not TOML, or nested too deeply.
        """
        key = os.path.abspath(path)  # noqa: PTH100
        if (document := self._documents.get(key)) is None:
            import tomllib

            document = self._documents[key] = tomllib.loads(self.read(path).decode())
        return document

    def digest(self, path: Path) -> str:
        """The SHA-256 of a file's content, in hexadecimal; empty where there is no such file."""
        try:
            return hashlib.sha256(self.read(path)).hexdigest()
        except OSError:
            return ""

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value that ``make`` computes from files, computed once in a run for each key.

        Another thread that asks for it meanwhile waits. An error is not remembered.
        """
        with self._lock:
            wait = self._waits[key]
        with wait:
            if key not in self._results:
                self._results[key] = make()
            return cast("T", self._results[key])


def signature(status: os.stat_result) -> tuple[int, ...]:
    """The numbers that change when a file's content does; empty for a file that is too new to rely on them.

    A file can change twice within one tick of the file system's clock.
    """
    coarse = status.st_mtime_ns % 1_000_000 == 0 and status.st_ctime_ns % 1_000_000 == 0
    tick = 3 * _SECOND if coarse else _SECOND // 10
    newest = max(status.st_mtime_ns, status.st_ctime_ns)
    if newest + tick > time.time_ns():
        return ()
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
