"""Dependencies without a wheel: from an sdist, another archive, a commit or a folder to a bundle."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

from wherry.builders import Source
from wherry.bundle.canonical import wheel_memo
from wherry.errors import BuildError, SelectionError
from wherry.sources.declaration import normalized
from wherry.sources.project import Built, TreeOptions, project_bundle
from wherry.sources.source_tree import subfolder
from wherry.store.temporary import temporary_folder
from wherry.untrusted import url_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from packaging.pylock import PackageArchive, PackageSdist, PackageVcs

    from wherry.builders import Tree
    from wherry.bundle.canonical import Canonical
    from wherry.context import Context
    from wherry.store import Store, StoredFile
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

    bundles: dict[int, Built] = {}
    sources: dict[int, Source] = {}
    for number, distribution in enumerate(selected):
        taken = _LockedSource(distribution, base, context).take()
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


class _LockedSource:
    """The source of one distribution of a lock."""

    def __init__(self, selected: Selected, base: Path, context: Context) -> None:
        """Take the distribution, and the folder that the lock's relative paths start from."""
        self._selected = selected
        self._base = base
        self._context = context

    def take(self) -> Built | Source:
        """The bundle, where nothing is left to build, or the tree to build; errors as ``dependency_bundles``."""
        from packaging.pylock import PackageDirectory, PackageVcs, PackageWheel

        source = self._selected.source
        match source:
            case PackageDirectory():
                folder = _below(self._base / source.path, source.subdirectory, self._selected.name)
                return project_bundle(folder, TreeOptions(must_build=True), self._context)
            case PackageVcs():
                return self._from_commit(source)
            case PackageWheel():
                raise TypeError(source)  # these are fetched, and need no building
            case _:
                return self._from_archive(source)

    def _source(self, identity: list[object], tree: Tree) -> Source:
        return Source(
            name=self._selected.name,
            identity=identity,
            place=json.dumps(identity),
            tree=tree,
            compiled=self._selected.compiled,
        )

    def _from_commit(self, source: PackageVcs) -> Source:
        from wherry.indexes.redact import without_credentials
        from wherry.tools.git import check_out

        name, offline = self._selected.name, self._context.offline
        if source.type != "git":
            raise BuildError(
                f"`{name}` cannot be built",
                where=[f"its source is in `{source.type}`; git is the only one that is known"],
            )
        url = (source.url or str(self._base / (source.path or ""))).removeprefix("git+")

        @contextmanager
        def tree() -> Iterator[Path]:
            with temporary_folder("source") as scratch:
                into = scratch / name
                check_out(url, source.commit_id, into, label=name, offline=offline)
                yield _below(into, source.subdirectory, name)

        # A new password does not make another tree.
        known = without_credentials(url)
        return self._source(["git", known, source.commit_id, source.subdirectory], tree)

    def _from_archive(self, source: PackageSdist | PackageArchive) -> Built | Source:
        from wherry.sources.unpack import unpack

        subdirectory: str | None = getattr(source, "subdirectory", None)
        filename = _filename(source)
        if filename.endswith(".whl"):
            return self._as_wheel(self._fetched(source, filename), filename)

        @contextmanager
        def tree() -> Iterator[Path]:
            stored = self._fetched(source, filename)
            with temporary_folder("source") as scratch:
                # Messages name it where the archive has no folder of its own.
                into = scratch / self._selected.name
                into.mkdir()
                folder = unpack(stored.path, filename=filename, into=into)
                yield _below(folder, subdirectory, self._selected.name)

        # The store may have what was built of another file, which lay in the same place.
        if source.path is not None or (source.url or "")[:5].lower() == "file:":
            self._fetched(source, filename)
        hashes = sorted((name, digest.lower()) for name, digest in source.hashes.items())
        return self._source(["archive", hashes, subdirectory], tree)

    def _as_wheel(self, stored: StoredFile, filename: str) -> Built:
        from packaging.utils import InvalidWheelFilename, parse_wheel_filename

        from wherry.bundle.wheel import wheel_bundle

        target = self._context.target
        try:
            name, version, _, tags = parse_wheel_filename(filename)
        except InvalidWheelFilename as error:
            raise SelectionError(
                f"`{filename}` is not the name of a wheel", where=[str(error)]
            ) from error
        if tags.isdisjoint(target.tags):
            raise SelectionError(
                f"`{filename}` does not run on {target}",
                where=["its tags are " + ", ".join(sorted(map(str, tags)))],
                hint="lock a wheel for the target",
            )
        bundle = wheel_bundle(stored, filename=filename, owner=name, store=self._context.store)
        return Built(bundle=bundle, name=name, version=str(version), digest=stored.sha256)

    def _fetched(self, source: PackageSdist | PackageArchive, filename: str) -> StoredFile:
        from wherry.wheels.fetch import RemoteFile, fetch

        url = source.url or (self._base / (source.path or "")).absolute().as_uri()
        file = RemoteFile(
            filename=filename,
            url=url,
            hashes=source.hashes,
            size=source.size,
            project=self._selected.name,
        )
        return fetch([file], self._context)[0]


def _filename(source: PackageSdist | PackageArchive) -> str:
    name: str | None = getattr(source, "name", None)
    if name:
        return name
    place = source.path or url_path(source.url or "")
    return place.replace("\\", "/").rpartition("/")[2]


def _below(folder: Path, subdirectory: str | None, name: str) -> Path:
    place = subfolder(folder, subdirectory)
    if place is None:
        raise BuildError(
            f"`{name}` cannot be built",
            where=[f"`{subdirectory or folder}` is not a folder of its source"],
            hint="lock again with a `subdirectory` that lies inside the source"
            if subdirectory
            else None,
        )
    return place
