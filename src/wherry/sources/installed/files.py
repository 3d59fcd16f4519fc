"""The files of an installed folder, read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from wherry.bundle.content import measure
from wherry.bundle.tree import TreeRules, tree_files
from wherry.errors import EntryPathError, ProjectError
from wherry.files import read_regular, reason_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from wherry.bundle.walk import TreeFile

__all__ = ["InstalledFile", "read_files"]

# Files that the interpreter and the installer leave behind.
_RULES = TreeRules(include=("*",), exclude=("__pycache__/", "/.lock"), everything=True)


class InstalledFile(NamedTuple):
    """A file as it was read; ``sha256`` in hexadecimal, ``head`` its first bytes."""

    path: str
    executable: bool
    source: Path
    size: int
    crc: int
    sha256: str
    head: bytes

    def read(self) -> bytes:
        """The content of a file that is known to be small.

        Raises:
            ProjectError: it cannot be read.
        """
        try:
            return read_regular(self.source)
        except OSError as error:
            raise _unreadable([f"`{self.path}`: {reason_of(error)}"]) from error


def read_files(root: Path) -> Mapping[str, InstalledFile]:
    """Every file of the folder by its path, but for byte code that Python made of a source beside it.

    Neither ``.gitignore`` files nor the default excludes of a project apply: an installer puts files there on
    purpose.

    Raises:
        ProjectError: the folder is not there, or something in it cannot be read.
        EntryPathError: links that cannot be followed, names that cannot stand in a package.
    """
    try:
        listed = tree_files(root, owner=root.name, rules=_RULES)
    except EntryPathError as error:
        raise EntryPathError(
            error.message,
            where=[line.replace("the project's folder", "the folder") for line in error.where],
            hint="install without links (`uv pip install` has `--link-mode copy`), "
            "or put the file itself in the link's place"
            if "links" in error.message
            else error.hint,
        ) from error
    except ProjectError as error:
        raise _unreadable(list(error.where)) from error
    paths = {file.path for file in listed}
    # A module that is installed without its source is the program itself, and stays.
    return {
        file.path: _read(file)
        for file in listed
        if not (file.path.endswith((".pyc", ".pyo")) and file.path[:-1] in paths)
    }


def _read(file: TreeFile) -> InstalledFile:
    try:
        with open(file.source, "rb") as stream:  # noqa: PTH123
            head = stream.peek(64)[:64]
            size, crc, sha256 = measure(stream)
    except OSError as error:
        raise _unreadable([f"`{file.path}`: {reason_of(error)}"]) from error
    return InstalledFile(file.path, file.executable, file.source, size, crc, sha256, head)


def _unreadable(where: list[str]) -> ProjectError:
    return ProjectError(
        "cannot read the installed folder",
        where=[line.replace(os.sep, "/") for line in where],
        hint="change its permissions, or remove the folder and install again",
    )
