"""A plain folder as a bundle: the files of a project that has no build system.

What ships: every file, but for what ``.gitignore`` files name (those of the folder and of folders below it,
and those above it up to the root of its git repository) and for junk (``wherry.bundle.junk``). ``include``
brings files of either kind back, yet never version control's own folders or virtual environments;
``exclude`` has the last word. A user's own git settings (``core.excludesFile``, ``.git/info/exclude``) are
not asked, as they differ between machines.

Links that stay inside the folder are followed, and stand for the files they lead to.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wherry.bundle.algebra import Bundle
from wherry.bundle.entry import Entry, SourceFile
from wherry.bundle.gitignore import rules_above
from wherry.bundle.patterns import compile_patterns
from wherry.bundle.twins import refuse_case_twins
from wherry.bundle.walk import TreeFile, Walk, unreadable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence


__all__ = [
    "Tree",
    "TreeFile",
    "included_files",
    "read_file",
    "read_tree",
    "tree_bundle",
    "tree_digest",
    "tree_files",
]

_CHUNK = 1 << 18


@dataclass(frozen=True, kw_only=True, slots=True)
class Tree:
    """A folder that was read.

    Attributes:
        bundle: its files.
        digest: SHA-256, in hexadecimal, of their paths, executable bits and contents: equal digests mean
            equal bundles.
    """

    bundle: Bundle
    digest: str


def tree_bundle(
    root: Path,
    *,
    owner: str,
    exclude: Sequence[str] = (),
    include: Sequence[str] = (),
    skip: Collection[Path] = (),
) -> Bundle:
    """The files of a folder that ship, read once for their sizes and CRCs.

    Args:
        root: the folder.
        owner: who the entries belong to.
        exclude: gitignore patterns of files that do not ship.
        include: gitignore patterns of files that ship though ``.gitignore`` or custom leaves them out.
        skip: files and folders to pass over, such as the one that packages are written to.

    Raises:
        ProjectError: the folder, or something in it, cannot be read.
        EntryPathError: a link leaves the folder or leads nowhere, a name cannot stand in a package, or two
            names differ by case alone. All such files are named at once.
        SettingsError: a pattern is wrong.
    """
    return read_tree(root, owner=owner, exclude=exclude, include=include, skip=skip).bundle


def tree_digest(
    root: Path,
    *,
    exclude: Sequence[str] = (),
    include: Sequence[str] = (),
    skip: Collection[Path] = (),
) -> str:
    """What ``read_tree`` gives as its digest; arguments and errors as ``tree_bundle``."""
    return read_tree(root, owner="project", exclude=exclude, include=include, skip=skip).digest


def read_tree(
    root: Path,
    *,
    owner: str,
    exclude: Sequence[str] = (),
    include: Sequence[str] = (),
    skip: Collection[Path] = (),
) -> Tree:
    """The bundle and the digest of a folder, from one reading; arguments and errors as ``tree_bundle``."""
    return _read_files(
        tree_files(root, owner=owner, exclude=exclude, include=include, skip=skip), owner
    )


def included_files(
    root: Path,
    *,
    owner: str,
    include: Sequence[str],
    exclude: Sequence[str] = (),
    skip: Collection[Path] = (),
) -> Tree:
    """Of a folder the files alone that ``include`` brings in; arguments and errors as ``tree_bundle``."""
    files = _files(root, owner, exclude=exclude, include=include, skip=skip, included_only=True)
    return _read_files(files, owner)


def read_file(path: Path) -> tuple[SourceFile, str]:
    """One file, read once, and the SHA-256 of its content in hexadecimal.

    Raises:
        ProjectError: it cannot be read.
    """
    crc, size, sha256 = _read(TreeFile(path=path.name, executable=False, source=path))
    return SourceFile(path, size, crc), sha256


def _read_files(files: Iterable[TreeFile], owner: str) -> Tree:
    entries: list[Entry] = []
    digest = hashlib.sha256()
    for file in files:
        crc, size, sha256 = _read(file)
        entries.append(Entry(file.path, file.executable, SourceFile(file.source, size, crc), owner))
        digest.update(f"{file.path}\0{file.executable:d}{sha256}\n".encode())
    return Tree(bundle=Bundle.of(entries), digest=digest.hexdigest())


def _read(file: TreeFile) -> tuple[int, int, str]:
    crc = size = 0
    digest = hashlib.sha256()
    try:
        with open(file.source, "rb", buffering=0) as stream:  # noqa: PTH123
            while piece := stream.read(_CHUNK):
                crc = zlib.crc32(piece, crc)
                size += len(piece)
                digest.update(piece)
    except OSError as error:
        raise unreadable([(file.path, error)]) from error
    return crc, size, digest.hexdigest()


def tree_files(
    root: Path,
    *,
    owner: str,
    exclude: Sequence[str] = (),
    include: Sequence[str] = (),
    skip: Collection[Path] = (),
) -> tuple[TreeFile, ...]:
    """The files of a folder that ship, sorted by path and not yet read; as ``tree_bundle``."""
    return _files(root, owner, exclude=exclude, include=include, skip=skip, included_only=False)


def _files(
    root: Path,
    owner: str,
    *,
    exclude: Sequence[str],
    include: Sequence[str],
    skip: Collection[Path],
    included_only: bool,
) -> tuple[TreeFile, ...]:
    root = Path(os.path.abspath(root))  # noqa: PTH100  links stay as the user named them
    walk = Walk(
        root=root,
        owner=owner,
        include=compile_patterns(include, where="`include`"),
        exclude=compile_patterns(exclude, where="`exclude`"),
        skip=frozenset(os.path.realpath(path) for path in skip),
    )
    walk.enter(str(root), "", rules_above(root), ignored=included_only, above=())
    walk.finish()
    files = sorted(walk.files)
    refuse_case_twins((file.path for file in files), owner=owner)
    return tuple(files)
