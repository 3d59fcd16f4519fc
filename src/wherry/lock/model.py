"""The request for a project's lock, and the lock that was read."""

from __future__ import annotations

from os.path import normpath
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from wherry.lock.formats import LockFormat
from wherry.structs import Struct
from wherry.untrusted import file_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from packaging.pylock import (
        Package,
        PackageArchive,
        PackageDirectory,
        PackageSdist,
        PackageVcs,
        PackageWheel,
        Pylock,
    )

    from wherry.target import Target

    Source: TypeAlias = PackageWheel | PackageSdist | PackageArchive | PackageVcs | PackageDirectory

__all__ = ["Lock", "LockRequest"]


class LockRequest(Struct, frozen=True, kw_only=True):
    """A request for a project's lock.

    Attributes:
        groups: dependency groups beyond the default ones (PEP 735; Poetry's and Pipfile's categories).
        package: the workspace member, by name, where the project is a workspace.
        lock: the lock file to use, where it is not to be looked for.
        refresh: ask indexes again for what is remembered of requirements without hashes.
        frozen: read what the lock says, whether or not it is as new as the project.
        asked_runtime: whether an option or the settings name the runtime, so that a ``Pipfile`` does not limit it.
        wanted: whether any package takes distributions from the lock.
        by_hash: ask no index and resolve nothing: a distribution of which the lock records hashes and no file names
            stands for all files with these hashes, and a project without a lock is an error.
        others: folders with locks of their own, which are read for functions and layers.
    """

    root: Path
    groups: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    package: str | None = None
    lock: Path | None = None
    refresh: bool = False
    frozen: bool = False
    wanted: bool = True
    asked_runtime: bool = False
    by_hash: bool = False
    others: tuple[Path, ...] = ()


class Lock(Struct, frozen=True, kw_only=True):
    """A lock that was read.

    Attributes:
        pylock: the lock as PEP 751 has it. Wheels whose address the lock file does not record have a
            URL of the scheme ``index+…`` (see ``wherry.indexes.index_url``).
        base: the folder that relative paths in ``pylock`` start from.
        member: the folder of the project whose own code is to be packaged: ``root``, or the workspace
            member's.
        inputs: every file whose bytes decide ``pylock``; a change of one makes it another lock.
        stable: the same inputs always give the same ``pylock``, so that it may be remembered. False
            where it depends on what an index has now, as for requirements without hashes.
        resolved: when an index was asked, in seconds since 1970, where the answer holds for a while
            (``wherry.lock.requirements.remembered``) and the lock is stable for as long; None otherwise.
        variables: the names of the variables of the environment whose values decide ``pylock``.
        installs_project: the project itself is among what is locked, and so is installed as pip would install it.
        groups: the dependency groups to evaluate markers with; None for the lock's default groups.
        extras: the extras to evaluate markers with.
    """

    pylock: Pylock
    path: Path
    base: Path
    member: Path
    format: LockFormat = LockFormat.NONE
    inputs: tuple[Path, ...] = ()
    stable: bool = False
    resolved: float | None = None
    variables: tuple[str, ...] = ()
    installs_project: bool = False
    groups: tuple[str, ...] | None = None
    extras: tuple[str, ...] = ()

    def applies_to(self, target: Target) -> Callable[[Package], bool]:
        """Tells whether a package of the lock applies to a target: whether its marker holds there."""
        # "`extras` SHOULD be set to the empty set by default; `dependency_groups` SHOULD be the set created
        # from default-groups by default."
        groups = self.groups if self.groups is not None else self.pylock.default_groups or ()
        environment: dict[str, str | frozenset[str]] = {
            **target.environment,
            "extras": frozenset(self.extras),
            "dependency_groups": frozenset(groups),
        }
        return lambda package: (
            package.marker is None or package.marker.evaluate(environment, context="lock_file")
        )

    def local_file(self, source: Source) -> Path | None:
        """The file that a source names by its path or by a ``file:`` address; None for others."""
        path: str | None = getattr(source, "path", None)
        url: str = getattr(source, "url", None) or ""
        if path is None and url[:5].lower() == "file:":
            path = file_path(url)
        return Path(normpath(self.base / path)) if path else None

    def local_archives(self) -> Iterator[Path]:
        """The archives on this machine: somebody may put another in the place of one at any time."""
        for package in self.pylock.packages:
            for source in (*(package.wheels or ()), package.sdist, package.archive):
                if source is not None and (path := self.local_file(source)) is not None:
                    yield path
