"""Layers of others that the settings attached, recorded in the description of each version that is published, or of the
function where none is.

AWS tells which layers a function has, not who attached them. Layers of the project are known by the names that the stage
gives them; of others ``[wherry layers: 1f0c9a2b]`` at the end of a version's description records those that the settings
named, by the first digits of a SHA-256 of the ARN without its version, or of a name of their own. A layer that left the
settings is detached if it is recorded so. The description of a function of which no version is published records only
what Wherry attached itself, and is not changed where nothing is attached or detached.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from wherry.aws.model import DesiredFunction, LayerRef, NewVersion, ObservedFunction, layer_of_arn
from wherry.target.quotas import DESCRIPTION

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence


__all__ = [
    "arrange_layers",
    "attached_by_settings",
    "others_of",
    "parse_description",
    "record_layers",
    "recording",
]

_RECORD = re.compile(r"\s*\[wherry layers:((?: [0-9a-f]{8})+)\]\s*$")


def record_layers(description: str, layers: Iterable[str]) -> str:
    """The description of a version, with a record of these layers, by their ARNs or names."""
    marks = {_mark(arn) for arn in layers}
    return _with_marks(description[: DESCRIPTION - len(_with_marks("", marks)) - 1], marks)


def _with_marks(description: str, marks: Iterable[str]) -> str:
    listed = " ".join(sorted(marks))
    return f"{description} [wherry layers: {listed}]".strip() if listed else description


def parse_description(description: str) -> tuple[str, frozenset[str]]:
    """The description of a version without the record, and the record."""
    match = _RECORD.search(description)
    if match is None:
        return description, frozenset()
    return description[: match.start()], frozenset(match[1].split())


def others_of(function: DesiredFunction) -> list[str]:
    """The layers of a function that are not known by the names that the stage gives."""
    return [
        layer
        for layer in function.layers
        if isinstance(layer, str) and (layer.startswith("arn:") or not function.names(layer))
    ]


def recording(function: DesiredFunction, current: ObservedFunction | None) -> DesiredFunction:
    """The function with the record in its own description, if it is to have one, or has one as it is now."""
    described = str((current.configuration if current is not None else {}).get("Description") or "")
    text, recorded = parse_description(described)
    wanted = frozenset(_mark(layer) for layer in others_of(function))
    if function.publish or function.exclusive:
        wanted = frozenset()
    elif current is not None:
        # Somebody else may have attached those that it has and that are not recorded.
        place = [current.region, current.account]
        attached = [_marks(arn, place) for arn in current.latest.layers if isinstance(arn, str)]
        wanted -= frozenset().union(*attached) - recorded
    managed = function.managed if current is not None else function.configuration
    text = str(managed.values.get("description", text))
    description = _with_marks(text, wanted)
    if "layers" not in function.manage or len(description) > DESCRIPTION or not recorded | wanted:
        return function
    values = {**function.configuration.values, "description": description}
    return replace(
        function,
        configuration=replace(function.configuration, values=values),
        manage=function.manage | {"description"},
    )


def attached_by_settings(function: ObservedFunction) -> frozenset[str]:
    """The ARNs of those layer versions that ``$LATEST`` has because earlier settings named them.

    That is so if the function records it, or if one of the newest versions does and no newer one is without the layer:
    else somebody attached it again.
    """
    attached, place = set(), [function.region, function.account]
    _, recorded = parse_description(function.configuration.get("Description") or "")
    for arn in function.latest.layers:
        if isinstance(arn, str) and recorded & _marks(arn, place):
            attached.add(arn)
            continue
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


def arrange_layers(
    current: Sequence[str],
    desired: Sequence[LayerRef],
    *,
    owned: Callable[[str], bool],
    account: str,
    region: str,
    attached: Collection[str] = (),
) -> tuple[LayerRef, ...]:
    """The desired layers of a function, among those that the project does not own.

    A layer that the project does not own keeps its position. The positions of its own (versions of layers that are
    desired, or that the project owns) are filled with the desired layers, in their order; the remaining ones follow the
    last of these positions. Without such a position they come last. Lambda unpacks layers in order, so files of a later
    layer replace earlier ones. ``owned`` says whether a layer of this name, in the account and region of the function,
    is one of the project's; so are the ARNs in ``attached``, which earlier settings attached.
    """
    identities = {layer_of_arn(layer) for layer in desired if isinstance(layer, str)}
    new = {layer.layer for layer in desired if isinstance(layer, NewVersion)}

    def is_own(arn: str) -> bool:
        layer = layer_of_arn(arn)
        parts = layer.split(":")
        return (
            arn in attached
            or layer in identities
            or (parts[3:5] == [region, account] and (parts[-1] in new or owned(parts[-1])))
        )

    positions = [number for number, arn in enumerate(current) if is_own(arn)]
    if not positions:
        return (*current, *desired)
    remaining = list(desired)
    result: list[LayerRef] = []
    for number, arn in enumerate(current):
        if number == positions[-1]:
            result.extend(remaining)
        elif number in positions:
            if remaining:
                result.append(remaining.pop(0))
        else:
            result.append(arn)
    return tuple(result)
