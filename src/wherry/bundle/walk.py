"""Walking a plain folder: the files to include, and the problems of those that cannot be."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from wherry.bundle.default_excludes import (
    REPOSITORY_FOLDERS,
    VIRTUALENV_MARK,
    is_excluded_by_default,
    is_hidden,
)
from wherry.bundle.entry import check_path
from wherry.bundle.gitignore import Rule, is_ignored, read_gitignore
from wherry.bundle.leftovers import CACHE_TAG, is_cache, is_written_package, open_outputs
from wherry.bundle.patterns import compile_patterns
from wherry.errors import EntryPathError, ProjectError, WherryError
from wherry.files import is_folder_entry, is_inside, reason_of
from wherry.sizes import format_size
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["TreeFile", "TreeRules", "Walk", "unreadable"]


_LARGEST = 0xFFFFFFFF
"""Bytes of a file in a zip archive without zip64, and so in a package."""
_MOST_LINKED = 100_000


class TreeFile(Struct, frozen=True):
    """A file to include: its path in the package, whether its owner may execute it, and its path on disk."""

    path: str
    executable: bool
    source: Path


class TreeRules(Struct, frozen=True, kw_only=True):
    """Which files of a folder are taken.

    Attributes:
        include: gitignore patterns of files to take although ``.gitignore`` or a default excludes them. Hidden files
            and byte code in a folder that they name must be named themselves.
        exclude: gitignore patterns of files to leave out.
        skip: files and folders to pass over, such as the folder of packages.
        follow_links: follow symbolic links that leave the folder.
        everything: take hidden files, byte code and packages that Wherry has written as any others.
        within: the folder that links do not leave; by default the one that is walked.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    skip: tuple[Path, ...] = ()
    follow_links: bool = False
    everything: bool = False
    within: Path | None = None


class _Folder(Struct, frozen=True):
    """A folder that is still to be walked.

    ``prefix`` is its path relative to the root, with a slash at the end; ``ignored`` tells that only files that
    ``include`` names are included; ``real`` are the real paths of the folders that lead to it, and its own;
    ``hidden`` tells that it lies in a hidden folder that ``include`` does not name, ``linked`` how many links lead to it.
    """

    path: str
    prefix: str
    rules: tuple[Rule, ...]
    ignored: bool
    real: tuple[str, ...]
    hidden: bool = False
    linked: int = 0


