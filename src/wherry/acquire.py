"""From what was selected to what can be composed: fetch what is a wheel, build what is not.

What was acquired is described by names and digests alone, so that it can be remembered: the next build
turns the description into bundles again without reading the lock.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wherry.bundle.wheel import wheel_bundle
from wherry.compose import Distribution
from wherry.events import SILENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from packaging.pylock import PackageDirectory, PackageWheel

    from wherry.events import Reporter
    from wherry.sources.project import Built
    from wherry.target import Target
    from wherry.wheels.fetch import RemoteFile
    from wherry.wheels.select import Selected
    from wherry.wheels.store import Store

__all__ = ["Acquired", "Kind", "Trees", "acquire", "materialize"]


class Kind(StrEnum):
    """What a distribution is made of."""

    WHEEL = "wheel"
    """A wheel that somebody published: its compressed bytes are copied."""
    BUILT = "built"
    """A wheel built on this machine: its contents are stored, as compressors differ."""
    FOLDER = "folder"
    """A folder whose files may change at any time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Acquired:
    """A distribution that is at hand.

    Attributes:
        name: normalized.
        version: as the lock has it; None for folders, which know it themselves.
        kind: what it is made of.
        filename: of the wheel; empty for a folder.
        sha256: of the wheel; empty for a folder.
        root: the folder, empty for a wheel.
        own: whether it is the project itself, to whose files ``include`` and ``exclude`` apply.
    """

    name: str
    version: str | None
    kind: Kind
    filename: str = ""
    sha256: str = ""
    root: str = ""
    own: bool = False

    def document(self) -> dict[str, Any]:
        """A JSON form."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Acquired:
        """The inverse of ``document``."""
        return cls(**{**document, "kind": Kind(document["kind"])})


def acquire(
    selected: Sequence[Selected],
    *,
    base: Path,
    own: Path,
    target: Target,
    store: Store,
    offline: bool = False,
    credentials: Mapping[str, tuple[str, str]] | None = None,
    reporter: Reporter = SILENT,
) -> tuple[Acquired, ...]:
    """Have everything at hand: wheels fetched, what is no wheel built; folders are only named.

    Args:
        selected: what the lock gives for the target.
        base: the folder that the lock's relative paths start from.
        own: the project's folder, which is always part of the result.
        target: what it is for.
        store: where files go.
        offline: use no network.
        credentials: as ``wherry.wheels.fetch`` takes them.
        reporter: hears of downloads and builds.

    Raises:
        FetchError, BuildError, ArchiveError, SelectionError, StoreError: as those who do the work raise.
    """
    from packaging.pylock import PackageDirectory, PackageWheel

    from wherry.sources.dependency import dependency_bundle
    from wherry.wheels.fetch import fetch

    wheels: list[tuple[Selected, RemoteFile]] = []
    acquired: list[Acquired] = []
    rest: list[Selected] = []
    for one in selected:
        match one.source:
            case PackageWheel():
                wheels.append((one, _remote(one, one.source, base)))
            case PackageDirectory() as folder:
                root = _folder(base, folder)
                # A lock may list the project itself, which is here anyway.
                if root != own.resolve():
                    acquired.append(
                        Acquired(
                            name=one.name, version=one.version, kind=Kind.FOLDER, root=str(root)
                        )
                    )
            case _:
                rest.append(one)
    stored = fetch(
        [file for _, file in wheels],
        store,
        offline=offline,
        credentials=credentials,
        reporter=reporter,
    )
    acquired.extend(
        Acquired(
            name=one.name,
            version=one.version,
            kind=Kind.WHEEL,
            filename=file.filename,
            sha256=at_hand.sha256,
        )
        for (one, file), at_hand in zip(wheels, stored, strict=True)
    )
    acquired.extend(
        _built(
            one,
            dependency_bundle(
                one,
                target=target,
                store=store,
                base=base,
                offline=offline,
                credentials=credentials,
                reporter=reporter,
            ),
        )
        for one in rest
    )
    acquired.append(Acquired(name="", version=None, kind=Kind.FOLDER, root=str(own), own=True))
    return tuple(acquired)


def _remote(one: Selected, source: PackageWheel, base: Path) -> RemoteFile:
    from wherry.wheels.fetch import RemoteFile

    url = source.url or ""
    if source.path is not None:
        url = (base / source.path).absolute().as_uri()
    return RemoteFile(
        filename=source.filename,
        url=url,
        hashes=source.hashes,
        size=source.size,
        project=one.name,
    )


def _folder(base: Path, source: PackageDirectory) -> Path:
    root = base / source.path
    return (root / source.subdirectory if source.subdirectory else root).resolve()


def _built(one: Selected, built: Built) -> Acquired:
    filename = _wheel_name(one.source)
    return Acquired(
        name=one.name,
        version=one.version or built.version,
        kind=Kind.WHEEL if filename else Kind.BUILT,
        filename=filename,
        sha256=built.digest,
    )


def _wheel_name(source: object) -> str:
    """The name of a wheel that is locked by its address; empty for what has to be built."""
    from urllib.parse import unquote, urlsplit

    place = getattr(source, "path", None) or unquote(
        urlsplit(getattr(source, "url", "") or "").path
    )
    name = place.replace("\\", "/").rpartition("/")[2]
    return name if name.endswith(".whl") else ""


def materialize(
    acquired: Iterable[Acquired],
    *,
    trees: Trees,
    target: Target,
    store: Store,
    fresh: bool,
    offline: bool = False,
    reporter: Reporter = SILENT,
) -> tuple[Distribution, ...] | None:
    """The distributions with their files; None when something has left the store and must be acquired anew.

    Args:
        acquired: what is at hand.
        trees: how source trees are read.
        target: what it is for.
        store: where files are.
        fresh: whether wheels may be among it that were never examined: that means decompressing them,
            and is shared out among the processors.
        offline: use no network.
        reporter: hears of builds.

    Raises:
        ArchiveError, EntryPathError: a wheel is unsound.
        BuildError: a folder cannot be built.
    """

    def one(each: Acquired) -> Distribution | None:
        match each.kind:
            case Kind.WHEEL:
                return _of_wheel(each, store)
            case Kind.BUILT:
                return _of_built(each, store)
            case Kind.FOLDER:
                return trees.distribution(
                    each, target=target, store=store, offline=offline, reporter=reporter
                )

    wanted = list(acquired)
    if fresh:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor() as pool:
            wheels = [
                None if each.kind is Kind.FOLDER else pool.submit(one, each) for each in wanted
            ]
            # Builds stay in this thread, where Ctrl-C reaches them and ends their backends.
            folders = [one(each) if each.kind is Kind.FOLDER else None for each in wanted]
            found = [
                folder if wheel is None else wheel.result()
                for wheel, folder in zip(wheels, folders, strict=True)
            ]
    else:
        found = [one(each) for each in wanted]
    complete = tuple(each for each in found if each is not None)
    return complete if len(complete) == len(wanted) else None


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
        folders = (Path(one.root) for one in acquired if one.kind is Kind.FOLDER and not one.own)
        return replace(self, skip=(*self.skip, *folders))

    def digests(self, acquired: Iterable[Acquired], store: Store) -> dict[str, str | None]:
        """The digest of each tree, by its path; None where only a build can tell."""
        from wherry.sources.project import project_digest

        return {
            each.root: project_digest(Path(each.root), store=store, **self._options(each))
            for each in acquired
            if each.kind is Kind.FOLDER
        }

    def distribution(
        self,
        each: Acquired,
        *,
        target: Target,
        store: Store,
        offline: bool,
        reporter: Reporter,
    ) -> Distribution:
        """What a tree holds now."""
        from wherry.sources.project import project_bundle

        built = project_bundle(
            Path(each.root),
            target=target,
            store=store,
            offline=offline,
            reporter=reporter,
            **self._options(each),
        )
        return Distribution(name=built.name, version=built.version, bundle=built.bundle)

    def _options(self, each: Acquired) -> dict[str, Any]:
        if each.own:
            return {"include": self.include, "exclude": self.exclude, "skip": self.skip}
        return {"must_build": True}


def _of_wheel(each: Acquired, store: Store) -> Distribution | None:
    stored = store.find_by({"sha256": each.sha256})
    if stored is None:
        return None
    bundle = wheel_bundle(stored, filename=each.filename, owner=each.name, store=store)
    return Distribution(name=each.name, version=each.version, bundle=bundle)


def _of_built(each: Acquired, store: Store) -> Distribution | None:
    from wherry.sources.dependency import recall_dependency

    built = recall_dependency(each.sha256, store=store)
    if built is None:
        return None
    return Distribution(name=built.name, version=built.version, bundle=built.bundle)
