"""Walking a plain folder: which of its files ship, and what is wrong with those that cannot."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from wherry.bundle.entry import check_path
from wherry.bundle.gitignore import Rule, is_ignored, read_gitignore
from wherry.bundle.junk import REPOSITORY_FOLDERS, VIRTUALENV_MARK, is_junk
from wherry.errors import EntryPathError, ProjectError, WherryError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wherry.bundle.patterns import Patterns

__all__ = ["TreeFile", "Walk", "unreadable"]


class TreeFile(NamedTuple):
    """A file that ships: its path in the package, whether its owner may execute it, where it lies."""

    path: str
    executable: bool
    source: Path


class Walk:
    """One pass over a folder. What is wrong is collected, and raised at the end."""

    def __init__(
        self,
        *,
        root: Path,
        owner: str,
        include: Patterns | None,
        exclude: Patterns | None,
        skip: frozenset[str],
    ) -> None:
        self.files: list[TreeFile] = []
        self._real_root = os.path.realpath(root)
        self._owner = owner
        self._include = include
        self._exclude = exclude
        self._skip = skip
        self._skip_names = {os.path.basename(path) for path in skip}  # noqa: PTH119
        self._unreadable: list[tuple[str, OSError]] = []
        self._links: list[str] = []
        self._first: WherryError | None = None

    def enter(
        self,
        folder: str,
        prefix: str,
        rules: tuple[Rule, ...],
        *,
        ignored: bool,
        above: tuple[str, ...],
    ) -> None:
        """Take in a folder; ``above`` are the real paths of those that lead to it."""
        try:
            with os.scandir(folder) as listing:
                found = list(listing)
        except OSError as error:
            self._unreadable.append((prefix or folder, error))
            return
        names = {entry.name for entry in found}
        if VIRTUALENV_MARK in names and prefix:
            return
        if ".gitignore" in names and (patterns := read_gitignore(Path(folder))) is not None:
            rules = (*rules, Rule(patterns, len(prefix), ""))
        here = (*above, os.path.realpath(folder))
        for entry in found:
            if entry.name in REPOSITORY_FOLDERS:
                continue
            if entry.name in self._skip_names and os.path.realpath(entry.path) in self._skip:
                continue
            path = prefix + entry.name
            dropped = ignored or is_junk(entry.name, at_root=not prefix)
            try:
                self._take(entry, path, rules, dropped, here)
            except OSError as error:
                self._unreadable.append((path, error))

    def _take(
        self,
        entry: os.DirEntry[str],
        path: str,
        rules: tuple[Rule, ...],
        dropped: bool,
        here: tuple[str, ...],
    ) -> None:
        link = entry.is_symlink()
        folder = _is_folder(entry)
        if folder:
            path += "/"
        dropped = dropped or is_ignored(path, rules)
        if folder:
            # What is left out is still looked through when a pattern may bring a file of it back.
            if dropped and self._include is None:
                return
            if self._left_out(path):
                return
            # A link that goes wrong matters only where it would ship.
            if link and not self._follow(
                entry, path, here, quiet=dropped and not self._brought_back(path)
            ):
                return
            self.enter(entry.path, path, rules, ignored=dropped, above=here)
            return
        if (dropped and not self._brought_back(path)) or self._left_out(path):
            return
        if link and not self._follow(entry, path, here, quiet=False):
            return
        status = entry.stat()
        # Sockets, pipes and devices are in no checkout either.
        if not stat.S_ISREG(status.st_mode):
            return
        try:
            check_path(path, owner=self._owner)
        except EntryPathError as error:
            self._first = self._first or error
            return
        self.files.append(TreeFile(path, bool(status.st_mode & stat.S_IXUSR), Path(entry.path)))

    def _brought_back(self, path: str) -> bool:
        return self._include is not None and self._include.match(path)

    def _left_out(self, path: str) -> bool:
        return self._exclude is not None and self._exclude.match(path)

    def _follow(
        self, entry: os.DirEntry[str], path: str, here: tuple[str, ...], *, quiet: bool
    ) -> bool:
        """Whether a link leads to something that may stand in its place."""
        real = os.path.realpath(entry.path)
        inside = real == self._real_root or real.startswith(self._real_root.rstrip(os.sep) + os.sep)
        if inside and not os.path.exists(real):  # noqa: PTH110
            problem = "leads nowhere"
        elif not inside:
            problem = "leaves the project's folder"
        elif path.endswith("/") and real in here:
            problem = "leads back to a folder that it lies in"
        else:
            return True
        if not quiet:
            target = os.readlink(entry.path)  # noqa: PTH115
            self._links.append(f"the link `{path.rstrip('/')}` to `{target}` {problem}")
        return False

    def finish(self) -> None:
        """Raise what was found wrong."""
        if self._unreadable:
            raise unreadable(sorted(self._unreadable, key=lambda found: found[0]))
        if self._links:
            raise EntryPathError(
                f"`{self._owner}` holds links that cannot be followed",
                where=sorted(self._links),
                hint="put the file itself in the link's place, or name the link in `exclude`",
            )
        if self._first is not None:
            raise self._first


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def unreadable(found: Sequence[tuple[str, OSError]]) -> ProjectError:
    """The error for files and folders that cannot be read, by their paths."""
    return ProjectError(
        f"cannot read `{found[0][0].rstrip('/')}`" + (" and others" if len(found) > 1 else ""),
        where=[f"`{path.rstrip('/')}`: {error.strerror or error}" for path, error in found],
        hint="mend its permissions, or name it in `exclude`",
    )
