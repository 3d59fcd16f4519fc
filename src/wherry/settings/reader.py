"""Readers of a setting's value that also say, as a JSON schema, which values they take, and of tables of settings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping

    from wherry.problems import Problems

    Readers: TypeAlias = Mapping[str, Callable[[object], Any]]

__all__ = [
    "NOT_EMPTY",
    "Reader",
    "all_matching",
    "boolean",
    "choice",
    "matching",
    "named_tables",
    "number",
    "portable_pattern",
    "read_table",
    "shaped",
    "string",
    "strings",
    "table_of",
    "table_of_strings",
    "table_shape",
]


Value_co = TypeVar("Value_co", covariant=True)


class Reader(Struct, Generic[Value_co], frozen=True, kw_only=True):
    """A reader of a value.

    Attributes:
        read: returns the value, or raises ``ValueError`` with what it expected.
        shape: the JSON schema (draft 7) of what it takes. It may take less, never more.
    """

    read: Callable[[object], Value_co]
    shape: Mapping[str, Any]

    def __call__(self, value: object) -> Value_co:
        """The value.

        Raises:
            ValueError: it is another than expected.
        """
        return self.read(value)


def shaped(
    shape: Mapping[str, Any],
) -> Callable[[Callable[[object], Value_co]], Reader[Value_co]]:
    """A decorator that makes a function a reader with this shape."""
    return lambda read: Reader(read=read, shape=shape)


def table_shape(readers: Readers) -> dict[str, Any]:
    """The shape of a table with these keys; a reader without a shape takes anything."""
    return {
        "type": "object",
        "properties": {key: dict(getattr(read, "shape", {})) for key, read in readers.items()},
        "additionalProperties": False,
    }


def portable_pattern(pattern: str) -> dict[str, str]:
    """The ``pattern`` of a JSON schema for a regular expression that must match as a whole.

    Empty if the expression has something that the expressions of JavaScript lack, which JSON schemas have.
    """
    if re.search(r"\(\?[aiLmsuxP(#]|\\[AZ]|\(\?<[=!]", pattern):
        return {}
    return {"pattern": f"^(?:{pattern})$"}


def _reader(accepts: Callable[[Any], bool], expected: str, shape: Mapping[str, Any]) -> Reader[Any]:
    def read(value: object) -> object:
        if not accepts(value):
            raise ValueError(f"expected {expected}")
        return value

    return Reader(read=read, shape=shape)


NOT_EMPTY: Mapping[str, Any] = {"type": "string", "minLength": 1}
"""The shape of a string that is not empty."""

string: Callable[[object], str] = _reader(
    lambda value: isinstance(value, str) and value != "", "a string", NOT_EMPTY
)
"""A string that is not empty."""

boolean: Callable[[object], bool] = _reader(
    lambda value: isinstance(value, bool), "true or false", {"type": "boolean"}
)
"""True or false."""


@shaped({"type": "array", "items": NOT_EMPTY})
def strings(value: object) -> tuple[str, ...]:
    """A list of strings that are not empty."""
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise ValueError("expected a list of strings")
    return tuple(value)


def choice(*choices: str) -> Callable[[object], str]:
    """A reader of one of these strings."""
    return _reader(
        lambda value: isinstance(value, str) and value in choices,
        f"one of {', '.join(choices)}",
        {"enum": [*map(str, choices)]},
    )


def matching(pattern: str, noun: str) -> Callable[[object], str]:
    """A reader of strings that a regular expression matches as a whole; ``noun`` says what they are."""
    return _reader(
        lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None,
        noun,
        {"type": "string", **portable_pattern(pattern)},
    )


def number(least: int, most: int | None = None) -> Callable[[object], int]:
    """A reader of whole numbers that are not below ``least``, and not above ``most`` where that is given."""
    return _reader(
        lambda value: (
            isinstance(value, int)
            and not isinstance(value, bool)
            and least <= value
            and (most is None or value <= most)
        ),
        f"a number of at least {least}" if most is None else f"a number from {least} to {most}",
        {"type": "integer", "minimum": least} | ({} if most is None else {"maximum": most}),
    )


def all_matching(
    pattern: str, problem: str, *, read: Callable[[object], tuple[str, ...]] = strings
) -> Reader[tuple[str, ...]]:
    """A reader of strings of which a regular expression matches each; others have the problem."""

    def read_all(value: object) -> tuple[str, ...]:
        items = read(value)
        for item in items:
            if not re.fullmatch(pattern, item):
                raise ValueError(f"`{item}` {problem}")
        return items

    text = {**NOT_EMPTY, **portable_pattern(pattern)}
    several: Mapping[str, Any] = {"type": "array", "items": text}
    return Reader(read=read_all, shape=several if read is strings else {"anyOf": [text, several]})


def table_of(readers: Readers, *, least: int = 0) -> Reader[dict[str, Any]]:
    """A reader of tables with these keys, at least so many of them; the values by the names of attributes."""
    known = ", ".join(readers)

    def read(value: object) -> dict[str, Any]:
        if not isinstance(value, dict) or len(value) < least:
            raise ValueError(f"expected a table: {known}")
        attributes = {}
        for key, item in value.items():
            if key not in readers:
                raise ValueError(f"there is no setting `{key}`: expected {known}")
            try:
                attributes[key.replace("-", "_")] = readers[key](item)
            except ValueError as error:
                raise ValueError(f"{key}: {error}") from error
        return attributes

    return Reader(
        read=read, shape=table_shape(readers) | ({"minProperties": least} if least else {})
    )


def table_of_strings(noun: str) -> Reader[dict[str, str]]:
    """A reader of tables of strings; ``noun`` says what they hold."""
    return _reader(
        lambda value: (
            isinstance(value, dict) and all(isinstance(item, str) for item in value.values())
        ),
        f"a table of {noun}",
        {"type": "object", "additionalProperties": {"type": "string"}},
    )


def read_table(
    table: Mapping[str, object],
    readers: Readers,
    problems: Problems,
    *,
    prefix: str = "",
    known: Iterable[str] | None = None,
    of_project: Container[str] = (),
) -> dict[str, Any]:
    """The values of a table by the names of attributes, without those that are wrong.

    ``prefix`` precedes a key in messages. If there are more keys than those of the readers, the ``known`` ones may be
    suggested; those ``of_project`` belong in the table of the whole project.
    """
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in readers:
            hint = f"`{key}` is a setting of the whole project" if key in of_project else None
            problems.add(f"{prefix}{key}", "there is no such setting", hint=hint)
            if hint is None:
                problems.suggest(key, readers if known is None else known, prefix=prefix)
            continue
        try:
            values[key.replace("-", "_")] = readers[key](value)
        except ValueError as error:
            problems.add(f"{prefix}{key}", str(error))
    return values


def named_tables(
    kind: str,
    value: object,
    readers: Container[str],
    problems: Problems,
    pattern: str,
    wrong_name: str,
) -> Iterator[tuple[str, dict[str, object]]]:
    """The tables ``[tool.wherry.KIND.NAME]`` with their names, without those that are wrong.

    ``readers`` has the keys of each table. ``wrong_name`` is the problem of a name that the pattern does not match.
    """
    if not isinstance(value, dict):
        problems.add(kind, f"expected a table for each: [tool.wherry.{kind}.NAME]")
        return
    for name, table in value.items():
        key = f"{kind}.{name}"
        if not isinstance(table, dict) and name in readers:
            problems.add(key, f"it belongs in a table with a name: [tool.wherry.{kind}.NAME]")
        elif not isinstance(table, dict):
            problems.add(key, f"expected a table: [tool.wherry.{key}]")
        elif not re.fullmatch(pattern, name):
            problems.add(key, wrong_name)
        else:
            yield name, table
