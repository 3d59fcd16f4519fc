"""Assembling PEP 751 locks, and checking that a lock has the groups and extras that were asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.markers import Marker
from packaging.pylock import Package, PackageSdist, PackageWheel, Pylock
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import Version

from wherry.errors import LockError, TargetError
from wherry.indexes.index_url import index_url
from wherry.problems import did_you_mean
from wherry.structs import Struct
from wherry.target import admits

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from packaging.specifiers import SpecifierSet
    from packaging.utils import NormalizedName

    from wherry.lock.document import Table
    from wherry.target import PythonRequirement, Target

__all__ = [
    "LockedFile",
    "any_marker",
    "check_python",
    "indexed_package",
    "known",
    "make_pylock",
    "unknown",
]


class LockedFile(Struct, frozen=True, kw_only=True):
    """A file of an index as a lock records it; ``url`` is its address, if the lock has one."""

    filename: str
    hashes: Mapping[str, str]
    size: int | None = None
    url: str | None = None


def make_pylock(
    packages: Iterable[Package],
    *,
    requires_python: SpecifierSet | None = None,
    extras: Sequence[str] = (),
) -> Pylock:
    """A lock of these packages, sorted by name."""
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
    table: Table,
) -> Package:
    """The package of these files of an index.

    Files of other versions and of other kinds (eggs, installers) are passed over, as are those without hashes.

    Raises:
        LockError: none of them is a wheel or an sdist of this version; ``table`` is the entry of the lock.
    """
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
        url = file.url or index_url(name, filename, index=index)
        if filename.endswith(".whl"):
            wheels[filename] = PackageWheel(name=filename, url=url, hashes=hashes, size=size)
        else:
            sdists[filename] = PackageSdist(name=filename, url=url, hashes=hashes, size=size)
    if not wheels and not sdists:
        key = "files" if "files" in table else "hashes"
        raise table.wrong(key, f"there is no wheel and no sdist of `{name}=={version}`")
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


def any_marker(markers: Iterable[Marker | str | None]) -> Marker | None:
    """The marker that holds where one of these does; None where one of them always does."""
    texts = dict.fromkeys(None if marker is None else str(marker) for marker in markers)
    return None if None in texts else Marker(" or ".join(f"({text})" for text in texts))


def check_python(wanted: PythonRequirement | None, target: Target, path: Path) -> None:
    """Check that the project is for the target's Python, at one of its patch levels.

    Raises:
        TargetError: it is not.
    """
    if wanted is not None and not admits(wanted, target.runtime):
        raise TargetError(
            f"the project is not for {target.runtime.name}",
            where=[f"{path}: it requires Python `{wanted}`"],
            hint="choose another `--runtime`, or lock again",
        )


def known(
    kind: str, wanted: Iterable[str], offered: Collection[str], path: Path
) -> tuple[str, ...]:
    """The names that are asked for, as the lock spells them.

    ``kind`` is ``group`` or ``extra``.

    Raises:
        LockError: the lock does not have one of them; the hint names the nearest.
    """
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
