"""From acquired distributions to what can be composed: distributions with their files."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from msgspec.structs import replace

from wherry.bundle.bundle import Bundle
from wherry.bundle.wheel import wheel_bundle
from wherry.compose.model import Distribution
from wherry.pipeline.acquired import Acquired, Kind
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wherry.context import Context
    from wherry.pipeline.trees import Trees
    from wherry.wheels.pinned import PinnedFile

__all__ = ["Materializer", "adapter_distributions"]


def adapter_distributions(
    files: Sequence[PinnedFile], context: Context
) -> tuple[Distribution, ...]:
    """The distributions of wheels that Wherry adds.

    Raises:
        FetchError: they cannot be fetched.
    """
    from wherry.wheels.pinned import pinned_bundles

    return tuple(
        Distribution(name=file.name, version=file.version, bundle=bundle)
        for file, bundle in zip(files, pinned_bundles(files, context), strict=True)
    )


class Materializer(Struct, frozen=True, dict=True):
    """Turns descriptions into distributions; what several packages need is read once."""

    context: Context

    @cached_property
    def _known(self) -> dict[Acquired, tuple[Distribution, ...]]:
        return {}

    def distributions(
        self, acquired: Sequence[Acquired], trees: Trees, *, fresh: bool
    ) -> tuple[Distribution, ...] | None:
        """The distributions with their files; None when something has left the store and must be acquired anew.

        Args:
            acquired: the distributions, as ``acquire`` returns them.
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
        return _with_own_name(
            [distribution for one in acquired for distribution in made.get(one) or self._known[one]]
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


def _with_own_name(distributions: Sequence[Distribution]) -> tuple[Distribution, ...]:
    """The distributions; the project's own code is called ``project`` where a dependency has the folder's name."""
    others = {each.name for each in distributions if not each.own}
    return tuple(
        replace(
            each,
            name="project",
            bundle=Bundle.of(entry._replace(owner="project") for entry in each.bundle),
        )
        if each.own and each.name in others
        else each
        for each in distributions
    )
