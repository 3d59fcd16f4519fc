"""The inputs of a build: every file of a project's folder that its backend could read.

Ignored and generated files count, since backends ship those too. Left out is what no build reads: version
control's own folders, virtual environments, caches, and what builds and tools leave behind (`dist`, `build`
and the like), the latter only as long as the project's build settings do not mention them.

Contents are always read: an edit that leaves a file's size and times as they were is an edit.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from wherry.bundle.gitignore import repository_root
from wherry.bundle.junk import REPOSITORY_FOLDERS, VIRTUALENV_MARK
from wherry.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["LEFTOVERS", "InputFile", "Inputs", "copy_inputs", "is_passed_over", "read_inputs"]

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
_CHUNK = 1 << 18


class InputFile(NamedTuple):
    """A file, as it was read.

    ``mode`` holds its executable bits; ``link`` is the link's text where the file is one; a file that
    cannot be read, which no backend can read either, has an empty ``sha256``.
    """

    path: str
    mode: int
    link: str
    size: int
    crc: int
    sha256: str
    source: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Inputs:
    """What a build can read.

    Attributes:
        root: the project's folder.
        files: its files, sorted by path.
        shape: a digest of all that can be seen without reading a file: the names of folders and files,
            executable bits, links.
        digest: a digest of that, and of all contents.
    """

    root: Path
    files: tuple[InputFile, ...]
    shape: str
    digest: str

    @property
    def by_path(self) -> dict[str, InputFile]:
        """The files by path."""
        return {file.path: file for file in self.files}


def read_inputs(
    root: Path, *, mentioned: Collection[str] = (), skip: Collection[Path] = ()
) -> Inputs:
    """Read all inputs.

    Args:
        root: the project's folder.
        mentioned: those of ``LEFTOVERS`` that count as inputs.
        skip: files and folders that are Wherry's own, such as the one that packages are written to.
    """
    reading = _Reading(
        leftovers=LEFTOVERS - set(mentioned),
        skip=frozenset(os.path.realpath(path) for path in skip),
    )
    reading.folder(str(root), "", ())
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
    """Copy what was read, and nothing else, to a new folder.

    Args:
        inputs: what was read.
        into: the folder, which is made.
        repository: copy the git repository too.

    Raises:
        BuildError: a file is not what it was any more, or cannot be copied.
    """
    try:
        into.mkdir(parents=True)
        for file in inputs.files:
            if file.path.startswith("../") or not file.sha256:
                continue
            place = into / file.path
            place.parent.mkdir(parents=True, exist_ok=True)
            content = file.source.read_bytes()
            if hashlib.sha256(content).hexdigest() != file.sha256:
                raise BuildError(
                    f"`{file.source}` changed while it was read", hint="run the command again"
                )
            place.write_bytes(content)
            place.chmod(0o755 if file.mode else 0o644)
        git = inputs.root / ".git"
        if repository and git.is_dir():
            shutil.copytree(git, into / ".git", symlinks=True)
    except OSError as error:
        raise BuildError(
            f"`{inputs.root}` cannot be copied for the container", where=[str(error)]
        ) from error


def is_passed_over(path: str) -> bool:
    """Whether a file of a wheel has a name, or lies in a folder, that is passed over in a project."""
    return any(
        name in LEFTOVERS or name in REPOSITORY_FOLDERS or _CACHES.fullmatch(name)
        for name in path.split("/")
    )


class _Reading:
    def __init__(self, *, leftovers: frozenset[str], skip: frozenset[str]) -> None:
        self.files: list[InputFile] = []
        self.shapes: list[str] = []
        self._leftovers = leftovers
        self._skip = skip
        self._skip_names = {os.path.basename(path) for path in skip}  # noqa: PTH119

    def folder(self, folder: str, prefix: str, above: tuple[str, ...]) -> None:
        """Take in a folder; ``above`` are the real paths of those that lead to it."""
        self.shapes.append(prefix)
        try:
            with os.scandir(folder) as listing:
                found = list(listing)
        except OSError:
            self.shapes.append(f"{prefix}\0unreadable")
            return
        if prefix and any(entry.name == VIRTUALENV_MARK for entry in found):
            return
        here = (*above, os.path.realpath(folder))
        for entry in found:
            if not self._passed_over(entry, at_root=not prefix):
                self._take(entry, prefix + entry.name, here)

    def _passed_over(self, entry: os.DirEntry[str], *, at_root: bool) -> bool:
        name = entry.name
        if name in REPOSITORY_FOLDERS or _CACHES.fullmatch(name):
            return True
        if name in self._leftovers and (at_root or name not in _LEFTOVERS_AT_ROOT):
            return True
        return name in self._skip_names and os.path.realpath(entry.path) in self._skip

    def _take(self, entry: os.DirEntry[str], path: str, here: tuple[str, ...]) -> None:
        link = ""
        try:
            if entry.is_symlink():
                link = os.readlink(entry.path)  # noqa: PTH115
            if entry.is_dir():
                if link:
                    self.shapes.append(f"{path}/\0{link}")
                    if os.path.realpath(entry.path) in here:
                        return
                self.folder(entry.path, f"{path}/", here)
                return
            status = entry.stat()
        except OSError:  # above all a link that leads nowhere
            self.shapes.append(f"{path}\0{link}\0unreadable")
            return
        if stat.S_ISREG(status.st_mode):
            self.file(path, entry.path, status.st_mode & 0o111, link)

    def file(self, path: str, place: str, mode: int, link: str) -> None:
        """Read a file."""
        crc = size = 0
        digest = hashlib.sha256()
        try:
            with open(place, "rb", buffering=0) as stream:  # noqa: PTH123
                while piece := stream.read(_CHUNK):
                    crc = zlib.crc32(piece, crc)
                    size += len(piece)
                    digest.update(piece)
            sha256 = digest.hexdigest()
        except OSError:
            sha256 = ""
        self.shapes.append(f"{path}\0{mode:o}\0{link}")
        self.files.append(InputFile(path, mode, link, size, crc, sha256, Path(place)))

    def gitignores(self, root: Path) -> None:
        """Read those of the folders above, which backends heed too."""
        top = repository_root(root)
        if top is None:
            return
        folder = root
        while folder != top:
            folder = folder.parent
            place = folder / ".gitignore"
            if place.is_file():
                path = os.path.relpath(place, root).replace(os.sep, "/")
                self.file(path, str(place), 0, "")