class Walk:
    """One pass over a folder. Problems are collected, and raised at the end."""

    def __init__(self, *, root: Path, owner: str, rules: TreeRules) -> None:
        """Take the rules.

        Raises:
            SettingsError: a pattern is wrong.
        """
        self.files: list[TreeFile] = []
        self._within = root if rules.within is None else rules.within
        self._owner = owner
        self._rules = rules
        self._include = compile_patterns(rules.include, where="`include`")
        self._exclude = compile_patterns(rules.exclude, where="`exclude`")
        self._skip = frozenset(os.path.realpath(path) for path in rules.skip)
        self._skip_names = {os.path.basename(path) for path in self._skip}  # noqa: PTH119
        self._outputs = open_outputs()
        self._unreadable: list[tuple[str, OSError]] = []
        self._links: list[str] = []
        self._first: WherryError | None = None
        self._waiting: list[_Folder] = []
        self._linked = 0

    def enter(self, folder: str, rules: tuple[Rule, ...], *, ignored: bool) -> None:
        """Walk a folder, and all that lie in it, however deep; if ``ignored``, only files that ``include`` names count."""
        self._waiting = [_Folder(folder, "", rules, ignored, (os.path.realpath(folder),))]
        while self._waiting:
            self._enter(self._waiting.pop())

    def _enter(self, folder: _Folder) -> None:
        prefix = folder.prefix
        try:
            with os.scandir(folder.path) as listing:
                entries = list(listing)
        except OSError as error:
            self._unreadable.append((prefix or folder.path, error))
            return
        if folder.linked:
            # Among folders that all have links to each other there is no end of ways, each longer than the last.
            self._linked += (len(entries) + 1) * folder.linked**2
            if self._linked > _MOST_LINKED:
                raise _endless(self._owner, prefix)
        names = {entry.name for entry in entries}
        if prefix and (VIRTUALENV_MARK in names or (CACHE_TAG in names and is_cache(folder.path))):
            return
        if ".gitignore" in names and (patterns := read_gitignore(Path(folder.path))) is not None:
            rules = (*folder.rules, Rule(patterns, len(prefix), ""))
            folder = replace(folder, rules=rules)
        for entry in entries:
            if entry.name in REPOSITORY_FOLDERS:
                continue
            if entry.name in self._skip_names and os.path.realpath(entry.path) in self._skip:
                continue
            path = prefix + entry.name
            try:
                self._take(entry, path, folder)
            except OSError as error:
                self._unreadable.append((path, error))

    def _take(self, entry: os.DirEntry[str], path: str, parent: _Folder) -> None:
        link = entry.is_symlink()
        is_folder = is_folder_entry(entry)
        hidden = not self._rules.everything and (parent.hidden or is_hidden(entry.name))
        dropped = parent.ignored or is_excluded_by_default(entry.name, at_root=not parent.prefix)
        if is_folder:
            path += "/"
        dropped = dropped or is_ignored(path, parent.rules)
        if is_folder:
            # An excluded folder is still walked if `include` may name a file in it.
            if dropped and self._include is None:
                return
            if self._is_excluded(path):
                return
            # A broken link is a problem only if it would be included.
            hidden = hidden and not self._is_named(path)
            if link and not self._follow(
                entry, path, parent.real, quiet=dropped and not self._is_included(path, hidden)
            ):
                return
            real = (
                os.path.realpath(entry.path) if link else os.path.join(parent.real[-1], entry.name)  # noqa: PTH118
            )
            linked = parent.linked + link
            self._waiting.append(
                _Folder(
                    entry.path, path, parent.rules, dropped, (*parent.real, real), hidden, linked
                )
            )
            return
        if (dropped and not self._is_included(path, hidden)) or self._is_excluded(path):
            return
        if link and not self._follow(entry, path, parent.real, quiet=False):
            return
        status = entry.stat()
        # Sockets, pipes and devices are never in a checkout.
        if not stat.S_ISREG(status.st_mode) or self._is_own(entry, path):
            return
        try:
            check_path(path, owner=self._owner, hint="rename the file, or exclude it")
        except EntryPathError as error:
            self._first = self._first or error
            return
        if status.st_size > _LARGEST:
            self._first = self._first or ProjectError(
                f"`{self._owner}` holds a file that fits in no package",
                where=[f"`{path}` has {format_size(status.st_size)}, and may have 4 GiB"],
                hint="name it in `exclude`",
            )
            return
        self.files.append(TreeFile(path, bool(status.st_mode & stat.S_IXUSR), Path(entry.path)))

    def _is_included(self, path: str, hidden: bool) -> bool:
        return (
            self._include is not None
            and self._include.match(path)
            and (not hidden or self._include.names(path))
        )

    def _is_named(self, path: str) -> bool:
        return self._include is not None and self._include.names(path)

    def _is_own(self, entry: os.DirEntry[str], path: str) -> bool:
        """Whether Wherry is writing, or has written, a file: its output, or a package of an earlier build."""
        if self._outputs:
            status = os.stat(entry.path)  # noqa: PTH116 - on Windows a listing does not tell the inode
            if (status.st_dev, status.st_ino) in self._outputs:
                return True
        return (
            entry.name.endswith(".zip")
            and not self._rules.everything
            and not self._is_named(path)
            and is_written_package(Path(entry.path))
        )

    def _is_excluded(self, path: str) -> bool:
        return self._exclude is not None and self._exclude.match(path)

    def _follow(
        self, entry: os.DirEntry[str], path: str, here: tuple[str, ...], *, quiet: bool
    ) -> bool:
        """Whether a link leads to a file or folder that can replace it."""
        real = os.path.realpath(entry.path)
        inside = self._rules.follow_links or is_inside(real, self._within)
        if inside and not os.path.exists(real):  # noqa: PTH110
            problem = "leads nowhere"
        elif not inside:
            problem = "leaves the project's folder"
        elif path.endswith("/") and (real in here or is_inside(here[-1], real)):
            problem = "leads to a folder that contains it"
        else:
            return True
        if not quiet:
            target = os.readlink(entry.path)  # noqa: PTH115
            self._links.append(f"the link `{path.rstrip('/')}` to `{target}` {problem}")
        return False

    def finish(self) -> None:
        """Raise the problems, if there are any."""
        if self._unreadable:
            raise unreadable(sorted(self._unreadable, key=lambda problem: problem[0]))
        if self._links:
            raise EntryPathError(
                f"`{self._owner}` holds links that cannot be followed",
                where=sorted(self._links),
                hint="replace the link by the file, name the link in `exclude`, or set `follow-links = true` "
                "for links that leave the folder",
            )
        if self._first is not None:
            raise self._first


def _endless(owner: str, path: str) -> ProjectError:
    """The error about links that lead to too much."""
    return ProjectError(
        f"`{owner}` has links without end",
        where=[f"links lead to too many files and folders, such as `{path[:200]}`"],
        hint="name links to folders in `exclude`, or remove them",
    )


def unreadable(errors: Sequence[tuple[str, OSError]]) -> ProjectError:
    """The error about files and folders that cannot be read, with their paths."""
    return ProjectError(
        f"cannot read `{errors[0][0].rstrip('/')}`" + (" and others" if len(errors) > 1 else ""),
        where=[f"`{path.rstrip('/')}`: {reason_of(error)}" for path, error in errors],
        hint="change its permissions, or name it in `exclude`",
    )
