"""The memory that a container made the wheel of a source tree, so that containers are asked about no other tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.store.memo import Memo, memo_key

if TYPE_CHECKING:
    from wherry.builders import Source
    from wherry.store import Store

__all__ = ["note_made", "was_made"]

# The name of the tree.
_MADE: Memo[str] = Memo("container-made", str, str)


def note_made(source: Source, store: Store) -> None:
    """Note that a container made a wheel of this tree; of later contents of its place it may again."""
    for key in _keys(source):
        _MADE.remember(store, key, source.name)


def was_made(source: Source, store: Store) -> bool:
    """Whether a container made a wheel of this tree, or of earlier contents of its place."""
    return any(_MADE.recall(store, key) is not None for key in _keys(source))


def _keys(source: Source) -> tuple[str, str]:
    return memo_key("place", source.place), memo_key("identity", source.identity)
