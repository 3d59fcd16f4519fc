"""Having at hand what was selected: fetch what is a wheel, build what is not.

What was acquired is described by names and digests alone, so that it can be remembered: the next build
turns the description into bundles again (``wherry.materialize``) without reading the lock.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from wherry.events import SILENT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from packaging.pylock import PackageDirectory, PackageWheel

    from wherry.events import Reporter
    from wherry.indexes.access import Access
    from wherry.sources.project import Built
    from wherry.sources.workshop import Workshop
    from wherry.target import Target
    from wherry.wheels.fetch import RemoteFile
    from wherry.wheels.select import Selected
    from wherry.wheels.store import Store

__all__ = ["Acquired", "Kind", "acquire"]


class Kind(StrEnum):
    """What a distribution is made of."""

    WHEEL = "wheel"
    """A wheel that somebody published: its compressed bytes are copied."""
    BUILT = "built"
    """A wheel built on this machine: its contents are stored, as compressors differ."""
    FOLDER = "folder"
    """A folder whose files may change at any time."""
    INSTALLED = "installed"
    """A folder that an installer filled, with any number of distributions; it too may change at any time."""


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
    access: Access | None = None,
    reporter: Reporter = SILENT,
    workshop: Workshop | None = None,
) -> tuple[Acquired, ...]:
    """Have everything at hand: wheels fetched, what is no wheel built; folders are only named.

    Args:
        selected: what the lock gives for the target.
        base: the folder that the lock's relative paths start from.
        own: the project's folder, which is always part of the result.
        target: what it is for.
        store: where files go.
        offline: use no network.
        access: what opens which index; by default what the environment says.
        reporter: hears of downloads and builds.
        workshop: who builds what; by default everything is built on this machine.

    Raises:
        FetchError, BuildError, ContainerError, ArchiveError, SelectionError, StoreError: as those who do the
            work raise.
    """
    from packaging.pylock import PackageDirectory, PackageWheel

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
        access=access,
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
    if rest:
        from wherry.sources.dependency import dependency_bundles

        bundles = dependency_bundles(
            rest,
            target=target,
            store=store,
            base=base,
            offline=offline,
            access=access,
            reporter=reporter,
            workshop=workshop,
        )
        acquired.extend(_built(one, built) for one, built in zip(rest, bundles, strict=True))
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
