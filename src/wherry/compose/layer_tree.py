"""Folders that are laid out as layers are: what Python finds is in ``python/``, and the rest beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from wherry.bundle.bundle import Bundle
from wherry.compose.stack import code_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wherry.compose.model import Distribution
    from wherry.settings.model import LayerSettings
    from wherry.target import Target

__all__ = ["LayerTrees"]


class LayerTrees:
    """Splits the code of layers with a ``root`` that is laid out as a layer; each folder once."""

    def __init__(self, target: Target) -> None:
        self._target = target
        # Others remember bundles by their ids: those of this mapping stay alive as long as the composer.
        self._known: dict[tuple[int, str], tuple[Bundle, Bundle]] = {}

    def split(
        self, chosen: Sequence[Distribution], settings: LayerSettings
    ) -> tuple[tuple[Distribution, ...], Bundle]:
        """The distributions, at the paths that imports see, and files at their paths in the layer."""
        own = next((one for one in chosen if one.own), None)
        paths = [] if own is None else [entry.path for entry in own.bundle]
        if (
            own is None
            or settings.root is None
            or "python/__init__.py" in paths
            or not any(path.startswith("python/") for path in paths)
        ):
            return tuple(chosen), Bundle()
        folder = f"{code_folder(settings.layout, self._target)}/"
        key = id(own.bundle), folder
        if key not in self._known:
            code = own.bundle.filter(lambda entry: entry.path.startswith(folder))
            moved = Bundle.of(
                entry._replace(path=entry.path.removeprefix(folder)) for entry in code
            )
            beside = own.bundle.filter(lambda entry: not entry.path.startswith(folder))
            self._known[key] = moved, beside
        moved, beside = self._known[key]
        return tuple(replace(one, bundle=moved) if one is own else one for one in chosen), beside
