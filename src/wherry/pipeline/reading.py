"""Reading the source trees, extra paths and files for commands that a build depends on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import field

from wherry.errors import WherryError
from wherry.pipeline.trees import Trees
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wherry.bundle.bundle import Bundle
    from wherry.compose.recipe import SupplyKey
    from wherry.context import Context
    from wherry.pipeline.acquired import Acquired
    from wherry.pipeline.memory import Supplied
    from wherry.pipeline.request import BuildRequest
    from wherry.settings.model import ExtraPath

__all__ = ["ReadTrees", "read_trees", "shipped"]


class ReadTrees(Struct):
    """The content of source trees and extra paths, as it was read.

    Attributes:
        digests: of each; None where only a build can tell.
        extra: the files of extra paths.
    """

    digests: dict[str, str | None] = field(default_factory=dict)
    extra: dict[ExtraPath, Bundle] = field(default_factory=dict)


def read_trees(request: BuildRequest, supplied: Supplied, context: Context) -> ReadTrees:
    """Read all trees: what they hold now, to be compared with what they held and will hold.

    Args:
        request: what was asked.
        supplied: what packages choose from.
        context: of the run.
    """
    every, read = Trees.of(request), ReadTrees()
    known: set[object] = set()
    for key, acquired in supplied.acquired.items():
        ships = shipped(request, key, acquired)
        new = [one for one in ships if one.is_tree and one not in known]
        known.update(new)
        read.digests |= every.beside(acquired).digests(new, request.root, context)
    for extra in request.extra_paths:
        tree = every.extra_path(extra, request.root)
        read.extra[extra] = tree.bundle
        read.digests[f"extra:{extra.path}:{extra.to}"] = tree.digest
    if request.has_hooks:
        read.digests["hooks"] = _hooks_digest(request, every)
    return read


def _hooks_digest(request: BuildRequest, trees: Trees) -> str | None:
    """Of the files that commands may read; None where it cannot be told whether they are the same."""
    hooks = request.settings.hooks
    if hooks.always:
        return None
    try:
        return trees.hook_inputs(hooks.inputs, request.root).digest
    except WherryError:
        # A link that leads nowhere, say: it is nothing that ships.
        return None


def shipped(
    request: BuildRequest, key: SupplyKey, acquired: Sequence[Acquired]
) -> Sequence[Acquired]:
    """The part of a supply that packages may ship: the project is not even built where none wants it."""
    return acquired if request.ships_project(key) else [one for one in acquired if not one.own]
