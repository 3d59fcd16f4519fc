"""A requirements file with hashes as a lock, without asking an index which files have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from wherry.errors import LockError
from wherry.indexes.redact import redact
from wherry.lock.archives import any_of_hashes, split_hashes
from wherry.lock.assemble import indexed_package, make_pylock
from wherry.lock.document import Table
from wherry.lock.requirements.listed_hashes import listed_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from packaging.pylock import Package, Pylock

    from wherry.lock.requirements.file import RequirementLine, RequirementsFile

__all__ = ["lock_by_hash"]

# The options by which uv prefers one file of a version to another.
_CHOOSING = frozenset(
    {"no-binary", "only-binary", "pre", "all-releases", "only-final", "prefer-binary"}
)


def lock_by_hash(
    parsed: Iterable[tuple[RequirementLine, Requirement | None]],
    constraints: Sequence[tuple[Requirement, Iterable[str]]],
    needed: Iterable[str],
    file: RequirementsFile,
    path: Path,
) -> Pylock:
    """The lock in which a requirement stands for all files that have its hashes.

    Args:
        parsed: the requirements, without those that are the project itself.
        constraints: those with a name, each with its hashes, which count too.
        needed: the requirements of the project itself, which must be among the others.
        file: has the options.
        path: of the file, for errors.

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
        hashes = {*split_hashes(line.hashes), *listed_for(name, version, constraints)}
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
