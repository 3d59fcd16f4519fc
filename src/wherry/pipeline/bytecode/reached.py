"""The modules of a package that its handler reaches, by the static walk over imports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.compose.model import own_owners
from wherry.contents.services import SDKS
from wherry.pipeline.own_imports import imports_key
from wherry.store.memo import Memo

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wherry.compose.model import Package
    from wherry.contents.read import Contents
    from wherry.context import Context

__all__ = ["reached_places", "reached_services"]

# By place on Lambda: 0 for what is loaded for certain, 1 for what may be, 2 for what calls of functions load.
_MEMO: Memo[dict[str, int]] = Memo("reached", dict, dict)
# By distribution: the services that it names, and an empty text where it does not tell one.
_SERVICES: Memo[dict[str, list[str]]] = Memo("reached", dict, dict)


def reached_places(packages: Sequence[Package], label: str, context: Context) -> Mapping[str, int]:
    """The places on Lambda of source files: 0 where init loads them for certain, 1 where it may, 2 where calls of functions do.

    Args:
        packages: a function's and those of its layers; or a layer's, of which all top-level modules are loaded.
        label: a name for the project's own files that stays the same when they change.
        context: of the run.
    """
    key = imports_key(packages, f"{label} reached, all", context)
    known = _MEMO.recall(context.store, key)
    if known is not None:
        return known
    contents = _contents(packages, label, context)
    places = {
        each.module.file.place: int(each.when)
        for each in contents.graph.reached.values()
        if each.module.kind == "source" and each.module.file is not None
    }
    contents.remember()
    _MEMO.remember(context.store, key, places)
    return places


def reached_services(
    packages: Sequence[Package], label: str, context: Context
) -> Mapping[str, Sequence[str]]:
    """The services of AWS that dependencies make clients of, in modules that are imported or may be; empty if not told.

    Arguments are as for ``reached_places``.
    """
    key = imports_key(packages, f"{label} services", context)
    known = _SERVICES.recall(context.store, key)
    if known is not None:
        return known
    contents = _contents(packages, label, context)
    services: dict[str, set[str]] = {}
    for each in contents.graph.reached.values():
        file = each.module.file
        owner = contents.owner_of(file.place) if file is not None else None
        if file is not None and owner is not None and owner not in SDKS:
            for use in contents.services(each.module):
                services.setdefault(owner, set()).add(use.service or "")
    contents.remember()
    found = {owner: sorted(names) for owner, names in sorted(services.items())}
    _SERVICES.remember(context.store, key, found)
    return found


def _contents(packages: Sequence[Package], label: str, context: Context) -> Contents:
    from wherry.contents.parts import part_of_package
    from wherry.contents.read import Contents, Options

    return Contents(
        [part_of_package(package) for package in packages],
        context.target,
        Options(
            handler=packages[0].handler, own=own_owners(packages), store=context.store, label=label
        ),
    )
