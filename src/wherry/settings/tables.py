"""Reading a table of settings key by key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from wherry.problems import Problems

__all__ = ["add_unknown", "read_table"]


def read_table(
    table: Mapping[str, object],
    readers: Mapping[str, Callable[[object], Any]],
    problems: Problems,
    *,
    prefix: str = "",
    known: Iterable[str] | None = None,
) -> dict[str, Any]:
    """The values of a table by the names of attributes, without those that are wrong.

    Args:
        table: the table as TOML has it.
        readers: a reader for each key; it raises ValueError for a wrong value.
        problems: receives what is wrong.
        prefix: precedes a key in messages.
        known: the keys that may be suggested, if there are more than those of the readers.
    """
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in readers:
            add_unknown(key, readers if known is None else known, problems, prefix=prefix)
            continue
        try:
            values[key.replace("-", "_")] = readers[key](value)
        except ValueError as error:
            problems.add(f"{prefix}{key}", str(error))
    return values


def add_unknown(key: str, known: Iterable[str], problems: Problems, *, prefix: str) -> None:
    """Add that there is no such key, and suggest the nearest."""
    problems.add(f"{prefix}{key}", "there is no such setting")
    problems.suggest(key, known, prefix=prefix)
