"""The names that Wherry gives in a store, how much lies there, and what of it may be removed.

A store may lie in a folder that holds other things, even in a home folder. So nothing is removed but by a name that
Wherry gives, inside of a folder that Wherry tagged when it made it. Symbolic links are never followed.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import field

from wherry.files import open_regular, remove_folder, walk_folders
from wherry.store.temporary import remove_abandoned
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import timedelta

__all__ = [
    "IN_USE",
    "StoreUsage",
    "bucket_of",
    "buckets",
    "is_own",
    "item_name",
    "items",
    "measure",
    "remove",
    "remove_unused",
    "sweep",
    "tag",
    "temporary_name",
]

_VERSION = 1
IN_USE = ".in-use"
"""The file whose lock tells that a process uses the store."""

_TAG = "CACHEDIR.TAG"
# The signature is that of the Cache Directory Tagging Specification, by which backups leave the folder out.
_TAG_TEXT = (
    "Signature: 8a477f597d28d172789f06886806bc55\n# Made by Wherry; see `wherry cache --help`.\n"
)
_BUCKET = r"[a-z][a-z0-9_-]*-v[0-9]+"
_SHARD = r"[0-9a-f]{2}"
_FILE = r"[0-9a-f]{64}\.[0-9]+"
# Lower case only: two keys that differ by case would be one file on some systems.
_PLAIN_KEY = r"[a-z0-9][a-z0-9._+=-]{0,150}"
_ITEM = rf"{_PLAIN_KEY}|~[0-9a-f]{{64}}"
_TEMPORARY = {
    "tmp": r"[0-9]+-[0-9a-f]{16}",
    "locks": rf"[a-z][a-z0-9-]*-({_ITEM})",
}


def bucket_of(root: Path, kind: str) -> Path:
    """The folder of this kind of content, in the layout that this Wherry writes."""
    return root / f"{kind}-v{_VERSION}"


def item_name(key: str) -> str:
    """The name of what has this key: the key itself, or its digest where the key is not a name."""
    return key if re.fullmatch(_PLAIN_KEY, key) else f"~{hashlib.sha256(key.encode()).hexdigest()}"


def temporary_name() -> str:
    """A new name for something that is being written."""
    return f"{os.getpid()}-{os.urandom(8).hex()}"


def tag(folder: Path) -> None:
    """Make a folder if it is missing, and tag it as Wherry's own.

    One that somebody else has put something into is not tagged.

    Raises:
        OSError: it cannot be made.
    """
    path = folder / _TAG
    if _is_missing(path):
        try:
            names = os.listdir(folder)  # noqa: PTH208
        except FileNotFoundError:
            folder.mkdir(parents=True, exist_ok=True)
            names = os.listdir(folder)  # noqa: PTH208
        if not set(names) - {IN_USE, _TAG}:
            path.write_text(_TAG_TEXT)


def _is_missing(path: Path) -> bool:
    """Whether there is nothing, or a file that stayed empty as the disk was full."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return True
    return stat.S_ISREG(status.st_mode) and not status.st_size


def is_own(folder: Path) -> bool:
    """Whether Wherry has tagged a folder as its own."""
    try:
        with open_regular(folder / _TAG) as file:
            return file.read(len(_TAG_TEXT) + 1) == _TAG_TEXT.encode()
    except OSError:
        return False


def buckets(root: Path) -> list[Path]:
    """The buckets of a store that are Wherry's own, of every version of their layout."""
    try:
        found = _entries(root, _BUCKET)
    except OSError:
        return []
    return [path for path in found if path.is_dir() and is_own(path)]


def items(bucket: Path) -> Iterator[Path]:
    """The contents of a bucket, each of which is removed as one.

    Raises:
        OSError: the bucket cannot be read.
    """
    if not bucket.name.startswith("files-v"):
        yield from _entries(bucket, _ITEM)
        return
    for shard in _entries(bucket, _SHARD):
        if shard.is_dir():
            yield from _entries(shard, _FILE)


def _entries(folder: Path, name: str) -> list[Path]:
    """The entries with such a name, symbolic links left out."""
    with os.scandir(folder) as entries:
        return sorted(
            Path(entry.path)
            for entry in entries
            if re.fullmatch(name, entry.name) and not entry.is_symlink()
        )


def sweep(root: Path, kind: str, *, older_than: float) -> None:
    """Remove what killed processes have left: temporary files at once, others when they are that many seconds old.

    Args:
        root: the store's folder; nothing is removed unless it is Wherry's own.
        kind: ``tmp`` or ``locks``.
        older_than: seconds since it was written.
    """
    folder = root / kind
    # Not by `Path`, which raises where the root cannot be looked into.
    if os.path.islink(folder) or not os.path.isdir(folder) or not is_own(root):  # noqa: PTH112, PTH114
        return
    if kind == "tmp":
        remove_abandoned(folder, _TEMPORARY[kind])
    limit = time.time() - older_than
    with suppress(OSError):
        for path in _entries(folder, _TEMPORARY[kind]):
            with suppress(OSError):
                if path.lstat().st_mtime <= limit:
                    remove(path)


def remove(path: Path) -> None:
    """Remove a file, or a folder with everything in it.

    Raises:
        OSError: it cannot be removed.
    """
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
        return
    remove_folder(path)


class StoreUsage(Struct, frozen=True, kw_only=True):
    """How many files, how many bytes, and the bytes by kind."""

    files: int = 0
    size: int = 0
    kinds: Mapping[str, int] = field(default_factory=dict)


def measure(root: Path) -> StoreUsage:
    """How many files a store holds, and how big they are."""
    return _count((bucket, item) for bucket in buckets(root) for item in items(bucket))


def remove_unused(root: Path, *, older_than: timedelta | None) -> StoreUsage:
    """Remove what was not used for that long, or everything for None; returns what was removed.

    Raises:
        OSError: something cannot be removed.
    """
    since = None if older_than is None else time.time() - older_than.total_seconds()

    def removed() -> Iterator[tuple[Path, Path]]:
        for bucket in buckets(root):
            for item in items(bucket):
                if since is None or _last_use(bucket, item) < since:
                    yield bucket, item
                    remove(item)

    return _count(removed())


def _last_use(bucket: Path, item: Path) -> float:
    status = item.lstat()
    # The modification time of a stored file tells that it was verified.
    return status.st_atime if bucket.name.startswith("files-v") else status.st_mtime


def _count(contents: Iterator[tuple[Path, Path]]) -> StoreUsage:
    files = 0
    kinds: dict[str, int] = {}
    for bucket, item in contents:
        kind = bucket.name.rpartition("-v")[0]
        for path in _paths(item):
            with suppress(OSError):
                if path.is_symlink() or not path.is_dir():
                    kinds[kind] = kinds.get(kind, 0) + path.lstat().st_size
                    files += 1
    return StoreUsage(files=files, size=sum(kinds.values()), kinds=kinds)


def _paths(item: Path) -> Iterator[Path]:
    if not item.is_dir():
        yield item
        return
    for folder, folders, names in walk_folders(item):
        yield from (Path(folder, name) for name in (*names, *folders))
