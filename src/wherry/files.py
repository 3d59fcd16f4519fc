"""The files that a project is described by, each opened and parsed once in a run."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import time
from collections import defaultdict
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar, cast

from wherry.structs import Struct
from wherry.untrusted import parse_toml

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator
    from contextlib import AbstractContextManager
    from io import FileIO

__all__ = [
    "FileContent",
    "ProjectFiles",
    "broken_link",
    "copy_folder",
    "is_folder_entry",
    "is_inside",
    "make_folders",
    "open_regular",
    "read_regular",
    "real_path",
    "reason_of",
    "remove_folder",
    "signature",
    "walk_folders",
]

T = TypeVar("T")

_MARK = b"\xef\xbb\xbf"
_SECOND = 1_000_000_000


class FileContent(Struct, frozen=True):
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
                    with open_regular(key) as file:
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

        A byte order mark, which editors on Windows write, is skipped, as in all other files that Wherry reads.

        Raises:
            OSError: the file cannot be read.
            UnicodeDecodeError: it is not UTF-8.
            ValueError: it is not TOML, too large or nested too deeply.
        """
        key = os.path.abspath(path)  # noqa: PTH100
        if (document := self._documents.get(key)) is None:
            document = self._documents[key] = parse_toml(
                self.read(path).removeprefix(_MARK).decode()
            )
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


def open_regular(path: Path | str) -> FileIO:
    """Open a file for reading, if it is a regular one; unbuffered.

    A pipe would wait for a writer, and a device such as ``/dev/zero`` would never end.

    Raises:
        OSError: it cannot be opened, or is not a regular file.
    """
    # Opening a pipe without this waits.
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, flags)
    except ValueError as error:  # a NUL, or half of a character
        raise OSError(errno.EINVAL, "it is not a path", ascii(str(path))) from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        return open(descriptor, "rb", buffering=0)  # noqa: PTH123
    except BaseException:
        os.close(descriptor)
        raise


def read_regular(path: Path | str) -> bytes:
    """The content of a regular file; errors as ``open_regular``."""
    with open_regular(path) as file:
        return file.read()


def real_path(path: Path | str) -> Path:
    """The path with all symbolic links followed, as far as they lead anywhere: links in a circle are no error."""
    return Path(os.path.realpath(path))


def reason_of(error: Exception) -> str:
    """The system's words for an error, without its number and path; the text of one that is not the system's."""
    return getattr(error, "strerror", None) or str(error)


def broken_link(path: Path | str) -> str | None:
    """Where a symbolic link leads that leads nowhere, or in a circle; None for any other path."""
    if os.path.islink(path) and not os.path.exists(path):  # noqa: PTH110, PTH114
        return os.readlink(path)  # noqa: PTH115
    return None


def is_inside(path: Path | str, folder: Path | str) -> bool:
    """Whether a path, with all symbolic links followed, is a folder or lies in it."""
    path, folder = os.path.realpath(path), os.path.realpath(folder)
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def walk_folders(root: Path | str) -> Iterator[tuple[str, list[str], list[str]]]:
    """As ``os.walk`` from the top, of folders of any depth; that of Python before 3.12 calls itself for every level."""
    waiting = [str(root)]
    while waiting:
        folder = waiting.pop()
        folders: list[str] = []
        names: list[str] = []
        links: set[str] = set()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    (folders if is_folder_entry(entry) else names).append(entry.name)
                    if entry.is_symlink():
                        links.add(entry.name)
        except OSError:
            continue
        yield folder, folders, names
        # The caller may have taken some out, or changed their order.
        waiting += [os.path.join(folder, name) for name in reversed(folders) if name not in links]  # noqa: PTH118


def is_folder_entry(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder, or a link to one."""
    try:
        return entry.is_dir()
    except OSError:
        # A link that leads to itself.
        return False


def make_folders(folder: Path | str) -> None:
    """Make a folder and those above it, however deep it is; ``os.makedirs`` calls itself for every level.

    Raises:
        OSError: one cannot be made.
    """
    missing: list[str] = []
    path = str(folder)
    while path and not os.path.isdir(path):  # noqa: PTH112
        missing.append(path)
        path = os.path.dirname(path)  # noqa: PTH120
    for path in reversed(missing):
        try:
            os.mkdir(path)  # noqa: PTH102
        except FileExistsError:
            # Another thread may have made it.
            if not os.path.isdir(path):  # noqa: PTH112
                raise


def copy_folder(
    source: Path | str, target: Path | str, *, leave_out: Callable[[str], bool] = lambda _: False
) -> None:
    """Copy a folder with all that it holds, however deep it is; ``shutil.copytree`` calls itself for every level.

    A symbolic link is copied as one; that to a place outside leads there from the copy, too. Files and folders with a
    name that ``leave_out`` tells are left out.

    Raises:
        OSError: something cannot be read or written.
    """
    import shutil

    make_folders(target)
    waiting = [(str(source), str(target))]
    while waiting:
        folder, copy = waiting.pop()
        with os.scandir(folder) as entries:
            for entry in entries:
                path = f"{copy}/{entry.name}"
                if leave_out(entry.name):
                    continue
                if entry.is_symlink():
                    leads = os.readlink(entry.path)  # noqa: PTH115
                    inside = not os.path.isabs(leads) and is_inside(entry.path, source)  # noqa: PTH117
                    os.symlink(leads if inside else os.path.realpath(entry.path), path)  # noqa: PTH211
                elif entry.is_dir():
                    os.mkdir(path)  # noqa: PTH102
                    shutil.copystat(entry.path, path)
                    os.chmod(path, os.stat(path).st_mode | 0o700)  # noqa: PTH101, PTH116
                    waiting.append((entry.path, path))
                elif entry.is_file():
                    shutil.copy2(entry.path, path)


def remove_folder(folder: Path | str) -> None:
    """Remove a folder with all that it holds, however deep it is; ``shutil.rmtree`` calls itself for every level.

    Symbolic links are not followed.

    Raises:
        OSError: something cannot be removed; the rest has been.
    """
    problem: OSError | None = None
    folders = [str(folder)]
    for path in folders:  # grows meanwhile
        try:
            os.chmod(path, 0o700)  # noqa: PTH101
            with os.scandir(path) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    else:
                        os.unlink(entry.path)  # noqa: PTH108
        except OSError as error:
            problem = problem or error
    for path in reversed(folders):
        try:
            os.rmdir(path)  # noqa: PTH106
        except OSError as error:
            problem = problem or error
    if problem is not None:
        raise problem
