"""Settings as TOML, as a person would write them.

``tomli-w`` writes TOML for programs: no comments, a table for each item of a list. This text is for people,
who will maintain it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["render"]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f"}
_WIDTH = 88


def render(
    table: Mapping[str, Any],
    *,
    prefix: Sequence[str] = ("tool", "wherry"),
    comments: Mapping[str, str] | None = None,
) -> str:
    """The table as TOML.

    ``comments`` has a line for a key, by its dotted path below the prefix (``functions.api.app``): it is written
    after the value, or above the header of a table.
    """
    lines = list(_table(table, tuple(prefix), (), comments or {}))
    return "\n".join(lines).strip("\n") + "\n" if lines else ""


def _table(
    table: Mapping[str, Any],
    prefix: tuple[str, ...],
    path: tuple[str, ...],
    comments: Mapping[str, str],
) -> Iterator[str]:
    values = {key: value for key, value in table.items() if not _is_table(value)}
    tables = {key: value for key, value in table.items() if _is_table(value)}
    full = (*prefix, *path)
    # A table that holds only tables needs no header of its own; an empty one does.
    if full and (values or not tables):
        yield ""
        if path and (comment := comments.get(".".join(path))):
            yield f"# {comment}"
        yield f"[{'.'.join(map(_key, full))}]"
    for key, value in values.items():
        text = f"{_key(key)} = {_value(value)}"
        comment = comments.get(".".join((*path, key)))
        if comment and "\n" not in text and len(text) + len(comment) < _WIDTH:
            text = f"{text}  # {comment}"
        elif comment:
            yield f"# {comment}"
        yield text
    for key, value in tables.items():
        yield from _table(value, prefix, (*path, key), comments)


def _is_table(value: object) -> bool:
    return isinstance(value, dict)


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            return _text(value)
        case dict():
            inner = ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items())
            return f"{{ {inner} }}" if inner else "{}"
        case list() | tuple():
            items = [_value(item) for item in value]
            line = f"[{', '.join(items)}]"
            if len(line) < _WIDTH:
                return line
            return "[\n" + "".join(f"  {item},\n" for item in items) + "]"
        case _:
            raise TypeError(value)


def _text(text: str) -> str:
    # Literal where that saves backslashes, as in regular expressions.
    if "\\" in text and "'" not in text and text.isprintable():
        return f"'{text}'"
    escaped = "".join(_escaped(character) for character in text)
    return f'"{escaped}"'


def _escaped(character: str) -> str:
    known = _ESCAPES.get(character)
    if known is not None:
        return known
    return f"\\u{ord(character):04x}" if ord(character) < 0x20 or character == "\x7f" else character
