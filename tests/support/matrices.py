"""Parameters of tests of which `make test` runs a part, and `make real` the rest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pytest

__all__ = ["pairs", "some"]


def some(values: Iterable[Any], *, of: Sequence[Any]) -> list[Any]:
    """Every value; those that are not among ``of`` are run by `make real` alone."""
    return [_param(value, kept=value in of) for value in values]


def pairs(rows: Iterable[tuple[Any, Any]]) -> list[Any]:
    """Every pair; `make test` runs so many that each first and each second value is among them."""
    seen: tuple[set[Any], set[Any]] = set(), set()
    params = []
    for first, second in rows:
        kept = first not in seen[0] or second not in seen[1]
        params.append(_param(first, second, kept=kept))
        if kept:
            seen[0].add(first)
            seen[1].add(second)
    return params


def _param(*values: Any, kept: bool) -> Any:
    return pytest.param(*values, marks=() if kept else pytest.mark.real)
