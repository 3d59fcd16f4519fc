"""Dependencies that are archives, by path or by URL, and not releases on an index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wherry.errors import LockError
from wherry.indexes.redact import redact
from wherry.lock.document import file_sha256, is_path

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from packaging.pylock import PackageArchive

    from wherry.context import Context
    from wherry.lock.document import Table

__all__ = ["LockedArchive", "local_archive", "remote_archive", "valid_path"]


@dataclass(frozen=True, kw_only=True, slots=True)
class LockedArchive:
    """A wheel or sdist as a lock records it.

    Attributes:
        name: the normalized name of the distribution.
        place: the path or URL of the file.
        hashes: by algorithm; empty where the lock records none.
        subdirectory: the folder in the archive that holds the project.
        table: the entry of the lock.
    """

    name: str
    place: str
    hashes: Mapping[str, str]
    subdirectory: str | None
    table: Table


def valid_path(text: str, table: Table, key: str) -> str:
    """The value of ``key`` as a path, with ``/`` between its parts.

    Raises:
        LockError: no file can have this path.
    """
    if not is_path(text):
        raise table.wrong(key, "this is not a path")
    return text.replace("\\", "/") if "/" not in text else text


def local_archive(archive: LockedArchive, base: Path) -> PackageArchive:
    """The wheel or sdist in a file; where the lock records no hash, the hash of the file is taken.

    Raises:
        LockError: there is no such file.
    """
    from packaging.pylock import PackageArchive

    path = base / archive.place
    hashes = archive.hashes or {"sha256": file_sha256(path)}
    if not path.is_file():
        raise LockError(
            f"a file that `{archive.table.file}` names is missing",
            where=[f"{archive.table.place}: {archive.place}"],
        )
    return PackageArchive(path=archive.place, hashes=hashes, subdirectory=archive.subdirectory)


def remote_archive(archive: LockedArchive, root: Path, context: Context) -> PackageArchive:
    """The wheel or sdist at a URL; where the lock records no hash, uv computes it by fetching the file.

    Raises:
        LockError: it cannot be fetched.
    """
    from packaging.pylock import PackageArchive

    name, url, file = archive.name, archive.place, archive.table.file
    if archive.hashes:
        return PackageArchive(url=url, hashes=archive.hashes, subdirectory=archive.subdirectory)
    from wherry.events import Warned
    from wherry.lock.resolve import Requirements, resolve

    context.reporter.emit(
        Warned(
            text=f"`{file}` records no hash of `{name}`, so nothing tells whether the file at "
            f"{redact(url)} is the one that was locked"
        )
    )
    fragment = f"#subdirectory={archive.subdirectory}" if archive.subdirectory else ""
    requirements = Requirements(
        name=f"{name} of {file}",
        base=root,
        text=f"{name} @ {url}{fragment}\n",
        options=("--no-deps",),
    )
    for package in resolve(requirements, context).packages:
        if package.name == name and package.archive is not None:
            return package.archive
    raise LockError(f"`{name}` of `{file}` is not an archive", where=[redact(url)])
