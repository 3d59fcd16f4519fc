"""How often this process opens files for reading, as Python's own audit events tell."""

from __future__ import annotations

import os
import sys
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["opens"]

_watched: list[tuple[str, Counter[str]]] = []


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and _watched and isinstance(arguments[0], str):
        root, opened = _watched[-1]
        path = os.path.abspath(arguments[0])
        writes = isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if path.startswith(root) and not writes:
            opened[path.removeprefix(root)] += 1


sys.addaudithook(_hook)


@contextmanager
def opens(root: Path) -> Iterator[Counter[str]]:
    """Counts how often this process opens each file below a folder for reading."""
    opened: Counter[str] = Counter()
    _watched.append((f"{root}/", opened))
    try:
        yield opened
    finally:
        _watched.pop()
