"""The inputs of a build: every file of a project's folder that its backend could read.

Ignored and generated files count, since backends ship those too. What no build reads is left out: version
control's own folders, virtual environments, caches, and leftovers of builds and tools (`dist`, `build`
and the like), the latter only as long as the project's build settings do not mention them.

Contents are always read: an edit that leaves a file's size and times as they were is an edit. Only the check after
a build, whether anything has changed meanwhile, relies on ``wherry.files.signature``.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from wherry.bundle.content import measure
from wherry.bundle.default_excludes import REPOSITORY_FOLDERS, VIRTUALENV_MARK
from wherry.bundle.gitignore import repository_root
from wherry.bundle.leftovers import CACHE_TAG, is_cache, is_written_package, open_outputs
from wherry.errors import BuildError
from wherry.files import copy_folder, make_folders, open_regular, read_regular, signature
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wherry.files import ProjectFiles

__all__ = [
    "LEFTOVERS",
    "InputFile",
    "InputOptions",
    "Inputs",
    "copy_inputs",
    "is_passed_over",
    "read_inputs",
]

LEFTOVERS = frozenset({"dist", "build", "node_modules"})
"""Folders that tools leave behind, which a project may all the same ship from."""

# `dist` and `build` mean what they usually do in the project's own folder alone.
_LEFTOVERS_AT_ROOT = frozenset({"dist", "build"})
_CACHES = re.compile(
    r"""(?x)
    __pycache__ | __pypackages__ | .+\.egg-info | .+\.py[co] | \.eggs | \.pdm-build | \.cache | \.aws-sam
    | \.mypy_cache | \.ruff_cache | \.pytest_cache | \.hypothesis | \.tox | \.nox | \.pytype | \.pyre
    | \.idea | \.vscode | \.ipynb_checkpoints | \.coverage.* | \.DS_Store | \.terraform
    """
)


_MOST_LINKED = 100_000
"""Files and folders that links lead to, by the square of their number: there is no end of ways through links to links."""
_LARGEST_LINKED = 64 << 30


class InputFile(NamedTuple):
    """A file, as it was read.

    ``mode`` holds its executable bits; ``link`` is the link's text where the file is one; a file that
    cannot be read, which no backend can read either, has an empty ``sha256``; ``signature`` is as
    ``wherry.files.signature`` gives it.
    """

    path: str
    mode: int
    link: str
    source: Path
    size: int = 0
    crc: int = 0
    sha256: str = ""
    signature: tuple[int, ...] = ()


class Inputs(Struct, frozen=True, kw_only=True, dict=True):
    """The files that a build can read.

    Attributes:
        files: its files, sorted by path.
        shape: a digest of all that can be seen without reading a file: the names of folders and files,
            executable bits, links.
        digest: a digest of that, and of all contents.
    """

    root: Path
    files: tuple[InputFile, ...]
    shape: str
    digest: str

    @cached_property
    def by_path(self) -> Mapping[str, InputFile]:
        """The files by path."""
        return {file.path: file for file in self.files}


class InputOptions(NamedTuple):
    """How inputs are read.

    Attributes:
        mentioned: those of ``LEFTOVERS`` that count as inputs.
        skip: files and folders that are Wherry's own, such as the one that packages are written to.
        wanted: the ends of the paths of files whose contents will be asked for, so that they are opened once.
    """

    mentioned: frozenset[str] = frozenset()
    skip: tuple[Path, ...] = ()
    wanted: tuple[str, ...] = ()


def read_inputs(
    root: Path,
    options: InputOptions,
    files: ProjectFiles,
    *,
    before: Inputs | None = None,
) -> Inputs:
    """Read all inputs.

    No file of the run is opened again. Files that have the same signature as ``before`` are not read again, and
    ``files`` is not asked.

    Raises:
        BuildError: links lead to too much.
    """
    reading = _Reading(options, files, before)
    reading.folder(str(root))
    reading.gitignores(root)
    reading.files.sort()
    shape = hashlib.sha256("\n".join(sorted(reading.shapes)).encode(errors="surrogateescape"))
    digest = shape.copy()
    for file in reading.files:
        digest.update(f"\0{file.sha256}".encode())
    return Inputs(
        root=root,
        files=tuple(reading.files),
        shape=shape.hexdigest(),
        digest=digest.hexdigest(),
    )


def copy_inputs(inputs: Inputs, into: Path, *, repository: bool) -> None:
    """Copy the files that were read, and nothing but the git repository besides, to a new folder.

    Raises:
        BuildError: a file has changed, or cannot be read.
        OSError: the copy cannot be written.
    """
    into.mkdir(parents=True)
    for file in inputs.files:
        if file.path.startswith("../") or not file.sha256:
            continue
        place = into / file.path
        make_folders(place.parent)
        try:
            content = read_regular(file.source)
        except OSError:
            content = b""
        if hashlib.sha256(content).hexdigest() != file.sha256:
            raise BuildError(
                f"`{file.source}` changed while it was read", hint="run the command again"
            )
        place.write_bytes(content)
        place.chmod(0o755 if file.mode else 0o644)
    git = inputs.root / ".git"
    if repository and git.is_dir():
        copy_folder(git, into / ".git")


def is_passed_over(path: str) -> bool:
    """Whether a file of a wheel has a name, or lies in a folder, that is passed over in a project."""
    return path.endswith((".zip", f"/{CACHE_TAG}")) or any(
        name in LEFTOVERS or name in REPOSITORY_FOLDERS or _CACHES.fullmatch(name)
        for name in path.split("/")
    )


class _Reading:
    def __init__(self, options: InputOptions, files: ProjectFiles, before: Inputs | None) -> None:
        self.files: list[InputFile] = []
        self.shapes: list[str] = []
        self._waiting: list[tuple[str, str, tuple[str, ...], int]] = []
        self._linked = self._linked_size = 0
        self._leftovers = LEFTOVERS - options.mentioned
        self._skip = frozenset(os.path.realpath(path) for path in options.skip)
        self._skip_names = {os.path.basename(path) for path in self._skip}  # noqa: PTH119
        self._outputs = open_outputs()
        self._wanted = options.wanted
        self._known = files if before is None else None
        self._before = before.by_path if before is not None else {}

    def folder(self, folder: str) -> None:
        """Take in a folder, and all that lie in it, however deep."""
        self._waiting = [(folder, "", (os.path.realpath(folder),), 0)]
        while self._waiting:
            self._folder(*self._waiting.pop())

    def _folder(self, folder: str, prefix: str, here: tuple[str, ...], linked: int) -> None:
        """Take in the files of a folder; ``here`` are the real paths of those that lead to it, and its own."""
        self.shapes.append(prefix)
        try:
            with os.scandir(folder) as listing:
                found = list(listing)
        except OSError:
            self.shapes.append(f"{prefix}\0unreadable")
            return
        if prefix and any(
            entry.name == VIRTUALENV_MARK or (entry.name == CACHE_TAG and is_cache(folder))
            for entry in found
        ):
            return
        for entry in found:
            if not self._passed_over(entry, at_root=not prefix):
                self._take(entry, prefix + entry.name, here, linked)

    def _passed_over(self, entry: os.DirEntry[str], *, at_root: bool) -> bool:
        name = entry.name
        if name in REPOSITORY_FOLDERS or _CACHES.fullmatch(name):
            return True
        if name in self._leftovers and (at_root or name not in _LEFTOVERS_AT_ROOT):
            return True
        return name in self._skip_names and os.path.realpath(entry.path) in self._skip

    def _take(self, entry: os.DirEntry[str], path: str, here: tuple[str, ...], linked: int) -> None:
        link = ""
        try:
            if entry.is_symlink():
                link = os.readlink(entry.path)  # noqa: PTH115
                linked += 1
            if entry.is_dir():
                real = os.path.join(here[-1], entry.name)  # noqa: PTH118
                if link:
                    self.shapes.append(f"{path}/\0{link}")
                    real = os.path.realpath(entry.path)
                    if real in here:
                        return
                self._count(path, linked)
                self._waiting.append((entry.path, f"{path}/", (*here, real), linked))
                return
            status = entry.stat()
        except OSError:  # above all a link that leads nowhere
            self.shapes.append(f"{path}\0{link}\0unreadable")
            return
        self._count(path, linked, status.st_size)
        if stat.S_ISREG(status.st_mode) and not self._is_own(entry):
            self.file(InputFile(path, status.st_mode & 0o111, link, Path(entry.path)))

    def _count(self, path: str, linked: int, size: int = 0) -> None:
        """Count a file or folder to which that many links lead."""
        self._linked += linked**2
        self._linked_size += size if linked else 0
        if self._linked > _MOST_LINKED or self._linked_size > _LARGEST_LINKED:
            raise BuildError(
                "the project has links that lead to too many files and folders, or to more than 64 GiB",
                where=[f"one of them is `{path[:200]}`"],
                hint="remove links to folders that the build does not need",
            )

    def _is_own(self, entry: os.DirEntry[str]) -> bool:
        """Whether Wherry is writing, or has written, a file: its output, or a package."""
        if self._outputs:
            status = os.stat(entry.path)  # noqa: PTH116 - on Windows a listing does not tell the inode
            if (status.st_dev, status.st_ino) in self._outputs:
                return True
        return entry.name.endswith(".zip") and is_written_package(Path(entry.path))

    def file(self, file: InputFile) -> None:
        self.shapes.append(f"{file.path}\0{file.mode:o}\0{file.link}")
        try:
            self.files.append(self._unchanged(file) or self._held(file) or self._read(file))
        except OSError:
            self.files.append(file)

    def _unchanged(self, file: InputFile) -> InputFile | None:
        before = self._before.get(file.path)
        if before is None or not before.signature:
            return None
        same = signature(file.source.stat()) == before.signature
        return before._replace(mode=file.mode, link=file.link) if same else None

    def _held(self, file: InputFile) -> InputFile | None:
        """The file, where its content is held in memory, or will be asked for."""
        if self._known is None:
            return None
        content = self._known.known(str(file.source))
        if content is None and self._wanted and file.path.endswith(self._wanted):
            content = self._known.content(file.source)
        if content is None:
            return None
        size, crc, sha256 = measure([content.data])
        return file._replace(size=size, crc=crc, sha256=sha256, signature=content.signature)

    def _read(self, file: InputFile) -> InputFile:
        with open_regular(file.source) as stream:
            before = signature(os.fstat(stream.fileno()))
            size, crc, sha256 = measure(stream)
        return file._replace(size=size, crc=crc, sha256=sha256, signature=before)

    def gitignores(self, root: Path) -> None:
        """Read those of the folders above, which backends read too."""
        top = repository_root(root)
        if top is None:
            return
        folder = root
        while folder != top:
            folder = folder.parent
            place = folder / ".gitignore"
            if place.is_file():
                path = os.path.relpath(place, root).replace(os.sep, "/")
                self.file(InputFile(path, 0, "", place))
