"""Tests of a stage: events with expected answers, for versions of functions that get no calls yet."""

from __future__ import annotations

import json
from typing import Any

from wherry.structs import Struct

__all__ = ["StageTest", "read_stage_tests"]

_KEYS = ("event", "function", "expect", "error")
_EXPECTED = (
    'expected a list of tests: paths of events, or tables such as { event = "tests/order.json", '
    "expect = { statusCode = 201 } }"
)


class StageTest(Struct, frozen=True, kw_only=True):
    """An event and the answer that a function must give to it.

    Attributes:
        event: the path of a JSON file in the project's folder, or the event itself.
        function: the name of the function in the settings; None for every function with an alias.
        expect: the only item is what the answer must contain; empty if any answer will do.
        error: whether the function must fail; a string is the type of the error.
    """

    event: Any
    function: str | None = None
    expect: tuple[Any, ...] = ()
    error: bool | str = False

    @property
    def name(self) -> str:
        """The test for people: the path of its event, or the beginning of the event itself."""
        if isinstance(self.event, str):
            return self.event
        text = json.dumps(self.event)
        return text if len(text) <= 60 else f"{text[:59]}…"


def read_stage_tests(value: object) -> tuple[StageTest, ...]:
    """The tests of a stage or function.

    Raises:
        ValueError: with what it expected.
    """
    if not isinstance(value, list):
        raise ValueError(_EXPECTED)  # noqa: TRY004  one kind of error for all readers
    return tuple(_read(item if isinstance(item, dict) else {"event": item}) for item in value)


def _read(table: dict[str, Any]) -> StageTest:
    if unknown := table.keys() - set(_KEYS):
        raise ValueError(f"there is no setting `{min(unknown)}`: expected {', '.join(_KEYS)}")
    event, function, error = table.get("event"), table.get("function"), table.get("error", False)
    if not isinstance(event, str | dict) or event == "":
        raise ValueError(_EXPECTED)
    if function is not None and not (isinstance(function, str) and function):
        raise ValueError("function: expected the name of a function of the settings")
    if not isinstance(error, bool | str):
        raise ValueError('error: expected true, or the type of the error, such as "ValueError"')  # noqa: TRY004
    expect = (table["expect"],) if "expect" in table else ()
    if expect and error:
        raise ValueError("`expect` and `error` exclude each other: a function answers, or fails")
    for key in ("event", "expect"):
        try:
            json.dumps(table.get(key), allow_nan=False)
        except (TypeError, ValueError) as wrong:
            raise ValueError(f"{key}: expected values that JSON has") from wrong
    return StageTest(event=event, function=function, expect=expect, error=error)
