"""What the readers share: making PEP 751 locks and answering for groups and extras."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wherry.errors import LockError, TargetError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from packaging.pylock import Package, PackageSdist, PackageWheel, Pylock
    from packaging.specifiers import SpecifierSet
    from packaging.utils import NormalizedName
    from packaging.version import Version

    from wherry.lock.poetry.constraint import Constraint
    from wherry.target import Target

__all__ = [
    "check_python",
    "files_of",
    "known",
    "make_pylock",
    "replace_packages",
    "unknown",
    "without_project",
]


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


def files_of(
    name: NormalizedName,
    version: Version,
    files: Iterable[tuple[str, Mapping[str, str], int | None]],
    *,
    index: str | None,
) -> tuple[list[PackageWheel], PackageSdist | None]:
    """The wheels and the sdist among these files, given as name, hashes and size.

    Files of other versions and of other kinds (eggs, installers) are passed over, as are those without hashes.
    """
    from packaging.pylock import PackageSdist, PackageWheel
    from packaging.utils import (
        InvalidSdistFilename,
        InvalidWheelFilename,
        parse_sdist_filename,
        parse_wheel_filename,
    )

    from wherry.lock.located import index_url

    wheels: dict[str, PackageWheel] = {}
    sdists: dict[str, PackageSdist] = {}
    for filename, hashes, size in files:
        if not hashes:
            continue
        try:
            if filename.endswith(".whl"):
                found = parse_wheel_filename(filename)[:2]
            elif filename.endswith((".tar.gz", ".zip")):
                found = parse_sdist_filename(filename)
            else:
                continue
        except (InvalidWheelFilename, InvalidSdistFilename):
            continue
        if found != (name, version):
            continue
        url = index_url(name, filename, index=index)
        if filename.endswith(".whl"):
            wheels[filename] = PackageWheel(name=filename, url=url, hashes=hashes, size=size)
        else:
            sdists[filename] = PackageSdist(name=filename, url=url, hashes=hashes, size=size)
    # PEP 625 has but one sdist, a .tar.gz; old releases have a .zip, or both.
    preferred = sorted(sdists, key=lambda filename: (not filename.endswith(".tar.gz"), filename))
    return [wheels[filename] for filename in sorted(wheels)], (
        sdists[preferred[0]] if preferred else None
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
    """See that the project is for the target's Python, at one of its patch levels.

    Raises:
        TargetError: it is not.
    """
    from wherry.lock.poetry.constraint import Constraint
    from wherry.target import admits

    if wanted is None:
        return
    alternatives = wanted.alternatives if isinstance(wanted, Constraint) else (wanted,)
    if not any(admits(each, target.runtime) for each in alternatives):
        said = " || ".join(str(each) for each in alternatives)
        raise TargetError(
            f"the project is not for {target.runtime.name}",
            where=[f"{path}: it wants Python `{said}`"],
            hint="choose another `--runtime`",
        )


def known(
    kind: str, wanted: Iterable[str], offered: Collection[str], path: Path
) -> tuple[str, ...]:
    """The wanted names as the lock spells them.

    Args:
        kind: ``group`` or ``extra``.
        wanted: the names, normalized or not.
        offered: the names that the lock has.
        path: the lock.

    Raises:
        LockError: the lock does not have one of them; the hint names the nearest.
    """
    from packaging.utils import canonicalize_name

    spelled = {canonicalize_name(name): name for name in offered}
    found: dict[str, None] = {}
    for name in wanted:
        canonical = canonicalize_name(name)
        if canonical not in spelled:
            raise unknown(kind, name, offered, path)
        found[spelled[canonical]] = None
    return tuple(found)


def unknown(kind: str, name: str, offered: Collection[str], path: Path) -> LockError:
    """The error for a name that the lock does not have."""
    from difflib import get_close_matches

    nearest = get_close_matches(name, offered, n=1)
    names = ", ".join(f"`{offer}`" for offer in sorted(offered))
    return LockError(
        f"`{path.name}` has no {kind} `{name}`",
        where=[f"it has {names}" if names else f"it has no {kind}s"],
        hint=f"did you mean `{nearest[0]}`?" if nearest else None,
    )


def _resolved(path: Path) -> Path | None:
    try:
        return path.resolve()
    except (OSError, ValueError, RuntimeError):
        return None
