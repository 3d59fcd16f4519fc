"""A plain folder as a bundle: the files of a project that has no build system.

Every file is included, except what ``.gitignore`` files name (those of the folder, of folders in it, and of
folders above it up to the root of its git repository) and default excludes
(``wherry.bundle.default_excludes``). ``include`` overrides both, except for the folders of version control and
virtual environments; hidden files and byte code must be named themselves; ``exclude`` overrides ``include``. The user's own git settings (``core.excludesFile``,
``.git/info/exclude``) are ignored, as they differ between machines.

Links that stay inside the folder are followed: they become the files they lead to. Caches that have a tag, what this
process prints to, and packages that Wherry has written are left out wherever they lie (``wherry.bundle.leftovers``).
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from wherry.bundle.bundle import Bundle
from wherry.bundle.content import measure
from wherry.bundle.entry import Entry, SourceFile
from wherry.bundle.gitignore import rules_above
from wherry.bundle.walk import TreeFile, TreeRules, Walk, unreadable
from wherry.errors import EntryPathError
from wherry.files import open_regular
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    Known: TypeAlias = Callable[[str], bytes | None]

__all__ = [
    "Tree",
    "TreeFile",
    "TreeRules",
    "included_files",
    "read_file",
    "read_tree",
    "tree_bundle",
    "tree_files",
]


_DEFAULT = TreeRules()


class Tree(Struct, frozen=True, kw_only=True):
    """The content of a folder.

    Attributes:
        digest: SHA-256, in hexadecimal, of their paths, executable bits and contents; bundles with equal
            digests are equal.
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
    follow_links: bool = False,
) -> Bundle:
    """The bundle of a folder.

    Args:
        root: the folder.
        owner: the owner of the entries.
        exclude: gitignore patterns of files to exclude.
        include: gitignore patterns of files to include although ``.gitignore`` or a default excludes them.
        skip: files and folders to skip, such as the folder of packages.
        follow_links: follow symbolic links that leave the folder.

    Raises:
        ProjectError: the folder, or something in it, cannot be read.
        EntryPathError: a link leaves the folder or is broken, a name is not allowed in a package, or two
            names differ only by case. The error names all such files.
        SettingsError: a pattern is wrong.
    """
    rules = TreeRules(
        include=tuple(include), exclude=tuple(exclude), skip=tuple(skip), follow_links=follow_links
    )
    return read_tree(root, owner=owner, rules=rules).bundle


def read_tree(
    root: Path, *, owner: str, rules: TreeRules = _DEFAULT, known: Known | None = None
) -> Tree:
    """The bundle and the digest of a folder, read once; errors as ``tree_bundle``.

    ``known`` gives the content of a file that was read before, by its path; None for others.
    """
    return _read_files(tree_files(root, owner=owner, rules=rules), owner, known)


def included_files(root: Path, *, owner: str, rules: TreeRules, known: Known | None = None) -> Tree:
    """Only the files of a folder that ``include`` names; arguments and errors as ``read_tree``."""
    files = tree_files(root, owner=owner, rules=rules, included_only=True)
    return _read_files(files, owner, known)


def read_file(path: Path) -> tuple[SourceFile, str]:
    """A file and the SHA-256 of its content in hexadecimal.

    Raises:
        ProjectError: it cannot be read.
    """
    file = TreeFile(path=path.name, executable=False, source=path)
    try:
        size, crc, sha256 = _read(file)
    except FileNotFoundError as error:
        raise unreadable([(file.path, error)]) from error
    return SourceFile(path, size, crc, sha256), sha256


def _read_files(files: Iterable[TreeFile], owner: str, known: Known | None) -> Tree:
    entries: list[Entry] = []
    digest = hashlib.sha256()
    for file in files:
        content = None if known is None else known(str(file.source))
        try:
            size, crc, sha256 = _read(file) if content is None else measure([content])
        except FileNotFoundError:
            continue  # it was removed since the folder was listed
        payload = SourceFile(file.source, size, crc, sha256)
        entries.append(Entry(file.path, file.executable, payload, owner))
        digest.update(f"{file.path}\0{file.executable:d}{sha256}\n".encode())
    return Tree(bundle=Bundle.of(entries), digest=digest.hexdigest())


def _read(file: TreeFile) -> tuple[int, int, str]:
    try:
        with open_regular(file.source) as stream:
            return measure(stream)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise unreadable([(file.path, error)]) from error


def tree_files(
    root: Path, *, owner: str, rules: TreeRules = _DEFAULT, included_only: bool = False
) -> tuple[TreeFile, ...]:
    """The files of a folder, sorted by path and not yet read; arguments and errors as ``read_tree``.

    ``included_only`` leaves out those that ``include`` does not name.
    """
    root = Path(os.path.abspath(root))  # noqa: PTH100  links in the path are kept
    walk = Walk(root=root, owner=owner, rules=rules)
    walk.enter(str(root), rules_above(root), ignored=included_only)
    walk.finish()
    files = sorted(walk.files, key=lambda file: file.path)
    _refuse_case_conflicts((file.path for file in files), owner=owner)
    return tuple(files)


def _refuse_case_conflicts(paths: Iterable[str], *, owner: str) -> None:
    """Refuse paths that macOS or Windows cannot store side by side; the error names all of them."""
    spellings: dict[str, str] = {}
    conflicts: set[tuple[str, str]] = set()
    for path in paths:
        part = path
        while part:
            known = spellings.setdefault(_folded(part), part)
            if known is not part:
                # Its folders were checked with it, unless they are spelled in another way.
                if known == part:
                    break
                conflicts.add((min(known, part), max(known, part)))
            part = part.rpartition("/")[0]
    if conflicts:
        # If folders conflict, so does everything in them: name only the folders.
        roots = [
            pair
            for pair in conflicts
            if tuple(sorted(path.rpartition("/")[0] for path in pair)) not in conflicts
        ]
        composed = {pair for pair in roots if _is_same_text(*pair)}
        kinds = ["case"] * (len(composed) < len(roots)) + ["the encoding of accents"] * bool(
            composed
        )
        raise EntryPathError(
            f"`{owner}` holds names that differ only by {' or '.join(kinds)}",
            where=[
                # The two look the same.
                f"`{first}` as {first!a} and as {second!a}"
                if (first, second) in composed
                else f"`{first}` and `{second}`"
                for first, second in sorted(roots)
            ],
            hint="rename one of them: macOS and Windows cannot store both, and would build other bytes",
        )


def _is_same_text(first: str, second: str) -> bool:
    """Whether two names are the same characters in two normal forms of Unicode, such as NFC and NFD."""
    if first.isascii() and second.isascii():
        return False
    import unicodedata

    return unicodedata.normalize("NFC", first) == unicodedata.normalize("NFC", second)


def _folded(path: str) -> str:
    if path.isascii():
        return path.lower()
    import unicodedata

    return unicodedata.normalize("NFC", path).casefold()
