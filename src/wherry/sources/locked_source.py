"""The source tree of a locked distribution: a folder, a commit, or an archive."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

from wherry.builders import Source
from wherry.errors import BuildError, SelectionError
from wherry.sources.project import Built, TreeOptions, project_bundle
from wherry.sources.source_tree import subfolder
from wherry.store.temporary import temporary_folder
from wherry.untrusted import url_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from packaging.pylock import PackageArchive, PackageSdist, PackageVcs

    from wherry.builders import Tree
    from wherry.context import Context
    from wherry.store import StoredFile
    from wherry.wheels.select import Selected

__all__ = ["LockedSource"]


class LockedSource:
    """The source of one distribution of a lock."""

    def __init__(self, selected: Selected, base: Path, context: Context) -> None:
        """Take the distribution, and the folder that the lock's relative paths start from."""
        self._selected = selected
        self._base = base
        self._context = context

    def take(self) -> Built | Source:
        """The bundle, where nothing is left to build, or the tree to build.

        Raises:
            As ``dependency_bundles``.
        """
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
