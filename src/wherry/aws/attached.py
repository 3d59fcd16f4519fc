"""Layers of others that the settings attached, recorded in the description of each version that is published.

AWS tells which layers a function has, not who attached them. Layers of the project are known by the names that the stage
gives them; of others ``[wherry layers: 1f0c9a2b]`` at the end of a version's description records those that the settings
named, by the first digits of a SHA-256 of the ARN without its version, or of a name of their own. A layer that left the settings is detached if it is recorded so. A
function of which no version is published has no such record: layers of others then stay.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from wherry.aws.model import layer_of_arn

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wherry.aws.model import ObservedFunction

__all__ = ["attached_by_settings", "parse_description", "record_layers"]

_RECORD = re.compile(r"\s*\[wherry layers:((?: [0-9a-f]{8})+)\]\s*$")
_LONGEST = 256
"""Characters that AWS allows in a description."""


def record_layers(description: str, layers: Iterable[str]) -> str:
    """The description of a version, with a record of these layers, by their ARNs or names."""
    marks = sorted({_mark(arn) for arn in layers})
    if not marks:
        return description
    record = f" [wherry layers: {' '.join(marks)}]"
    return f"{description[: _LONGEST - len(record)]}{record}".strip()


def parse_description(description: str) -> tuple[str, frozenset[str]]:
    """The description of a version without the record, and the record."""
    match = _RECORD.search(description)
    if match is None:
        return description, frozenset()
    return description[: match.start()], frozenset(match[1].split())


def attached_by_settings(function: ObservedFunction) -> frozenset[str]:
    """The ARNs of those layer versions that ``$LATEST`` has because earlier settings named them.

    That is so if one of the newest versions records it, and no newer one is without the layer: else somebody attached
    it again.
    """
    attached, place = set(), [function.region, function.account]
    for arn in function.latest.layers:
        for version in reversed(function.versions):
            if arn not in version.snapshot.layers:
                break
            if isinstance(arn, str) and version.attached & _marks(arn, place):
                attached.add(arn)
                break
    return frozenset(attached)


def _marks(arn: str, place: list[str]) -> set[str]:
    parts = arn.split(":")
    return {_mark(arn), *([_mark(parts[6])] if parts[3:5] == place else ())}


def _mark(layer: str) -> str:
    """The mark of a layer by the ARN of a version, or by its name."""
    return hashlib.sha256(layer_of_arn(layer).encode()).hexdigest()[:8]
