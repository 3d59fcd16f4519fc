"""Measuring a store, and removing from it what was not used for long."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["StoreUsage", "buckets", "mark", "measure", "remove_unused", "sweep"]

_BUCKET = re.compile(r"[a-z][a-z0-9_-]*-v[0-9]+")
_TAG = "CACHEDIR.TAG"
_TAG_TEXT = (
    "Signature: 8a477f597d28d172789f06886806bc55\n# Made by Wherry; see `wherry cache --help`.\n"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreUsage:
    """How many files, how many bytes, and the bytes by kind."""

    files: int = 0
    size: int = 0
    kinds: Mapping[str, int] = field(default_factory=dict)


def mark(bucket: Path) -> None:
    """Make the bucket if it is missing, and tag it as Wherry's own.

    By the Cache Directory Tagging Specification, so that backups leave it out; and nothing without the
    tag is ever removed, for the store may have been put into a folder that holds other things.

    Raises:
        OSError: it cannot be made.
    """
    tag = bucket / _TAG
    if not tag.exists():
        bucket.mkdir(parents=True, exist_ok=True)
        tag.write_text(_TAG_TEXT)


def buckets(root: Path) -> list[Path]:
    """The buckets of a store, of every version."""
    try:
        return sorted(
            child
            for child in root.iterdir()
            if _BUCKET.fullmatch(child.name) and (child / _TAG).is_file()
        )
    except OSError:
        return []


def measure(root: Path) -> StoreUsage:
    """How many files a store holds, and how big they are."""
    return _tally((bucket, item) for bucket in buckets(root) for item in _items(bucket))


def remove_unused(root: Path, *, since: float | None) -> StoreUsage:
    """Remove what was last used before this time (seconds since the epoch), or all for None.

    Raises:
        OSError: something cannot be removed.
    """

    def removed() -> Iterator[tuple[Path, Path]]:
        for bucket in buckets(root):
            for item in _items(bucket):
                if since is None or item.lstat().st_mtime < since:
                    yield bucket, item
                    _remove(item)

    return _tally(removed())


def sweep(folder: Path, *, older_than: float) -> None:
    """Remove what killed builds have left in a folder, when it is that many seconds old."""
    limit = time.time() - older_than
    with suppress(OSError):
        for leftover in list(folder.iterdir()):
            with suppress(OSError):
                if leftover.lstat().st_mtime <= limit:
                    _remove(leftover)


def _tally(items: Iterator[tuple[Path, Path]]) -> StoreUsage:
    files = 0
    kinds: dict[str, int] = {}
    for bucket, item in items:
        kind = bucket.name.rpartition("-v")[0]
        inside = item.rglob("*") if item.is_dir() and not item.is_symlink() else [item]
        for path in inside:
            with suppress(OSError):
                if path.is_symlink() or not path.is_dir():
                    kinds[kind] = kinds.get(kind, 0) + path.lstat().st_size
                    files += 1
    return StoreUsage(files=files, size=sum(kinds.values()), kinds=kinds)


def _items(bucket: Path) -> list[Path]:
    """What is removed as one."""
    if bucket.name.startswith("files-v"):
        return sorted(bucket.glob("??/*"))
    return sorted(child for child in bucket.iterdir() if child.name != _TAG)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        import shutil

        # Unpacked packages are read-only, and only from a folder that may be written can anything be removed.
        for folder in [path, *path.rglob("*")]:
            if folder.is_dir() and not folder.is_symlink():
                folder.chmod(0o700)
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
