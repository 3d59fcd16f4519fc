"""A plan of many functions, short enough to be read: parts to which the same happens are shown together."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["PartLines", "together"]

_NUMBER = re.compile(r"\d+(?:\.\d+)?(?: [KMG]iB| B)?")
_ALIKE = 3
"""From this number on, parts to which the same happens are shown together."""


class PartLines(Struct, frozen=True, kw_only=True):
    """The lines of a layer or function; ``title`` names it with its name on AWS.

    Attributes:
        actions: a line for each, and indented ones below; empty if nothing is to be done.
    """

    kind: str
    name: str
    title: str
    actions: Sequence[str] = ()


def together(parts: Iterable[PartLines]) -> Iterator[str]:
    """The lines of all parts, in the order in which the first of each group comes.

    Parts are alike if their lines differ in sizes and numbers of versions only. Where these differ, ``…`` stands for them.
    """
    groups: dict[tuple[str, tuple[str, ...]], list[PartLines]] = {}
    for part in parts:
        groups.setdefault((part.kind, tuple(map(_shape, part.actions))), []).append(part)
    for group in groups.values():
        if len(group) < _ALIKE:
            for part in group:
                yield from _lines(part.title, part.actions)
        else:
            names = ", ".join(part.name for part in group)
            title = f"{len(group)} {group[0].kind}s ({names})"
            yield from _lines(title, [*map(_common, *(part.actions for part in group))])


def _lines(title: str, actions: Sequence[str]) -> Iterator[str]:
    if not actions:
        yield f"{title}: as it should be"
        return
    yield title
    yield from (f"  {line}" for line in actions)


def _shape(line: str) -> str:
    """The lines that such parts have in common: those below an action, such as ARNs, must be the same."""
    return line if line.startswith(" ") else _NUMBER.sub("#", line)


def _common(*lines: str) -> str:
    """One line for lines of the same shape."""
    if len(set(lines)) == 1:
        return lines[0]
    numbers = [_NUMBER.findall(line) for line in lines]
    shown = iter(["…" if len({*each}) > 1 else each[0] for each in zip(*numbers, strict=True)])
    return _NUMBER.sub(lambda _: next(shown), lines[0])
