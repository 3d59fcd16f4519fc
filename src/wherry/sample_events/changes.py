"""Changes of any value of an event, by its place in the document."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from wherry.errors import EventError
from wherry.problems import did_you_mean
from wherry.untrusted import parse_json

if TYPE_CHECKING:
    from wherry.sample_events.choices import Event

__all__ = ["change"]


def change(event: Event, place: str, value: object) -> None:
    r"""Change a value of the event, or add it.

    Args:
        event: to be changed.
        place: the names and numbers that lead to it, such as ``Records.0.s3.object.size`` or, as jq has it,
            ``.Records[0].s3.object.size``; a dot or bracket that is part of a name has a backslash before it.
        value: of JSON; text that is JSON is read as such.

    Raises:
        EventError: there is no such place.
    """
    marked = place.removeprefix(".").replace("\\.", "\0").replace("\\[", "\1")
    parts = re.sub(r"\[([0-9]+)\]", r".\1", marked).split(".")
    *path, last = [part.replace("\0", ".").replace("\1", "[") for part in parts]
    target: Any = event
    for number, part in enumerate(path):
        here = ".".join(path[: number + 1])
        if isinstance(target, dict) and part in target:
            target = target[part]
        else:
            target = target[_index(target, part, here)]
    if isinstance(target, dict):
        target[last] = _value(value)
    else:
        target[_index(target, last, place)] = _value(value)


def _value(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return parse_json(value)
    except ValueError:
        return value


def _index(target: Any, part: str, place: str) -> int:
    if isinstance(target, list) and part.isascii() and part.isdigit() and int(part) < len(target):
        return int(part)
    has = f"it has {len(target)} entries, counted from 0" if isinstance(target, list) else None
    if isinstance(target, dict):
        has = "it has " + ", ".join(f"`{name}`" for name in target)
    raise EventError(
        f"there is no `{place}` in the event",
        where=[has or "what stands before it has no parts"],
        hint=did_you_mean(part, known=target) if isinstance(target, dict) else None,
    )
