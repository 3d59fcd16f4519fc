"""Knowing of a source tree that a container once made its wheel, so that nobody else need ask for containers."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wherry.sources.builder import Source
    from wherry.wheels.store import Store

__all__ = ["note_made", "was_made"]

_KIND = "container-made"


def note_made(source: Source, store: Store) -> None:
    """A container made a wheel of this tree, or of what was there before."""
    store.remember(_KIND, _key(source), b"1")


def was_made(source: Source, store: Store) -> bool:
    """Whether one did."""
    return store.recall(_KIND, _key(source)) is not None


def _key(source: Source) -> str:
    return hashlib.sha256(source.place.encode("utf-8", "surrogateescape")).hexdigest()
