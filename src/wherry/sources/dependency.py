"""Dependencies without a wheel: from an sdist, another archive, a commit or a folder to a bundle."""

from __future__ import annotations

import json
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from wherry.errors import BuildError, SelectionError
from wherry.events import SILENT
from wherry.sources.builder import Source
from wherry.sources.canonical import to_memo
from wherry.sources.declaration import normalized
from wherry.sources.project import Built, project_bundle

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from packaging.pylock import PackageArchive, PackageSdist, PackageVcs

    from wherry.events import Reporter
    from wherry.indexes.access import Access
    from wherry.sources.builder import Tree
    from wherry.sources.canonical import Canonical
    from wherry.sources.workshop import Workshop
    from wherry.target import Target
    from wherry.wheels.select import Selected
    from wherry.wheels.store import Store, StoredFile

__all__ = ["dependency_bundle", "dependency_bundles", "prove_dependency", "recall_dependency"]

# What was built, by its digest.
_BY_DIGEST = "dependencies"


def dependency_bundle(
    selected: Selected,
    *,
    target: Target,
    store: Store,
    base: Path,
    offline: bool = False,
    access: Access | None = None,
    reporter: Reporter = SILENT,
    workshop: Workshop | None = None,
) -> Built:
    """The files of one: see ``dependency_bundles``."""
    return dependency_bundles(
        [selected],
        target=target,
        store=store,
        base=base,
        offline=offline,
        access=access,
        reporter=reporter,
        workshop=workshop,
    )[0]


def dependency_bundles(
    selected: Sequence[Selected],
    *,
    target: Target,
    store: Store,
    base: Path,
    offline: bool = False,
    access: Access | None = None,
    reporter: Reporter = SILENT,
    workshop: Workshop | None = None,
) -> list[Built]:
    """The files of locked distributions that are no wheels on an index.

    Sdists, archives and commits never change, so that each is built once. Folders are read anew each time,
    as the project itself is. An archive that is a wheel is taken as it is.

    Args:
        selected: what the lock has. Its hashes are verified.
        target: what it must run on.
        store: where files and built wheels are kept.
        base: the folder that the lock's relative paths start from.
        offline: use no network.
        access: what opens which index; by default what the environment says.
        reporter: hears of downloads and builds.
        workshop: who builds what; by default everything is built on this machine.

    Raises:
        FetchError: the source cannot be had, or is not what the lock records.
        ArchiveError: an archive is damaged or unsafe.
        BuildError: it cannot be built, does not run on the target, or is another distribution than
            the lock says.
        SelectionError: a wheel that the lock names by its address does not run on the target.
        ContainerError: it wants a container, and none can be had.
        ProjectError, ToolError, StoreError: as ``project_bundle``.
    """
    from wherry.sources.host import HostBuilder
    from wherry.sources.workshop import workshop_here

    workshop = workshop or workshop_here(
        target, store, offline=offline, access=access, reporter=reporter
    )
    found: dict[int, Built] = {}
    sources: dict[int, Source] = {}
    for number, one in enumerate(selected):
        work = _Work(
            one,
            target,
            store,
            base,
            offline=offline,
            access=access,
            reporter=reporter,
            workshop=workshop,
        )
        taken = work.take()
        if isinstance(taken, Built):
            found[number] = taken
        else:
            sources[number] = taken
    host = HostBuilder(
        target=target, store=store, offline=offline, access=access, reporter=reporter
    )
    wheels = workshop.wheels(list(sources.values()), host=host) if sources else []
    for number, wheel in zip(sources, wheels, strict=True):
        store.remember(_BY_DIGEST, wheel.digest, to_memo(wheel))
        found[number] = _as_built(wheel)
    for number, one in enumerate(selected):
        _require_same(one, found[number])
    return [found[number] for number in range(len(selected))]


def recall_dependency(digest: str, *, store: Store) -> Built | None:
    """What ``dependency_bundle`` gave with this digest, but for a folder; None when it left the store."""
    from wherry.sources.canonical import from_memo

    memo = store.recall(_BY_DIGEST, digest)
    wheel = None if memo is None else from_memo(memo, store)
    return None if wheel is None else _as_built(wheel)


def prove_dependency(digest: str, target: Target, *, store: Store) -> None:
    """Refuse what ``dependency_bundle`` gave with this digest where it does not run on another target.

    Raises:
        IncompatibleError: it does not.
    """
    from wherry.sources.canonical import from_memo
    from wherry.sources.host import prove

    memo = store.recall(_BY_DIGEST, digest)
    wheel = None if memo is None else from_memo(memo, store)
    if wheel is not None:
        prove(wheel, target)


