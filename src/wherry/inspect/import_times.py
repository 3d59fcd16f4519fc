"""Import times as ``python -X importtime`` reports them, by module and by what imports it."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["VARIABLE", "ImportTime", "read_import_times", "read_runtime_seconds"]

VARIABLE = "PYTHONPROFILEIMPORTTIME"
"""The environment variable that has an interpreter tell them."""

_LINE = re.compile(rb"import time:\s*(\d+) \|\s*(\d+) \| ( *)(\S+)\s*$", re.MULTILINE)
_CLIENT = "awslambdaric"


class ImportTime(Struct, frozen=True, kw_only=True):
    """A module that was imported.

    Attributes:
        module: its full name.
        imported_by: the module that was the first to import it; None for the function's own.
        self_seconds: without what it imports itself.
        seconds: with what it was the first to import.
    """

    module: str
    imported_by: str | None
    self_seconds: float
    seconds: float

    @property
    def is_choice(self) -> bool:
        """Whether a module of another package imports it, and could do so later; the standard library could not."""
        above = (self.imported_by or "").partition(".")[0]
        return above != self.module.partition(".")[0] and above not in sys.stdlib_module_names


class _Node(Struct, frozen=True):
    module: str
    own: float
    total: float
    below: list[_Node]


def read_import_times(output: bytes) -> tuple[ImportTime, ...]:
    """The imports of a function in the output of its initialization, without those of the runtime; the longest first."""
    _, roots = _read(output)
    found = [time for root in roots for time in _times(root)]
    return tuple(sorted(found, key=lambda time: -time.seconds))


def read_runtime_seconds(output: bytes) -> float:
    """The time of the imports that Python itself and the runtime's client make before those of the function."""
    roots, _ = _read(output)
    return sum(root.total for root in roots)


def _read(output: bytes) -> tuple[list[_Node], list[_Node]]:
    """The imports of the runtime, and those of the function."""
    waiting: dict[int, list[_Node]] = {}
    for line in _LINE.finditer(output):
        own, total, indent, name = line.groups()
        depth = len(indent) // 2
        # What a module imports is told before the module itself.
        below = waiting.pop(depth + 1, [])
        node = _Node(name.decode(errors="replace"), int(own) / 1e6, int(total) / 1e6, below)
        waiting.setdefault(depth, []).append(node)
    roots = waiting.get(0, [])
    client = max((place for place, root in enumerate(roots) if _is_client(root)), default=-1)
    return roots[: client + 1], roots[client + 1 :]


def _is_client(root: _Node) -> bool:
    return root.module.partition(".")[0] == _CLIENT


def _times(root: _Node) -> Iterator[ImportTime]:
    waiting: list[tuple[_Node, str | None]] = [(root, None)]
    while waiting:
        node, above = waiting.pop()
        yield ImportTime(
            module=node.module, imported_by=above, self_seconds=node.own, seconds=node.total
        )
        waiting += [(each, node.module) for each in reversed(node.below)]
