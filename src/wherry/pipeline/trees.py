"""Source trees, extra paths and files for commands: what they hold now, as digests or as distributions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import field
from msgspec.structs import replace

from wherry.errors import WherryError
from wherry.pipeline.acquired import Kind, relative
from wherry.settings.project import DEFAULT_OUTPUT
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from wherry.bundle.bundle import Bundle
    from wherry.bundle.tree import Tree
    from wherry.compose.model import Distribution
    from wherry.compose.recipe import SupplyKey
    from wherry.context import Context
    from wherry.pipeline.acquired import Acquired
    from wherry.pipeline.memory import Supplied
    from wherry.pipeline.request import BuildRequest
    from wherry.settings.model import ExtraPath
    from wherry.sources.project import TreeOptions

__all__ = ["ReadTrees", "Trees", "read_trees", "shipped"]


class Trees(Struct, frozen=True, kw_only=True):
    """How source trees are read.

    Attributes:
        own: how the tree of the project itself is read.
    """

    own: TreeOptions

    @classmethod
    def of(cls, request: BuildRequest) -> Trees:
        """How the trees of a request are read."""
        from wherry.sources.project import TreeOptions

        settings = request.settings
        own = TreeOptions(
            include=settings.include,
            exclude=settings.exclude,
            # What is written may lie among the sources, and is not one of them.
            skip=(request.output.root.absolute(), request.root / DEFAULT_OUTPUT),
            follow_links=settings.follow_links,
            build_project=settings.build_project,
        )
        return cls(own=own)

    def beside(self, acquired: Iterable[Acquired]) -> Trees:
        """The same, with the folders and files of these dependencies left out of the project's."""
        places = (one.root or one.file for one in acquired if not one.own)
        skip = (*self.own.skip, *(place for place in places if place is not None))
        return Trees(own=replace(self.own, skip=skip))

    def digests(
        self, acquired: Iterable[Acquired], project: Path, context: Context
    ) -> dict[str, str | None]:
        """The digest of each tree, by a key that names it; None where only a build can tell.

        The same folder is packaged otherwise as a dependency than as the project.
        """
        return {
            f"{tree.kind}:{'own' if tree.own else 'dependency'}:{relative(tree.folder, project)}": (
                self._digest(tree, context)
            )
            for tree in acquired
            if tree.is_tree
        }

    def distributions(self, tree: Acquired, context: Context) -> tuple[Distribution, ...]:
        """The distributions that a tree holds now."""
        from wherry.compose.model import Distribution

        if tree.kind is Kind.INSTALLED:
            from wherry.sources.installed.folder import read_installed

            installed = read_installed(tree.folder, context)
            return tuple(
                Distribution(name=one.name, version=one.version, bundle=one.bundle)
                for one in installed.distributions
            )
        from wherry.sources.project import project_bundle

        built = project_bundle(tree.folder, self.options(tree), context)
        return (
            Distribution(name=built.name, version=built.version, bundle=built.bundle, own=tree.own),
        )

    def extra_path(self, extra: ExtraPath, project: Path) -> Tree:
        """The files of an extra path."""
        from wherry.bundle.tree import TreeRules
        from wherry.compose.model import EXTRA_PATHS
        from wherry.sources.extra_paths import read_extra_path

        rules = TreeRules(skip=self.own.skip, follow_links=self.own.follow_links)
        return read_extra_path(project, extra.path, to=extra.to, owner=EXTRA_PATHS, rules=rules)

    def hook_inputs(self, patterns: tuple[str, ...] | None, project: Path) -> Tree:
        """The files that commands read, as the settings say; all of the project's if they do not."""
        from wherry.bundle.tree import TreeRules, included_files, read_tree

        rules = TreeRules(include=patterns or (), skip=self.own.skip, everything=True)
        read = read_tree if patterns is None else included_files
        return read(project, owner="project", rules=rules)

    def _digest(self, tree: Acquired, context: Context) -> str | None:
        if tree.kind is Kind.INSTALLED:
            from wherry.sources.installed.folder import read_installed

            return read_installed(tree.folder, context).digest
        from wherry.sources.project import project_digest

        return project_digest(tree.folder, self.options(tree), context)

    def options(self, tree: Acquired) -> TreeOptions:
        """How the tree of the project or of a dependency is read."""
        from wherry.sources.project import TreeOptions

        if not tree.own:
            return TreeOptions(must_build=True)
        return replace(self.own, must_build=tree.must_build)


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
