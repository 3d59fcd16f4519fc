"""Compiled code in one form, whatever the process that compiled it had loaded before.

``marshal`` writes an object again, or a reference to it, by how many others hold it, and orders sets by that. Here equal
constants are always one object, and sets are sorted by content. This module is copied into the interpreter that compiles,
of whatever version, and imports nothing of Wherry. The format is that of ``Python/marshal.c``.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["canonical"]

# Plain integers before the first part of a code object, and the parts before and after its first line.
_NUMBERS, _BEFORE, _AFTER = (20, 8, 2) if sys.version_info >= (3, 11) else (24, 8, 1)
_ALONE = frozenset(b"0NFTS.")
_SIZED = frozenset(b"stuaA")
_SHORT = frozenset(b"zZ")
_FIXED = {ord("i"): 4, ord("I"): 8, ord("g"): 8, ord("y"): 16}
_STRINGS = frozenset(b"stuaAzZ")
# Strings that are interned when they are loaded, and those that are not.
_INTERNED = dict(zip(b"uaz", b"tAZ"))  # noqa: B905
_PLAIN = {new: old for old, new in _INTERNED.items()}
_WORD = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")
_REFERENCE, _LONG, _SMALL_TUPLE, _SLICE, _CODE = b"rl):c"
_TUPLE, _FROZEN_SET = b"(>"
_FLAG = 128


def canonical(data: bytes) -> bytes:
    """Marshalled code in one form; ValueError for what no compiler writes."""
    form = _Form(data)
    root = form.read()
    if form.at != len(data):
        raise ValueError("there is more than one object")
    return form.write(root)


class _Form:
    def __init__(self, data: bytes) -> None:
        self.at = 0
        self._data = data
        self._flagged: list[int] = []
        # By number: the bytes that an object begins with, those before its later parts, its parts, and its uses.
        self._heads: list[bytes] = []
        self._lines: dict[int, bytes] = {}
        self._parts: list[tuple[int, ...]] = []
        self._uses: list[int] = []
        self._numbers: dict[tuple[bytes, tuple[int, ...]], int] = {}

    def read(self) -> int:
        """Read the next object; its number."""
        data, start = self._data, self.at
        kind = data[start] & ~_FLAG
        self.at = start + 1
        if kind == _REFERENCE:
            return self._flagged[self._int()]
        place = None
        if data[start] & _FLAG:
            place = len(self._flagged)
            self._flagged.append(-1)
        parts: Sequence[int] = ()
        if kind in _SHORT:
            self.at += 1 + data[self.at]
        elif kind in _SIZED:
            self.at += 4 + self._peek()
        elif kind in _FIXED:
            self.at += _FIXED[kind]
        elif kind == _LONG:
            self.at += 4 + 2 * abs(self._peek())
        elif kind == _SMALL_TUPLE:
            self.at += 1
            parts = self._several(data[self.at - 1])
        elif kind in (_TUPLE, _FROZEN_SET):
            parts = self._several(self._int())
            if kind == _FROZEN_SET:
                parts = sorted(parts, key=self._plain)
        elif kind == _SLICE:
            parts = self._several(3)
        elif kind == _CODE:
            return self._code(start, place)
        elif kind not in _ALONE:
            raise ValueError("an object of an unknown kind")
        if parts or kind in (_SMALL_TUPLE, _TUPLE, _FROZEN_SET, _SLICE):
            end = start + {_SMALL_TUPLE: 2, _SLICE: 1}.get(kind, 5)
        else:
            end = self.at
        head = data[start + 1 : end]
        if kind in _PLAIN or kind in _INTERNED:
            # As compilers intern strings; in a process another one may have been interned before.
            is_word = _WORD.issuperset(head[1 if kind in _SHORT else 4 :])
            kind = (_INTERNED if is_word else _PLAIN).get(kind, kind)
        head = bytes((kind,)) + head
        return self._numbered(head, tuple(parts), place)

    def _code(self, start: int, place: int | None) -> int:
        # Nested deeper than anything else; a code object is never the same as another.
        self.at += _NUMBERS
        head = bytes((_CODE,)) + self._data[start + 1 : self.at]
        before = self._several(_BEFORE)
        line = self._data[self.at : self.at + 4]
        self.at += 4
        after = self._several(_AFTER)
        number = len(self._heads)
        self._heads.append(head)
        self._lines[number] = line
        self._parts.append((*before, *after))
        self._count(number)
        if place is not None:
            self._flagged[place] = number
        return number

    def _numbered(self, head: bytes, parts: tuple[int, ...], place: int | None) -> int:
        key = head, parts
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._heads)
            self._heads.append(head)
            self._parts.append(parts)
            self._count(number)
        if place is not None:
            self._flagged[place] = number
        return number

    def _count(self, number: int) -> None:
        self._uses.append(0)
        for part in self._parts[number]:
            self._uses[part] += 1

    def _several(self, count: int) -> list[int]:
        return [self.read() for _ in range(count)]

    def _peek(self) -> int:
        return int.from_bytes(self._data[self.at : self.at + 4], "little", signed=True)

    def _int(self) -> int:
        value = self._peek()
        self.at += 4
        return value

    def _plain(self, number: int) -> bytes:
        """The bytes of an object without references."""
        return self._heads[number] + b"".join(self._plain(part) for part in self._parts[number])

    def write(self, root: int) -> bytes:
        """The bytes of an object."""
        pieces: list[bytes] = []
        written: dict[int, int] = {}
        self._write(root, pieces, written)
        return b"".join(pieces)

    def _write(self, number: int, pieces: list[bytes], written: dict[int, int]) -> None:
        if number in written:
            pieces.append(bytes((_REFERENCE,)) + written[number].to_bytes(4, "little"))
            return
        head, parts = self._heads[number], self._parts[number]
        if self._uses[number] > 1 and (parts or head[0] in _STRINGS or len(head) > 5):
            written[number] = len(written)
            head = bytes((head[0] | _FLAG,)) + head[1:]
        pieces.append(head)
        for position, part in enumerate(parts):
            if position == _BEFORE and number in self._lines:
                pieces.append(self._lines[number])
            self._write(part, pieces, written)
