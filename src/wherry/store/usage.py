"""How much a store holds, and the removal of what was not used for long."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wherry.store.ownership import buckets, items, remove

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import timedelta
    from pathlib import Path

__all__ = ["StoreUsage", "measure", "remove_unused"]


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreUsage:
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
        for path in item.rglob("*") if item.is_dir() else [item]:
            with suppress(OSError):
                if path.is_symlink() or not path.is_dir():
                    kinds[kind] = kinds.get(kind, 0) + path.lstat().st_size
                    files += 1
    return StoreUsage(files=files, size=sum(kinds.values()), kinds=kinds)
