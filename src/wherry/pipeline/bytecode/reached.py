"""The modules of a package that its handler reaches, by the static walk over imports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.compose.model import own_owners
from wherry.pipeline.own_imports import imports_key
from wherry.store.memo import Memo

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wherry.compose.model import Package
    from wherry.context import Context

__all__ = ["reached_places"]

# By place on Lambda: 0 for what is loaded for certain, 1 for what may be, 2 for what calls of functions load.
_MEMO: Memo[dict[str, int]] = Memo("reached", dict, dict)


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
    from wherry.contents.parts import part_of_package
    from wherry.contents.read import Contents, Options

    contents = Contents(
        [part_of_package(package) for package in packages],
        context.target,
        Options(
            handler=packages[0].handler,
            own=own_owners(packages),
            store=context.store,
            label=label,
        ),
    )
    places = {
        each.module.file.place: int(each.when)
        for each in contents.graph.reached.values()
        if each.module.kind == "source" and each.module.file is not None
    }
    contents.remember()
    _MEMO.remember(context.store, key, places)
    return places
