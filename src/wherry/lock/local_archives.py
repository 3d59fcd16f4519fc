"""The archives that a lock names by their path: somebody may put another in the place of one at any time."""

from __future__ import annotations

from os.path import normpath
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wherry.lock.model import Lock

__all__ = ["local_archives"]


def local_archives(lock: Lock) -> Iterator[Path]:
    """The wheels, sdists and other archives of a lock that lie on this machine."""
    for package in lock.pylock.packages:
        for source in (*(package.wheels or ()), package.sdist, package.archive):
            if source is None:
                continue
            if source.path is not None:
                yield Path(normpath(lock.base / source.path))
            elif source.url is not None and source.url[:5].lower() == "file:":
                yield Path(url2pathname(unquote(urlsplit(source.url).path)))
