"""The hashes that a requirements file lists: only files that have one of them may be used.

A file in which all requirements have hashes is a lock, without asking an index which files have them.
"""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from wherry.errors import LockError
from wherry.indexes.redact import redact
from wherry.lock.archives import any_of_hashes, split_hashes
from wherry.lock.assemble import indexed_package, make_pylock
from wherry.lock.document import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from packaging.pylock import Package, Pylock

    from wherry.lock.requirements.file import RequirementLine, RequirementsFile

__all__ = ["check_fragments", "fragment_hashes", "keep_listed", "lock_by_hash"]

_HASH = re.compile(r"(?:^|[#&])sha256=([0-9a-fA-F]{64})(?=$|&)")
# The options by which uv prefers one file of a version to another.
_CHOOSING = frozenset(
    {"no-binary", "only-binary", "pre", "all-releases", "only-final", "prefer-binary"}
)


def fragment_hashes(text: str) -> tuple[str, ...]:
    """The hash behind the URL of a requirement, as ``pip freeze`` writes it; empty where there is none."""
    for word in text.split():
        if match := _HASH.search(word.partition("#")[2]):
            return (f"sha256:{match[1].lower()}",)
    return ()


def check_fragments(pylock: Pylock, requirements: Iterable[Requirement], path: Path) -> None:
    """Check that the files of URLs have the hashes that stand behind these, which uv does not for those on the disk.

    Raises:
        LockError: one has another.
    """
    behind = {
        canonicalize_name(requirement.name): fragment_hashes(requirement.url or "")
        for requirement in requirements
    }
    wrong = [
        f"`{package.name}`: the file there has sha256:{package.archive.hashes.get('sha256')}"
        for package in pylock.packages
        if package.archive is not None
        and (listed := set(split_hashes(behind.get(package.name, ()))))
        and _restricted(package, listed) is None
    ]
    if wrong:
        raise LockError(
            f"`{path.name}` has a hash behind a URL that the file there has not",
            where=wrong,
            hint="the file was replaced: pin again",
        )


def keep_listed(
    pylock: Pylock,
    listed: Sequence[tuple[Requirement | None, Iterable[str]]],
    path: Path,
    *,
    all_hashed: bool = True,
) -> Pylock:
    """Keep only those files of a lock that have a listed hash.

    As with pip, where one requirement has hashes, every distribution from an index or a URL must have, if ``all_hashed``.
    A requirement of None is a path or a bare URL.

    Raises:
        LockError: no hash of a distribution is listed, or none of its files has one.
    """
    packages: list[Package] = []
    unlisted: list[str] = []
    wrong: list[str] = []
    for package in pylock.packages:
        if package.directory is not None or package.vcs is not None:
            packages.append(package)
            continue
        label = f"`{package.name}=={package.version}`" if package.version else f"`{package.name}`"
        allowed = set(_listed_for(package.name, package.version, listed))
        kept = _restricted(package, allowed)
        if not allowed and not all_hashed:
            packages.append(package)
        elif not allowed:
            unlisted.append(f"{label} has none")
        elif kept is None:
            wrong.append(f"{label}: the files that the index has for the target have other hashes")
        else:
            packages.append(kept)
    if wrong:
        raise LockError(
            f"`{path.name}` lists hashes that no file has",
            where=wrong,
            hint="the files were replaced, or the hashes are of files for another platform: pin again",
        )
    if unlisted:
        raise LockError(
            f"`{path.name}` has hashes, but not for all that it needs",
            where=unlisted,
            hint="pin with `pip-compile --generate-hashes` or `uv pip compile --generate-hashes`",
        )
    return dataclasses.replace(pylock, packages=packages)


def _listed_for(
    name: str,
    version: Version | None,
    listed: Iterable[tuple[Requirement | None, Iterable[str]]],
) -> Iterator[tuple[str, str]]:
    """The hashes, as algorithm and digest, that requirements list for a version of a distribution."""
    for requirement, hashes in listed:
        # The name of a path or a bare URL is in the file itself; its hash suffices.
        if requirement is None or (
            canonicalize_name(requirement.name) == name
            and (version is None or requirement.specifier.contains(version, prereleases=True))
        ):
            yield from split_hashes(hashes)


def _restricted(package: Package, allowed: set[tuple[str, str]]) -> Package | None:
    """The package with only the allowed files, or None where none is left."""

    def listed(hashes: Mapping[str, str]) -> bool:
        return any((name, digest.lower()) in allowed for name, digest in hashes.items())

    if package.archive is not None:
        return package if listed(package.archive.hashes) else None
    wheels = [wheel for wheel in package.wheels or () if listed(wheel.hashes)]
    sdist = package.sdist if package.sdist is not None and listed(package.sdist.hashes) else None
    if not wheels and sdist is None:
        return None
    return dataclasses.replace(package, wheels=wheels or None, sdist=sdist)


def lock_by_hash(
    parsed: Iterable[tuple[RequirementLine, Requirement | None]],
    constraints: Sequence[tuple[Requirement, Iterable[str]]],
    needed: Iterable[str],
    file: RequirementsFile,
    path: Path,
) -> Pylock:
    """The lock in which a requirement stands for all files that have its hashes.

    What the project itself needs must be among the other requirements. The hashes of constraints count, too.

    Raises:
        LockError: a requirement does not fix the version and the hashes.
    """
    options = [("option", f"{name}={value}") for name, value in file.options if name in _CHOOSING]
    packages: dict[tuple[str, str, str], Package] = {}
    unhashed: list[str] = []
    for line, requirement in parsed:
        version = None if requirement is None else _version(requirement)
        if requirement is None or version is None:
            unhashed.append(redact(line.text))
            continue
        name = canonicalize_name(requirement.name)
        hashes = {*split_hashes(line.hashes), *_listed_for(name, version, constraints)}
        if not hashes:
            unhashed.append(redact(line.text))
            continue
        package = indexed_package(
            name,
            version,
            [any_of_hashes(name, version, {*hashes, *options})],
            marker=requirement.marker,
            index=None,
            table=Table(data={}, file=path.name, place=line.place),
        )
        packages[name, str(version), str(requirement.marker)] = package
    names = {name for name, _, _ in packages}
    unhashed += [text for text in needed if canonicalize_name(Requirement(text).name) not in names]
    if unhashed:
        raise LockError(
            f"`{path.name}` does not fix the files of all that it names",
            where=[f"`{text}` has no version with hashes" for text in unhashed[:5]],
            hint="pin with `pip-compile --generate-hashes` or `uv pip compile --generate-hashes`",
        )
    return make_pylock(packages.values())


def _version(requirement: Requirement) -> Version | None:
    for each in requirement.specifier:
        if each.operator in {"==", "==="} and not each.version.endswith(".*"):
            try:
                return Version(each.version)
            except InvalidVersion:
                return None
    return None
