"""From what is at hand to what can be composed: distributions with their files."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wherry.acquire import Acquired, Kind
from wherry.bundle.wheel import wheel_bundle
from wherry.compose.model import Distribution

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wherry.events import Reporter
    from wherry.indexes.access import Access
    from wherry.sources.workshop import Workshop
    from wherry.target import Target
    from wherry.wheels.pinned import PinnedFile
    from wherry.wheels.store import Store

__all__ = ["Materializer", "Trees", "tree_key"]


def tree_key(each: Acquired) -> str:
    """What a source tree goes by: the same folder is packaged otherwise as a dependency than as the project."""
    return f"{each.kind}:{'own' if each.own else 'dependency'}:{each.root}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Materializer:
    """Turns descriptions into distributions; what several packages need is read once.

    Attributes:
        target: what they are for.
        store: where files are.
        offline: use no network.
        reporter: hears of builds.
        access: what opens which index; None for what the environment says.
        workshop: who builds what; None for this machine alone.
    """

    target: Target
    store: Store
    offline: bool
    reporter: Reporter
    access: Access | None = None
    workshop: Workshop | None = None
    _known: dict[Acquired, tuple[Distribution, ...]] = field(default_factory=dict, init=False)

    def distributions(
        self, acquired: Iterable[Acquired], *, trees: Trees, fresh: bool
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
        wanted = list(acquired)
        new = [each for each in wanted if each not in self._known]
        if fresh:
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor() as pool:
                wheels = [
                    None if _is_tree(each) else pool.submit(self._one, each, trees) for each in new
                ]
                # Builds stay in this thread, where Ctrl-C reaches them and ends their backends.
                folders = [self._one(each, trees) if _is_tree(each) else None for each in new]
                made = [
                    folder if wheel is None else wheel.result()
                    for wheel, folder in zip(wheels, folders, strict=True)
                ]
        else:
            made = [self._one(each, trees) for each in new]
        found = {each: one for each, one in zip(new, made, strict=True) if one is not None}
        # The project itself depends on how its tree is read, which may be another way for another package.
        self._known.update({each: one for each, one in found.items() if not each.own})
        found |= {each: self._known[each] for each in wanted if each in self._known}
        if any(each not in found for each in wanted):
            return None
        return tuple(one for each in wanted for one in found[each])

    def pinned(self, files: Sequence[PinnedFile]) -> tuple[Distribution, ...]:
        """The distributions of wheels that Wherry asks for.

        Raises:
            FetchError: they cannot be fetched.
        """
        from wherry.wheels.pinned import fetch_pinned

        stored = fetch_pinned(
            files, self.store, offline=self.offline, access=self.access, reporter=self.reporter
        )
        return tuple(
            Distribution(
                name=file.name,
                version=file.version,
                bundle=wheel_bundle(
                    at_hand, filename=file.filename, owner=file.name, store=self.store
                ),
            )
            for file, at_hand in zip(files, stored, strict=True)
        )

    def _one(self, each: Acquired, trees: Trees) -> tuple[Distribution, ...] | None:
        match each.kind:
            case Kind.WHEEL:
                return _of_wheel(each, self.store)
            case Kind.BUILT:
                return _of_built(each, self.store)
            case Kind.FOLDER:
                return trees.distribution(each, self)
            case Kind.INSTALLED:
                return _of_installed(each, self)


def _is_tree(each: Acquired) -> bool:
    return each.kind in {Kind.FOLDER, Kind.INSTALLED}


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
        folders = (Path(one.root) for one in acquired if _is_tree(one) and not one.own)
        return replace(self, skip=(*self.skip, *folders))

    def digests(
        self, acquired: Iterable[Acquired], materializer: Materializer
    ) -> dict[str, str | None]:
        """The digest of each tree, by ``tree_key``; None where only a build can tell."""
        return {
            tree_key(each): self._digest(each, materializer) for each in acquired if _is_tree(each)
        }

    def _digest(self, each: Acquired, materializer: Materializer) -> str | None:
        if each.kind is Kind.INSTALLED:
            from wherry.sources.installed import read_installed

            return read_installed(
                Path(each.root),
                target=materializer.target,
                store=materializer.store,
                offline=materializer.offline,
                access=materializer.access,
                reporter=materializer.reporter,
                workshop=materializer.workshop,
            ).digest
        from wherry.sources.project import project_digest

        return project_digest(
            Path(each.root),
            store=materializer.store,
            access=materializer.access,
            workshop=materializer.workshop,
            **self._options(each),
        )

    def distribution(self, each: Acquired, materializer: Materializer) -> tuple[Distribution, ...]:
        """What a tree holds now."""
        from wherry.sources.project import project_bundle

        built = project_bundle(
            Path(each.root),
            target=materializer.target,
            store=materializer.store,
            offline=materializer.offline,
            access=materializer.access,
            reporter=materializer.reporter,
            workshop=materializer.workshop,
            **self._options(each),
        )
        return (
            Distribution(name=built.name, version=built.version, bundle=built.bundle, own=each.own),
        )

    def _options(self, each: Acquired) -> dict[str, Any]:
        if each.own:
            return {"include": self.include, "exclude": self.exclude, "skip": self.skip}
        return {"must_build": True}


def _of_wheel(each: Acquired, store: Store) -> tuple[Distribution, ...] | None:
    stored = store.find_by({"sha256": each.sha256})
    if stored is None:
        return None
    bundle = wheel_bundle(stored, filename=each.filename, owner=each.name, store=store)
    return (Distribution(name=each.name, version=each.version, bundle=bundle),)


def _of_built(each: Acquired, store: Store) -> tuple[Distribution, ...] | None:
    from wherry.sources.dependency import recall_dependency

    built = recall_dependency(each.sha256, store=store)
    if built is None:
        return None
    return (Distribution(name=built.name, version=built.version, bundle=built.bundle),)


def _of_installed(each: Acquired, materializer: Materializer) -> tuple[Distribution, ...]:
    from wherry.sources.installed import read_installed

    installed = read_installed(
        Path(each.root),
        target=materializer.target,
        store=materializer.store,
        offline=materializer.offline,
        access=materializer.access,
        reporter=materializer.reporter,
        workshop=materializer.workshop,
    )
    return tuple(
        Distribution(name=one.name, version=one.version, bundle=one.bundle)
        for one in installed.distributions
    )
