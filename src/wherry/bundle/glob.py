"""One pattern with wildcards, matched in a time that its length and the path's bound.

Backtracking would take exponential time for `*a*a*a*b`. It is not needed: between two ``*`` stand characters of
which each matches one, so where they fit first is as good as any place further on. The same holds for the segments
between two ``**``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

from msgspec.structs import replace

from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Glob"]

# The POSIX classes that brackets may name, as pairs of the first and the last character.
_CLASSES = {
    "alnum": ("az", "AZ", "09"),
    "alpha": ("az", "AZ"),
    "blank": ("  ", "\t\t"),
    "cntrl": ("\x00\x1f", "\x7f\x7f"),
    "digit": ("09",),
    "graph": ("!~",),
    "lower": ("az",),
    "print": (" ~",),
    "punct": ("!/", ":@", "[`", "{~"),
    "space": ("  ", "\t\r"),
    "upper": ("AZ",),
    "xdigit": ("09", "AF", "af"),
}


class _Bracket(Struct, frozen=True):
    """A set of characters, as pairs of the first and the last; without any and negated, it is a `?`."""

    negated: bool
    ranges: tuple[str, ...]

    def matches(self, character: str) -> bool:
        return any(pair[0] <= character <= pair[1] for pair in self.ranges) != self.negated


_ANY = _Bracket(negated=True, ranges=())
# Text without wildcards, or characters of which each matches one.
_Piece: TypeAlias = "str | tuple[str | _Bracket, ...]"
# The pieces between `*`.
_Segment: TypeAlias = "tuple[_Piece, ...]"


class Glob(Struct, frozen=True):
    """A pattern: runs of segments, with any number of folders between two runs.

    Attributes:
        runs: the segments between `**`.
        lead: a part of a name before the first `**`, which it may end anywhere.
    """

    runs: tuple[tuple[_Segment, ...], ...]
    lead: str = ""

    @staticmethod
    def parse(text: str) -> Glob | None:
        """The pattern of a text; None if it can match nothing."""
        # Git compares what is before the first wildcard by itself, so that `**` may follow a part of a name.
        if (led := re.match(_LED, text)) and (glob := Glob.parse(text[led.end() :])) is not None:
            return replace(glob, lead=led[0])
        runs: list[list[_Segment]] = [[]]
        pieces: list[list[str | _Bracket]] = [[]]
        position = 0
        while position < len(text):
            character = text[position]
            if character == "*":
                end = position
                while text[end : end + 1] == "*":
                    end += 1
                opens = position == 0 or text[position - 1] == "/"
                closes = end == len(text) or text[end] == "/"
                if end - position == 1 or not (opens and closes):
                    pieces.append([])
                elif end == len(text):
                    # One segment or more.
                    runs.append([])
                    pieces = [[], []]
                else:
                    runs.append([])
                    end += 1
                position = end
                continue
            item: str | _Bracket
            if character == "?":
                item, position = _ANY, position + 1
            elif character == "[":
                bracket = _bracket(text, position + 1)
                if bracket is None:
                    return None
                item, position = bracket
            else:
                literal = _character(text, position)
                if literal is None:
                    return None
                item, position = literal
            if item == "/":
                runs[-1].append(tuple(map(_piece, pieces)))
                pieces = [[]]
            else:
                pieces[-1].append(item)
        runs[-1].append(tuple(map(_piece, pieces)))
        return Glob(tuple(map(tuple, runs)))

    def matches(self, path: str) -> bool:
        """Whether the whole path matches."""
        if not path.startswith(self.lead):
            return False
        names = path[len(self.lead) :].split("/")
        first, *others = self.runs
        if not others:
            return len(names) == len(first) and _run_matches(first, names, 0)
        *middle, last = others
        start, end = len(first), len(names) - len(last)
        if start > end or not (_run_matches(first, names, 0) and _run_matches(last, names, end)):
            return False
        for run in middle:
            while not (fits := start + len(run) <= end and _run_matches(run, names, start)):
                if start >= end:
                    break
                start += 1
            if not fits:
                return False
            start += len(run)
        return True


_LED = r"[^*?\[\\]*[^*?\[\\/](?=\*\*+(?:/|$))"


def _piece(items: Sequence[str | _Bracket]) -> _Piece:
    literals = [item for item in items if isinstance(item, str)]
    return "".join(literals) if len(literals) == len(items) else tuple(items)


def _run_matches(run: Sequence[_Segment], names: Sequence[str], start: int) -> bool:
    return all(
        _segment_matches(segment, names[number]) for number, segment in enumerate(run, start)
    )


def _segment_matches(segment: _Segment, name: str) -> bool:
    first, *others = segment
    if not others:
        return len(first) == len(name) and _fits(first, name, 0)
    *middle, last = others
    start, end = len(first), len(name) - len(last)
    if start > end or not (_fits(first, name, 0) and _fits(last, name, end)):
        return False
    for piece in middle:
        if isinstance(piece, str):
            start = name.find(piece, start, end)
        else:
            places = range(start, end - len(piece) + 1)
            start = next((place for place in places if _fits(piece, name, place)), -1)
        if start < 0:
            return False
        start += len(piece)
    return True


def _fits(piece: _Piece, name: str, start: int) -> bool:
    """Whether a piece, which is not longer than the rest of the name, matches there."""
    if isinstance(piece, str):
        return name.startswith(piece, start)
    return all(
        item == name[number] if isinstance(item, str) else item.matches(name[number])
        for number, item in enumerate(piece, start)
    )


def _bracket(text: str, start: int) -> tuple[_Bracket, int] | None:
    """A bracket and the position after it; None if it does not end, or names an unknown class."""
    position = start
    negated = text[position : position + 1] in {"!", "^"}
    if negated:
        position += 1
    first = position
    ranges: list[str] = []
    while True:
        if position >= len(text):
            return None
        if text[position] == "]" and position > first:
            break
        if text.startswith("[:", position):
            end = text.find("]", position + 2)
            if end < 0:
                return None
            if end > position + 2 and text[end - 1] == ":":
                known = _CLASSES.get(text[position + 2 : end - 1])
                if known is None:
                    return None
                ranges += known
                position = end + 1
                continue
        low = _character(text, position)
        if low is None:
            return None
        position = low[1]
        # The lower end always matches, even in a range that is reversed.
        ranges.append(low[0] * 2)
        following = text[position + 1 : position + 2]
        if text[position : position + 1] == "-" and following not in {"", "]"}:
            high = _character(text, position + 1)
            if high is None:
                return None
            position = high[1]
            if low[0] <= high[0]:
                ranges.append(low[0] + high[0])
    return _Bracket(negated, tuple(ranges)), position + 1


def _character(text: str, position: int) -> tuple[str, int] | None:
    """A character, which a backslash may escape, and the position after it."""
    if text[position] != "\\":
        return text[position], position + 1
    if position + 1 >= len(text):
        return None
    return text[position + 1], position + 2
