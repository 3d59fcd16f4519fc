"""Assembling PEP 751 locks, and checking that a lock has the groups and extras that were asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wherry.errors import LockError, TargetError
from wherry.lock.model import Lock
from wherry.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from packaging.markers import Marker
    from packaging.pylock import Package, Pylock
    from packaging.specifiers import SpecifierSet
    from packaging.utils import NormalizedName
    from packaging.version import Version

    from wherry.lock.formats import LockFormat
    from wherry.lock.model import LockRequest
    from wherry.lock.poetry.constraint import Constraint
    from wherry.target import Target

__all__ = [
    "LockedFile",
    "check_python",
    "indexed_package",
    "known",
    "make_pylock",
    "replace_packages",
    "resolved_lock",
    "unknown",
    "without_project",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class LockedFile:
    """A file of an index as a lock records it."""

    filename: str
    hashes: Mapping[str, str]
    size: int | None = None


def make_pylock(
    packages: Iterable[Package],
    *,
    requires_python: SpecifierSet | None = None,
    extras: Sequence[str] = (),
) -> Pylock:
    """A lock of these packages, sorted by name."""
    from packaging.pylock import Pylock
    from packaging.utils import canonicalize_name
    from packaging.version import Version

    return Pylock(
        lock_version=Version("1.0"),
        created_by="wherry",
        requires_python=requires_python,
        extras=[canonicalize_name(extra) for extra in extras] or None,
        packages=sorted(packages, key=lambda package: (package.name, str(package.version))),
    )


def indexed_package(
    name: NormalizedName,
    version: Version,
    files: Iterable[LockedFile],
    *,
    marker: Marker | None,
    index: str | None,
) -> Package | None:
    """The package of these files of an index; None where none of them is a wheel or an sdist of this version.

    Files of other versions and of other kinds (eggs, installers) are passed over, as are those without hashes.
    """
    from packaging.pylock import Package, PackageSdist, PackageWheel
    from packaging.utils import (
        InvalidSdistFilename,
        InvalidWheelFilename,
        parse_sdist_filename,
        parse_wheel_filename,
    )

    from wherry.indexes.index_url import index_url

    wheels: dict[str, PackageWheel] = {}
    sdists: dict[str, PackageSdist] = {}
    for file in files:
        filename, hashes, size = file.filename, file.hashes, file.size
        if not hashes:
            continue
        try:
            if filename.endswith(".whl"):
                release = parse_wheel_filename(filename)[:2]
            elif filename.endswith((".tar.gz", ".zip")):
                release = parse_sdist_filename(filename)
            else:
                continue
        except (InvalidWheelFilename, InvalidSdistFilename):
            continue
        if release != (name, version):
            continue
        url = index_url(name, filename, index=index)
        if filename.endswith(".whl"):
            wheels[filename] = PackageWheel(name=filename, url=url, hashes=hashes, size=size)
        else:
            sdists[filename] = PackageSdist(name=filename, url=url, hashes=hashes, size=size)
    if not wheels and not sdists:
        return None
    # PEP 625 allows one sdist, a .tar.gz; old releases have a .zip, or both.
    preferred = sorted(sdists, key=lambda filename: (not filename.endswith(".tar.gz"), filename))
    return Package(
        name=name,
        version=version,
        marker=marker,
        index=index,
        sdist=sdists[preferred[0]] if preferred else None,
        wheels=[wheels[filename] for filename in sorted(wheels)] or None,
    )


def resolved_lock(
    pylock: Pylock,
    path: Path,
    request: LockRequest,
    *,
    format: LockFormat,  # noqa: A002
    extras: tuple[str, ...] = (),
) -> Lock:
    """The lock of a project without one, resolved from what ``path`` declares."""
    return Lock(
        pylock=without_project(pylock, base=path.parent, project=request.root),
        format=format,
        path=path,
        base=path.parent,
        inputs=(path,),
        extras=extras,
        member=request.root,
    )


def without_project(pylock: Pylock, *, base: Path, project: Path) -> Pylock:
    """The lock without the entries of the project itself, whose code is packaged from its sources."""
    root = project.resolve()

    def is_project(package: Package) -> bool:
        if package.directory is None:
            return False
        folder = base / package.directory.path / (package.directory.subdirectory or "")
        return _resolved(folder) == root

    packages = [package for package in pylock.packages if not is_project(package)]
    return pylock if len(packages) == len(pylock.packages) else replace_packages(pylock, packages)


def replace_packages(pylock: Pylock, packages: Sequence[Package]) -> Pylock:
    """The lock with other packages."""
    return replace(pylock, packages=packages)


def check_python(wanted: Constraint | SpecifierSet | None, target: Target, path: Path) -> None:
    """Check that the project is for the target's Python, at one of its patch levels.

    Raises:
        TargetError: it is not.
    """
    from wherry.lock.poetry.constraint import Constraint
    from wherry.target import admits

    if wanted is None:
        return
    alternatives = wanted.alternatives if isinstance(wanted, Constraint) else (wanted,)
    if not any(admits(each, target.runtime) for each in alternatives):
        versions = " || ".join(str(each) for each in alternatives)
        raise TargetError(
            f"the project is not for {target.runtime.name}",
            where=[f"{path}: it requires Python `{versions}`"],
            hint="choose another `--runtime`",
        )


def known(
    kind: str, wanted: Iterable[str], offered: Collection[str], path: Path
) -> tuple[str, ...]:
    """The names that are asked for, as the lock spells them.

    Args:
        kind: ``group`` or ``extra``.
        wanted: the names that are asked for, normalized or not.
        offered: the names that the lock has.
        path: the lock.

    Raises:
        LockError: the lock does not have one of them; the hint names the nearest.
    """
    from packaging.utils import canonicalize_name

    spelled = {canonicalize_name(name): name for name in offered}
    names: dict[str, None] = {}
    for name in wanted:
        canonical = canonicalize_name(name)
        if canonical not in spelled:
            raise unknown(kind, name, offered, path)
        names[spelled[canonical]] = None
    return tuple(names)


def unknown(kind: str, name: str, offered: Collection[str], path: Path) -> LockError:
    """The error for a name that the lock does not have."""
    names = ", ".join(f"`{offer}`" for offer in sorted(offered))
    return LockError(
        f"`{path.name}` has no {kind} `{name}`",
        where=[f"it has {names}" if names else f"it has no {kind}s"],
        hint=did_you_mean(name, known=offered),
    )


def _resolved(path: Path) -> Path | None:
    try:
        return path.resolve()
    except (OSError, ValueError, RuntimeError):
        return None
