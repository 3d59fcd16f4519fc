"""Items of DynamoDB with its data types, from plain JSON."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from wherry.errors import EventError
from wherry.problems import did_you_mean

__all__ = ["key_names", "marshalled"]

_TYPES = frozenset({"S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL"})


def marshalled(item: Mapping[str, Any]) -> dict[str, Any]:
    """The item with DynamoDB's types; one that has them already, everywhere, is left as it is."""
    if item and all(map(_is_typed, item.values())):
        return dict(item)
    return {name: _typed(value) for name, value in item.items()}


def key_names(item: Mapping[str, Any], names: str | None) -> list[str]:
    """The names of an item's key attributes.

    Args:
        item: that has them.
        names: separated by commas; None for those that are usual, else the first.

    Raises:
        EventError: the item has no such attribute.
    """
    if names is None:
        usual = [name for name in ("id", "pk", "PK", "sk", "SK") if name in item]
        return usual or list(item)[:1]
    keys = [name.strip() for name in names.split(",")]
    for name in keys:
        if name not in item:
            raise EventError(
                f"the item has no attribute `{name}` to be its key",
                where=["it has " + ", ".join(f"`{each}`" for each in item)],
                hint=did_you_mean(name, known=item),
            )
    return keys


def _is_typed(value: Any) -> bool:
    return isinstance(value, Mapping) and len(value) == 1 and not value.keys() - _TYPES


def _typed(value: Any) -> dict[str, Any]:
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case int() | float() | Decimal():
            return {"N": str(value)}
        case str():
            return {"S": value}
        case bytes():
            return {"B": base64.b64encode(value).decode()}
        case Mapping():
            return {"M": {str(name): _typed(each) for name, each in value.items()}}
        case list() | tuple():
            return {"L": [_typed(each) for each in value]}
        case set() | frozenset() if value:
            kinds = {next(iter(_typed(each))) for each in value}
            values = [next(iter(_typed(each).values())) for each in value]
            if len(kinds) == 1 and kinds <= {"S", "N", "B"}:
                return {f"{kinds.pop()}S": sorted(values)}
    raise EventError(
        f"DynamoDB has no type for a value of `{type(value).__name__}`",
        where=[
            "its types are those of JSON, bytes, and sets of one kind of text, numbers or bytes"
        ],
    )
