"""From what is at hand to what can be composed: distributions with their files."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from wherry.bundle.wheel import wheel_bundle
from wherry.compose.model import Distribution
from wherry.pipeline.acquired import Acquired, Kind, relative

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from wherry.context import Context
    from wherry.sources.project import TreeOptions
    from wherry.wheels.pinned import PinnedFile

__all__ = ["Materializer", "Trees", "adapter_distributions"]


def adapter_distributions(
    files: Sequence[PinnedFile], context: Context
) -> tuple[Distribution, ...]:
    """The distributions of wheels that Wherry adds.

    Raises:
        FetchError: they cannot be fetched.
    """
    from wherry.wheels.pinned import fetch_pinned

    return tuple(
        Distribution(
            name=file.name,
            version=file.version,
            bundle=wheel_bundle(
                wheel, filename=file.filename, owner=file.name, store=context.store
            ),
        )
        for file, wheel in zip(files, fetch_pinned(files, context), strict=True)
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Trees:
    """How source trees are read.

    Attributes:
        include: gitignore patterns of the project's own files that ship besides.
        exclude: gitignore patterns of those that do not.
        skip: files and folders that are no part of the project: where packages are written to, and path
            dependencies that lie in the project's folder, which are packaged as what they are.
    """

    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    skip: Sequence[Path] = ()

    def beside(self, acquired: Iterable[Acquired]) -> Trees:
        """The same, with the folders of these dependencies left out of the project's."""
        folders = (one.folder for one in acquired if one.is_tree and not one.own)
        return replace(self, skip=(*self.skip, *folders))

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
        """What a tree holds now."""
        if tree.kind is Kind.INSTALLED:
            from wherry.sources.installed.folder import read_installed

            installed = read_installed(tree.folder, context)
            return tuple(
                Distribution(name=one.name, version=one.version, bundle=one.bundle)
                for one in installed.distributions
            )
        from wherry.sources.project import project_bundle

        built = project_bundle(tree.folder, self._options(tree), context)
        return (
            Distribution(name=built.name, version=built.version, bundle=built.bundle, own=tree.own),
        )

    def _digest(self, tree: Acquired, context: Context) -> str | None:
        if tree.kind is Kind.INSTALLED:
            from wherry.sources.installed.folder import read_installed

            return read_installed(tree.folder, context).digest
        from wherry.sources.project import project_digest

        return project_digest(tree.folder, self._options(tree), context)

    def own_options(self) -> TreeOptions:
        """How the tree of the project itself is read."""
        from wherry.sources.project import TreeOptions

        return TreeOptions(
            include=tuple(self.include), exclude=tuple(self.exclude), skip=tuple(self.skip)
        )

    def _options(self, tree: Acquired) -> TreeOptions:
        from wherry.sources.project import TreeOptions

        return self.own_options() if tree.own else TreeOptions(must_build=True)


@dataclass(frozen=True, slots=True)
class Materializer:
    """Turns descriptions into distributions; what several packages need is read once."""

    context: Context
    _known: dict[Acquired, tuple[Distribution, ...]] = field(default_factory=dict, init=False)

    def distributions(
        self, acquired: Sequence[Acquired], trees: Trees, *, fresh: bool
    ) -> tuple[Distribution, ...] | None:
        """The distributions with their files; None when something has left the store and must be acquired anew.

        Args:
            acquired: what is at hand.
            trees: how source trees are read.
            fresh: whether wheels may be among it that were never examined: that means decompressing them,
                and is shared out among the processors.

        Raises:
            ArchiveError, EntryPathError: a wheel is unsound.
            BuildError: a folder cannot be built.
        """
        new = [one for one in acquired if one not in self._known]
        if fresh:
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor() as pool:
                wheels = {one: pool.submit(self._wheel, one) for one in new if not one.is_tree}
                # Builds stay in this thread, where Ctrl-C reaches them and ends their backends.
                found = {one: trees.distributions(one, self.context) for one in new if one.is_tree}
                made = found | {one: wheel.result() for one, wheel in wheels.items()}
        else:
            made = {
                one: trees.distributions(one, self.context) if one.is_tree else self._wheel(one)
                for one in new
            }
        if any(not distributions for one, distributions in made.items() if not one.is_tree):
            return None
        # The project itself depends on how its tree is read, which may be another way for another package.
        self._known.update({one: each for one, each in made.items() if not one.own})
        return tuple(
            distribution for one in acquired for distribution in made.get(one) or self._known[one]
        )

    def _wheel(self, one: Acquired) -> tuple[Distribution, ...]:
        """The one distribution of a wheel; none where it has left the store."""
        store = self.context.store
        if one.kind is Kind.BUILT:
            from wherry.sources.dependency import recall_dependency

            built = recall_dependency(one.sha256, store)
            if built is None:
                return ()
            return (Distribution(name=built.name, version=built.version, bundle=built.bundle),)
        stored = store.find_by({"sha256": one.sha256})
        if stored is None:
            return ()
        bundle = wheel_bundle(stored, filename=one.filename, owner=one.name, store=store)
        return (Distribution(name=one.name, version=one.version, bundle=bundle),)
