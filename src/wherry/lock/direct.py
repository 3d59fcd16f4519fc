"""Dependencies that are no releases on an index: folders, archives by path, archives by URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.errors import LockError
from wherry.lock.document import is_path
from wherry.lock.redact import redact

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from packaging.pylock import PackageArchive

    from wherry.events import Reporter
    from wherry.lock.document import Table
    from wherry.lock.model import LockRequest

__all__ = ["local_archive", "remote_archive", "sound_path"]


def sound_path(text: str, table: Table, key: str) -> str:
    """``text`` as a path, ``/`` between its parts.

    Raises:
        LockError: no system can have a file of that name.
    """
    if not is_path(text):
        raise table.wrong(key, "this is no path")
    return text.replace("\\", "/") if "/" not in text else text


def local_archive(
    path: str, hashes: Mapping[str, str], base: Path, table: Table, subdirectory: str | None
) -> PackageArchive:
    """A wheel or sdist in a file; where the lock records no hash, the file's own is taken.

    Raises:
        LockError: it is not there.
    """
    from packaging.pylock import PackageArchive

    from wherry.lock.document import read_bytes

    if not hashes:
        from hashlib import sha256

        hashes = {"sha256": sha256(read_bytes(base / path)).hexdigest()}
    elif not (base / path).is_file():
        raise LockError(
            f"a file that `{table.file}` names is not there", where=[f"{table.place}: {path}"]
        )
    return PackageArchive(path=path, hashes=hashes, subdirectory=subdirectory)


def remote_archive(
    name: str,
    url: str,
    hashes: Mapping[str, str],
    subdirectory: str | None,
    request: LockRequest,
    reporter: Reporter,
    file: str,
) -> PackageArchive:
    """A wheel or sdist at a URL; where the lock records no hash, uv learns it by fetching the file.

    Raises:
        LockError: it cannot be fetched.
    """
    from packaging.pylock import PackageArchive

    if hashes:
        return PackageArchive(url=url, hashes=hashes, subdirectory=subdirectory)
    from wherry.events import Warned
    from wherry.lock.requirements.resolve import resolve

    reporter.emit(
        Warned(
            text=f"`{file}` records no hash of `{name}`, so nothing tells whether the file at "
            f"{redact(url)} is the one that was locked"
        )
    )
    place = f"{url}#subdirectory={subdirectory}" if subdirectory else url
    pylock = resolve(
        f"{name} @ {place}\n",
        cwd=request.root,
        target=request.target,
        offline=request.offline,
        access=request.access,
        reporter=reporter,
        what=f"{name} of {file}",
        options=["--no-deps"],
    )
    for package in pylock.packages:
        if package.name == name and package.archive is not None:
            return package.archive
    raise LockError(f"`{name}` of `{file}` is no archive", where=[redact(url)])
