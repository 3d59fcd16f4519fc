"""Dependencies without a wheel: from an sdist, another archive, a commit or a folder to a bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.bundle.canonical import wheel_memo
from wherry.errors import BuildError
from wherry.sources.declaration import normalized
from wherry.sources.project import Built

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from wherry.builders import Source
    from wherry.bundle.canonical import Canonical
    from wherry.context import Context
    from wherry.store import Store
    from wherry.target import Target
    from wherry.wheels.select import Selected

__all__ = ["dependency_bundles", "prove_dependency", "recall_dependency"]

# Wheels that were built, by their digest.
_BY_DIGEST = "dependencies"


def dependency_bundles(selected: Sequence[Selected], base: Path, context: Context) -> list[Built]:
    """The files of locked distributions that are not wheels on an index.

    Sdists, archives and commits never change, so that each is built once. Folders are read anew each time, as the
    project itself is. An archive that is a wheel is taken as it is. Their hashes are verified; the lock's relative
    paths start from ``base``.

    Raises:
        FetchError: the source cannot be fetched, or is not the one that the lock records.
        ArchiveError: an archive is damaged or unsafe.
        BuildError: it cannot be built, does not run on the target, or is another distribution than
            the lock says.
        SelectionError: a wheel that the lock names by its address does not run on the target.
        ContainerError: a container is needed, and there is none.
        ProjectError, ToolError, StoreError: as ``project_bundle``.
    """
    from wherry.sources.host import HostBuilder
    from wherry.sources.locked_source import LockedSource

    bundles: dict[int, Built] = {}
    sources: dict[int, Source] = {}
    for number, distribution in enumerate(selected):
        taken = LockedSource(distribution, base, context).take()
        if isinstance(taken, Built):
            bundles[number] = taken
        else:
            sources[number] = taken
    if sources:
        host = HostBuilder(context=context)
        wheels = context.builders.wheels(list(sources.values()), host=host)
        for number, wheel in zip(sources, wheels, strict=True):
            wheel_memo(_BY_DIGEST, context.store).remember(context.store, wheel.digest, wheel)
            bundles[number] = _as_built(wheel)
    for number, distribution in enumerate(selected):
        _require_same(distribution, bundles[number])
    return [bundles[number] for number in range(len(selected))]


def recall_dependency(digest: str, store: Store) -> Built | None:
    """The dependency that was built with this digest, unless of a folder; None when it left the store."""
    wheel = wheel_memo(_BY_DIGEST, store).recall(store, digest)
    return None if wheel is None else _as_built(wheel)


def prove_dependency(digest: str, target: Target, context: Context) -> None:
    """Refuse the dependency that was built with this digest where it does not run on another target.

    Raises:
        IncompatibleError: it does not.
    """
    from wherry.sources.host import prove

    wheel = wheel_memo(_BY_DIGEST, context.store).recall(context.store, digest)
    if wheel is not None:
        prove(wheel, target, context)


def _as_built(wheel: Canonical) -> Built:
    name, version = wheel.filename.split("-")[:2]
    owner = normalized(name)
    return Built(bundle=wheel.bundle(owner=owner), name=owner, version=version, digest=wheel.digest)


def _require_same(selected: Selected, built: Built) -> None:
    from packaging.version import InvalidVersion, Version

    if built.name != selected.name:
        raise BuildError(
            f"the source of `{selected.name}` is of another distribution",
            where=[f"what was built is `{built.name}`"],
            hint="lock again",
        )
    if selected.version is None or built.version is None:
        return
    try:
        same = Version(selected.version) == Version(built.version)
    except InvalidVersion:
        same = selected.version == built.version
    if not same:
        raise BuildError(
            f"the source of `{selected.name}` is of another version",
            where=[f"the lock says {selected.version}", f"what was built is {built.version}"],
            hint="lock again",
        )
