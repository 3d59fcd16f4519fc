"""Applications within an application of AWS SAM: one project, whose folders are those of all its templates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from wherry.settings.foreign.model import Description, commonest
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from wherry.settings.foreign.model import ForeignFunction

__all__ = ["Nested", "combine"]


class Nested(Struct, frozen=True, kw_only=True):
    """An application within another.

    Attributes:
        name: its name in the outer template.
        inside: the functions and layers of its template.
    """

    name: str
    inside: Description


def combine(
    path: Path,
    own: Description | None,
    nested: Sequence[Nested],
    *,
    warnings: tuple[str, ...],
) -> Description:
    """The functions and layers of a template and of the applications that it nests.

    Names stay as they are; one that is taken gets the application's name before it.
    """
    outer = own or Description(tool="AWS SAM", path=path)
    functions, layers = list(outer.functions), list(outer.layers)
    for each in nested:
        taken = {one.name for one in functions} | {one.name for one in layers}
        names = {
            name: f"{each.name}-{name}" if name in taken else name
            for name in (
                *(one.name for one in each.inside.functions),
                *(one.name for one in each.inside.layers),
            )
        }
        functions += [_function(one, names) for one in each.inside.functions]
        layers += [replace(one, name=names[one.name]) for one in each.inside.layers]
    told = [outer, *(each.inside for each in nested)]
    return replace(
        outer,
        functions=tuple(functions),
        layers=tuple(layers),
        runtime=commonest(function.runtime for function in functions),
        architecture=commonest(function.architecture for function in functions),
        notes=tuple(note for each in told for note in each.notes),
        warnings=tuple(
            dict.fromkeys([*(text for each in told for text in each.warnings), *warnings])
        ),
    )


def _function(function: ForeignFunction, names: Mapping[str, str]) -> ForeignFunction:
    settings = dict(function.settings)
    if "layers" in settings:
        settings["layers"] = [names.get(layer, layer) for layer in settings["layers"]]
    return replace(function, name=names[function.name], settings=settings)
