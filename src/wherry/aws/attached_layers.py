"""What the settings attached to a function, recorded where AWS keeps it: in the description of a published version.

A layer that has left the settings is detached. One whose name ``layer-name`` gives is known by its name. For any other,
one with a name of its own or the ARN of somebody's layer, the version that was published with it records a digest:
``shop 1.0 [layers: 3fa2b1c4 77ab02d9]``.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from wherry.aws.model import layer_of_arn

if TYPE_CHECKING:
    from collections.abc import Callable

    from wherry.aws.model import DesiredFunction, ObservedFunction

__all__ = ["attached_by_settings", "plain_description", "recording_layers"]

_RECORD = re.compile(r"\s*\[layers:((?: [0-9a-f]{8})+)\]$")
_LONGEST = 256
"""Characters that AWS allows in a description."""


def recording_layers(function: DesiredFunction) -> str:
    """The description of a version of a function, with a record of the layers that are not known by their names."""
    unknown = [
        layer
        for layer in function.layers
        if layer.startswith("arn:")
        or not (function.own_layers and re.fullmatch(function.own_layers, layer))
    ]
    if not unknown or "layers" not in function.manage:
        return function.version_description
    record = f"[layers: {' '.join(sorted({_digest(layer_of_arn(layer)) for layer in unknown}))}]"
    text = function.version_description[: _LONGEST - len(record) - 1]
    return f"{text} {record}" if text else record


def plain_description(description: str) -> str:
    """The description of a version without the record."""
    return _RECORD.sub("", description)


def attached_by_settings(function: ObservedFunction) -> Callable[[str], bool]:
    """Whether earlier settings attached a layer version (its ARN) to what a function runs now.

    That is recorded in the version that runs the same, or else in the newest one.
    """
    running = function.versions_running(function.latest)
    number = running[-1] if running else max((one.number for one in function.versions), default=0)
    version = function.version(number)
    match = _RECORD.search(version.description) if version is not None else None
    recorded = {*match[1].split()} if match is not None else set()
    place = [function.region, function.account]

    def is_attached(arn: str) -> bool:
        layer = layer_of_arn(arn)
        parts = layer.split(":")
        names = {layer, *(parts[-1:] if parts[3:5] == place else ())}
        return bool(recorded & {_digest(name) for name in names})

    return is_attached


def _digest(layer: str) -> str:
    return hashlib.sha256(layer.encode()).hexdigest()[:8]
