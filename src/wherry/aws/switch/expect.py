"""Comparing the answer of a function with the one that is expected. Pure."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from wherry.untrusted import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["mismatches", "shown"]

_LONGEST = 200


def mismatches(expected: Any, answer: Any, path: str = "") -> Iterator[str]:
    """The places in which an answer is not as expected, each in a line.

    An answer may have more keys than are expected. Lists have the same length. A text that is JSON, such as the body
    of a response to an HTTP request, is compared by what it says if a table or list is expected.

    Args:
        expected: a value of JSON.
        answer: a value of JSON.
        path: of the values; empty for the whole answer.
    """
    if isinstance(expected, dict | list) and isinstance(answer, str):
        with suppress(ValueError):
            answer = parse_json(answer)
    if isinstance(expected, dict) and isinstance(answer, dict):
        for key, value in expected.items():
            inner = f"{path}.{key}" if path else str(key)
            if key in answer:
                yield from mismatches(value, answer[key], inner)
            else:
                yield f"{inner}: expected {shown(value)}, and it is missing"
    elif isinstance(expected, list) and isinstance(answer, list) and len(expected) == len(answer):
        for number, (value, item) in enumerate(zip(expected, answer, strict=True)):
            yield from mismatches(value, item, f"{path}[{number}]")
    elif isinstance(expected, bool) is not isinstance(answer, bool) or expected != answer:
        yield f"{path or 'the answer'}: expected {shown(expected)}, got {shown(answer)}"


def shown(value: Any) -> str:
    """The beginning of a value as JSON."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
