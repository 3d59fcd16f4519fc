"""The handler of a function, and the files that a web application needs to have one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from wherry.bundle.bundle import Bundle
from wherry.compose.model import Distribution
from wherry.errors import SettingsError
from wherry.settings.model import FunctionSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wherry.bundle.entry import Entry
    from wherry.compose.code import Code
    from wherry.compose.model import Supplies
    from wherry.compose.recipe import Recipe
    from wherry.compose.stack import Stack
    from wherry.target import Target

__all__ = ["EntryPoint", "entry_point"]


class EntryPoint(NamedTuple):
    """The handler of a function, if any, the distributions that it needs, and notes for the user."""

    handler: str | None = None
    added: Sequence[Distribution] = ()
    notes: Sequence[str] = ()


def entry_point(
    recipe: Recipe, code: Code, stack: Stack, supplies: Supplies, target: Target
) -> EntryPoint:
    """The entry point of a function with this code and these layers.

    Raises:
        SettingsError: the handler or application does not exist, or its interface is unknown.
    """
    settings = recipe.settings
    if not isinstance(settings, FunctionSettings) or not (settings.app or settings.handler):
        return EntryPoint()
    from wherry.shims import Package, check_handler, plan_shim

    def find(path: str) -> Entry | None:
        return code.find(path) or stack.find(path)

    def lookup(path: str) -> bytes | None:
        entry = find(path)
        return None if entry is None else supplies.read(entry.payload)

    package = Package(
        lookup=lookup,
        paths=lambda: [*(entry.path for entry in code.bundle), *stack.paths()],
        # The files of layers of others are not known.
        complete=not any(layer.startswith("arn:") for layer in recipe.layers),
    )
    try:
        if settings.handler:
            return EntryPoint(check_handler(settings.handler, package))
        assert settings.app is not None  # noqa: S101
        shim = plan_shim(
            settings.app,
            package,
            interface=settings.interface,
            distributions={
                dist.name: dist.version or ""
                for dist in supplies.distributions[recipe.supply]
                if any(find(entry.path) for entry in dist.bundle)
            },
            target=target,
        )
    except SettingsError as error:
        raise SettingsError(
            f"{recipe.table}: {error.message}", where=error.where, hint=error.hint
        ) from error
    added = list(supplies.adapters(shim.files)) if shim.files and supplies.adapters else []
    owner = shim.entries[0].owner
    added.append(Distribution(name=owner, version=None, bundle=Bundle.of(shim.entries)))
    return EntryPoint(shim.handler, added, [f"{recipe.table}: {note}" for note in shim.notes])
