"""Acquired distributions: fetched if they are wheels, otherwise built; folders are only named.

What was acquired is described by names, digests and paths relative to the project alone, so that it can be
remembered: the next build turns the description into bundles (``wherry.pipeline.materialize``) without reading
the lock, in whatever folder the project lies then.
"""

from __future__ import annotations

import os.path
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import astuple

from wherry.files import real_path
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from packaging.pylock import PackageDirectory

    from wherry.context import Context
    from wherry.lock.model import Lock
    from wherry.wheels.select import Selected

__all__ = ["Acquired", "Kind", "absolute", "acquire", "relative", "wheel_name"]


class Kind(StrEnum):
    """The form of a distribution."""

    WHEEL = "wheel"
    """A wheel that somebody published: its compressed bytes are copied."""
    BUILT = "built"
    """A wheel built on this machine: of its compressed bytes none are used, as compressors differ."""
    FOLDER = "folder"
    """A folder whose files may change at any time."""
    INSTALLED = "installed"
    """A folder that an installer filled, with any number of distributions; it too may change at any time."""
    SOURCE = "source"
    """An sdist, another archive or a commit that is locked, and not yet built."""


class Acquired(Struct, frozen=True, kw_only=True):
    """A distribution that was acquired.

    Attributes:
        version: as the lock has it; None for folders, which know it themselves.
        filename: of the wheel; empty for a folder.
        sha256: of the wheel; empty for a folder; of all that decides what a source gives.
        root: the folder, None for a wheel.
        own: whether it is the project itself, to whose files ``include`` and ``exclude`` apply.
        must_build: whether the project is built even if it names no build system, as pip would install it.
        file: the wheel or archive that it was locked as, if that is a file on this machine.
    """

    name: str
    version: str | None
    kind: Kind
    filename: str = ""
    sha256: str = ""
    root: Path | None = None
    own: bool = False
    must_build: bool = False
    file: Path | None = None

    @property
    def is_tree(self) -> bool:
        """Whether it is a folder."""
        return self.root is not None

    @property
    def folder(self) -> Path:
        """The folder of a tree."""
        assert self.root is not None  # noqa: S101 - told by `is_tree`
        return self.root

    @classmethod
    def of_project(cls, lock: Lock) -> Acquired:
        """The project's own code."""
        return cls(
            name="",
            version=None,
            kind=Kind.FOLDER,
            root=lock.member,
            own=True,
            must_build=lock.installs_project,
        )

    @classmethod
    def of_folder(cls, choice: Selected, folder: PackageDirectory, lock: Lock) -> Acquired | None:
        """A folder that a lock names; None for the project itself, which a lock may list."""
        root = real_path(lock.base / folder.path / (folder.subdirectory or ""))
        if root == real_path(lock.member):
            return None
        return cls(name=choice.name, version=choice.version, kind=Kind.FOLDER, root=root)

    def document(self, project: Path) -> list[Any]:
        """A JSON form, in which paths are told relative to the project's folder."""
        return [
            relative(value, project) if isinstance(value, Path) else value
            for value in astuple(self)
        ]

    @classmethod
    def from_document(cls, document: Sequence[Any], project: Path) -> Acquired:
        """The inverse of ``document``, for a project in this folder."""
        fields = dict(zip(cls.__struct_fields__, document, strict=True))
        fields["kind"] = Kind(fields["kind"])
        for name in ("root", "file"):
            if fields[name] is not None:
                fields[name] = absolute(fields[name], project)
        return cls(**fields)


def relative(path: Path, project: Path) -> str:
    """A path as it is remembered: relative to the project's folder, if there is such a way."""
    try:
        return os.path.relpath(path, project)
    except ValueError:  # another drive
        return str(path)


def absolute(path: str, project: Path) -> Path:
    """The inverse of ``relative``; links stay as they are."""
    return Path(os.path.normpath(project / path))


def acquire(selected: Sequence[Selected], lock: Lock, context: Context) -> tuple[Acquired, ...]:
    """Acquire what was selected, and the project itself, which comes last.

    Args:
        selected: from the lock, for the context's target.
        lock: its relative paths start from its ``base``; the project is its ``member``.
        context: of the run.

    Raises:
        FetchError, BuildError, ContainerError, ArchiveError, SelectionError, StoreError: as those who do the
            work raise.
    """
    from packaging.pylock import PackageDirectory, PackageWheel

    from wherry.wheels.fetch import RemoteFile, fetch

    wheels: list[tuple[Selected, RemoteFile]] = []
    acquired: list[Acquired] = []
    others: list[Selected] = []
    for choice in selected:
        match choice.source:
            case PackageWheel() as wheel:
                url = wheel.url or ""
                if wheel.path is not None:
                    url = (lock.base / wheel.path).absolute().as_uri()
                file = RemoteFile(
                    filename=wheel.filename,
                    url=url,
                    hashes=wheel.hashes,
                    size=wheel.size,
                    project=choice.name,
                )
                wheels.append((choice, file))
            case PackageDirectory() as folder:
                if (tree := Acquired.of_folder(choice, folder, lock)) is not None:
                    acquired.append(tree)
            case _:
                others.append(choice)
    stored = fetch([file for _, file in wheels], context)
    acquired.extend(
        Acquired(
            name=choice.name,
            version=choice.version,
            kind=Kind.WHEEL,
            filename=file.filename,
            sha256=wheel.sha256,
            file=lock.local_file(choice.source),
        )
        for (choice, file), wheel in zip(wheels, stored, strict=True)
    )
    if others:
        from wherry.sources.dependency import dependency_bundles

        bundles = dependency_bundles(others, lock.base, context)
        for choice, built in zip(others, bundles, strict=True):
            filename = wheel_name(choice.source)
            acquired.append(
                Acquired(
                    name=choice.name,
                    version=choice.version or built.version,
                    kind=Kind.WHEEL if filename else Kind.BUILT,
                    filename=filename,
                    sha256=built.digest,
                    file=lock.local_file(choice.source),
                )
            )
    return (*acquired, Acquired.of_project(lock))


def wheel_name(source: object) -> str:
    """The name of a wheel that is locked by its address; empty for what has to be built."""
    from wherry.untrusted import url_path

    path = getattr(source, "path", None) or url_path(getattr(source, "url", "") or "")
    name: str = path.replace("\\", "/").rpartition("/")[2]
    return name if name.endswith(".whl") else ""
