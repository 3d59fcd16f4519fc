"""Files for tests: digests, a folder that is kept, file locks, and the permissions of another user."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["alone", "as_nobody", "cache_folder", "file_digest", "link_folders"]


def file_digest(path: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def cache_folder(name: str) -> Path:
    """A folder for what is kept for the next run of the tests."""
    given = os.environ.get("WHERRY_TESTS_CACHE")
    base = Path(given) if given else Path.home() / ".cache" / "wherry-tests"
    folder = base / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """One process makes what lies at a path; the others wait for it."""
    import fcntl

    with path.with_suffix(".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def as_nobody() -> Iterator[None]:
    """Not as root, to whom nothing is unreadable, and who may write everywhere."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def link_folders(root: Path) -> None:
    """Make nine folders, each with a file and links to all others: there are a million ways through them."""
    for number in range(9):
        (root / str(number)).mkdir()
        (root / str(number) / "a.py").touch()
        for other in set(range(9)) - {number}:
            (root / str(number) / f"to-{other}").symlink_to(f"../{other}")
