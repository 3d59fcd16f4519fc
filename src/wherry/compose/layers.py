"""The layers that were composed, and what functions hold in addition to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.compose.code import side_by_side
from wherry.compose.stack import Rest, Stack
from wherry.events import Warned

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from wherry.bundle.bundle import Bundle
    from wherry.compose.code import Code
    from wherry.compose.model import Package
    from wherry.target import Target

__all__ = ["ComposedLayers", "rest_warnings"]


class ComposedLayers:
    """Layers by name. What functions with the same layers share is made once."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._layers: dict[str, Package] = {}
        # The objects behind these ids are kept alive by these mappings.
        self._stacks: dict[tuple[str, ...], Stack] = {}
        self._rests: dict[tuple[int, tuple[str, ...]], Rest] = {}
        self._joined: dict[tuple[int, ...], Bundle] = {}

    def add(self, layer: Package) -> None:
        """Add a layer; those that it depends on were added before."""
        self._layers[layer.name] = layer

    def written(self, names: Iterable[str]) -> tuple[str, ...]:
        """The names without those of empty layers, which are not written."""
        return tuple(name for name in names if name.startswith("arn:") or name in self._layers)

    def held(self, names: Iterable[str]) -> dict[str, str]:
        """The names of the distributions that these layers hold, with the layer of each."""
        return {
            distribution.name: name
            for name in names
            if name in self._layers
            for distribution in self._layers[name].distributions
        }

    def stack(self, names: tuple[str, ...]) -> Stack:
        """These layers as Lambda unpacks them."""
        if names not in self._stacks:
            self._stacks[names] = Stack(
                (self._layers[name].bundle for name in names if name in self._layers), self._target
            )
        return self._stacks[names]

    def rest(self, code: Code, names: tuple[str, ...]) -> Rest:
        """The code that these layers do not hold."""
        rests = []
        for part in code.parts:
            key = id(part), names
            if key not in self._rests:
                self._rests[key] = self.stack(names).rest(part.bundle)
            rests.append(self._rests[key])
        return Rest(
            self._join([rest.bundle for rest in rests]),
            tuple(unit for rest in rests for unit in rest.whole),
            tuple(path for rest in rests for path in rest.hidden),
        )

    def _join(self, bundles: Sequence[Bundle]) -> Bundle:
        # Packages with the same content share one bundle, which is written once and copied.
        key = tuple(id(bundle) for bundle in bundles)
        if key not in self._joined:
            self._joined[key] = side_by_side(bundles)
        return self._joined[key]


def rest_warnings(rest: Rest, function: str, layers: Sequence[str]) -> Iterator[Warned]:
    """Warnings about files that a function and its layers do not share well."""
    names = ", ".join(f"`{layer}`" for layer in layers if not layer.startswith("arn:"))
    for unit in rest.whole:
        yield Warned(
            text=f"function `{function}` repeats all of `{unit}`, of which {names} holds another part or "
            "version",
            hint="Python imports a package from one place only; leave the same files out of both, with "
            "`exclude-files`, or put all of it into the layer",
        )
    for path in rest.hidden[:1]:
        yield Warned(
            text=f"function `{function}` holds `{path}`, which cannot be imported: its package is in "
            f"{names}",
            hint="put all files of a package into one place",
        )