def _as_built(wheel: Canonical) -> Built:
    name, version = wheel.filename.split("-")[:2]
    owner = normalized(name)
    return Built(bundle=wheel.bundle(owner=owner), name=owner, version=version, digest=wheel.digest)


class _Work:
    def __init__(
        self,
        selected: Selected,
        target: Target,
        store: Store,
        base: Path,
        *,
        offline: bool,
        access: Access | None,
        reporter: Reporter,
        workshop: Workshop,
    ) -> None:
        self._selected = selected
        self._target = target
        self._store = store
        self._base = base
        self._offline = offline
        self._access = access
        self._reporter = reporter
        self._workshop = workshop

    def take(self) -> Built | Source:
        """What is there already, or the tree to build."""
        from packaging.pylock import PackageDirectory, PackageVcs, PackageWheel

        source = self._selected.source
        match source:
            case PackageDirectory():
                return project_bundle(
                    _below(self._base / source.path, source.subdirectory, self._selected.name),
                    target=self._target,
                    store=self._store,
                    offline=self._offline,
                    access=self._access,
                    reporter=self._reporter,
                    must_build=True,
                    workshop=self._workshop,
                )
            case PackageVcs():
                return self.from_commit(source)
            case PackageWheel():
                raise TypeError(source)  # these are fetched, and need no building
            case _:
                return self.from_archive(source)

    def _source(self, identity: list[object], tree: Tree) -> Source:
        return Source(
            name=self._selected.name,
            identity=identity,
            place=json.dumps(identity),
            tree=tree,
            compiled=self._selected.compiled,
        )

    def from_commit(self, source: PackageVcs) -> Source:
        from wherry.lock.redact import without_credentials
        from wherry.sources.git import check_out

        name = self._selected.name
        if source.type != "git":
            raise BuildError(
                f"`{name}` cannot be built",
                where=[f"its source is in `{source.type}`; git is the only one that is known"],
            )
        url = (source.url or str(self._base / (source.path or ""))).removeprefix("git+")

        @contextmanager
        def tree() -> Iterator[Path]:
            with _scratch() as scratch:
                into = scratch / name
                check_out(url, source.commit_id, into, label=name, offline=self._offline)
                yield _below(into, source.subdirectory, name)

        # A new password is no other tree.
        known = without_credentials(url)
        return self._source(["git", known, source.commit_id, source.subdirectory], tree)

    def from_archive(self, source: PackageSdist | PackageArchive) -> Built | Source:
        from wherry.sources.unpack import unpack

        subdirectory: str | None = getattr(source, "subdirectory", None)
        filename = _filename(source)
        if filename.endswith(".whl"):
            return self._as_it_is(self._fetched(source, filename), filename)

        @contextmanager
        def tree() -> Iterator[Path]:
            stored = self._fetched(source, filename)
            with _scratch() as scratch:
                folder = unpack(stored.path, filename=filename, into=scratch)
                yield _below(folder, subdirectory, self._selected.name)

        hashes = sorted((name, digest.lower()) for name, digest in source.hashes.items())
        return self._source(["archive", hashes, subdirectory], tree)

    def _as_it_is(self, stored: StoredFile, filename: str) -> Built:
        from packaging.utils import InvalidWheelFilename, parse_wheel_filename

        from wherry.bundle.wheel import wheel_bundle

        try:
            name, version, _, tags = parse_wheel_filename(filename)
        except InvalidWheelFilename as error:
            raise SelectionError(
                f"`{filename}` is no name of a wheel", where=[str(error)]
            ) from error
        if tags.isdisjoint(self._target.tags):
            raise SelectionError(
                f"`{filename}` does not run on {self._target}",
                where=["its tags are " + ", ".join(sorted(map(str, tags)))],
                hint="lock a wheel for the target",
            )
        bundle = wheel_bundle(stored, filename=filename, owner=name, store=self._store)
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
        return fetch(
            [file],
            self._store,
            offline=self._offline,
            access=self._access,
            reporter=self._reporter,
        )[0]


@contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="wherry-source-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def _filename(source: PackageSdist | PackageArchive) -> str:
    name: str | None = getattr(source, "name", None)
    if name:
        return name
    place = source.path or unquote(urlsplit(source.url or "").path)
    return place.replace("\\", "/").rpartition("/")[2]


def _below(folder: Path, subdirectory: str | None, name: str) -> Path:
    place = folder / subdirectory if subdirectory else folder
    if (subdirectory and ".." in Path(subdirectory).parts) or not place.is_dir():
        raise BuildError(
            f"`{name}` cannot be built",
            where=[f"`{subdirectory or folder}` is no folder of its source"],
        )
    return place


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
