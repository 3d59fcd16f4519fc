"""Suggestions for misspelt names."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["did_you_mean", "nearest", "suggestion"]


def nearest(name: str, known: Iterable[str], *, similarity: float = 0.6) -> str | None:
    """The known name that is most similar to ``name``; None if no name is similar enough (from 0 to 1)."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, list(known), n=1, cutoff=similarity)), None)


def did_you_mean(*names: str, known: Iterable[str]) -> str | None:
    """A hint with the known name that is nearest to each of these; None if no name is similar."""
    known = list(known)
    return suggestion(near for name in names if (near := nearest(name, known)) is not None)


def suggestion(names: Iterable[str]) -> str | None:
    """A hint that offers these names; None if there are none."""
    quoted = dict.fromkeys(f"`{name}`" for name in names)
    return f"did you mean {', '.join(quoted)}?" if quoted else None
