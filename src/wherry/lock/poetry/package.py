"""The packages of a ``poetry.lock``, and what PEP 751 calls them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wherry.lock.poetry.declared import dependencies_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from packaging.pylock import Package
    from packaging.utils import NormalizedName
    from packaging.version import Version

    from wherry.events import Reporter
    from wherry.lock.document import Table
    from wherry.lock.model import FindFiles, LockRequest
    from wherry.lock.poetry.constraint import Constraint
    from wherry.lock.poetry.declared import Dependency

__all__ = ["LockedPackage", "locked_packages", "to_pylock_package"]


@dataclass(frozen=True, kw_only=True, slots=True)
class LockedPackage:
    """One ``[[package]]``.

    Attributes:
        name: its normalized name.
        version: its version.
        groups: the groups that need it; None in locks before 2.1.
        markers: when each group needs it; a group that always does is absent.
        python: the versions of Python that it is for.
        dependencies: what it needs.
        extras: the names of the optional dependencies that each of its extras asks for.
        files: names with hashes; a name is empty where the lock records none.
        table: the entry itself.
    """

    name: NormalizedName
    version: Version
    groups: frozenset[NormalizedName] | None
    markers: Mapping[NormalizedName, str]
    python: Constraint | None
    dependencies: tuple[Dependency, ...]
    extras: Mapping[NormalizedName, frozenset[NormalizedName]]
    files: tuple[tuple[str, str], ...]
    table: Table


def locked_packages(lock: Table) -> tuple[LockedPackage, ...]:
    """Every package of the lock.

    Raises:
        LockError: an entry is not of the expected shape.
    """
    return tuple(_locked(package, lock.table("metadata")) for package in lock.tables("package"))


def _locked(table: Table, metadata: Table) -> LockedPackage:
    from packaging.utils import canonicalize_name
    from packaging.version import Version

    from wherry.lock.poetry.constraint import parse_constraint

    spelled = table.required("name", str)
    name = table.parse("name", spelled, lambda text: canonicalize_name(text, validate=True))
    table.required("version", str)
    groups = None
    if "groups" in table:
        groups = frozenset(canonicalize_name(group) for group in table.strings("groups"))
    extras = table.table("extras")
    version = table.parsed("version", Version)
    if version is None:
        raise table.wrong("version", "this is missing")
    return LockedPackage(
        name=name,
        version=version,
        groups=groups,
        markers=_markers(table, groups or frozenset()),
        python=table.parsed("python-versions", parse_constraint),
        dependencies=tuple(dependencies_of(table.table("dependencies"))),
        extras={
            canonicalize_name(extra): frozenset(
                canonicalize_name(re.split(r"[\s\[(;<>=!~@]", text.strip(), maxsplit=1)[0])
                for text in extras.strings(extra)
            )
            for extra in extras.data
        },
        files=tuple(_files(table, metadata, spelled)),
        table=table,
    )


def _markers(table: Table, groups: frozenset[NormalizedName]) -> dict[NormalizedName, str]:
    from packaging.utils import canonicalize_name

    value = table.data.get("markers")
    if isinstance(value, dict):
        markers = table.table("markers")
        return {
            canonicalize_name(group): markers.parse(group, text, _lock_marker)
            for group, text in markers.each(str)
        }
    marker = table.parsed("markers", _lock_marker)
    return dict.fromkeys(groups, marker) if marker else {}


def _lock_marker(text: str) -> str:
    """The marker as PEP 751 writes it: ``extra == "x"`` becomes ``"x" in extras``."""
    from packaging.markers import Marker

    text = str(Marker(text))

    def rewritten(found: re.Match[str]) -> str:
        name = found["right"] or found["left"]
        return (
            f"{name} {'in' if (found['operator'] or found['other']) == '==' else 'not in'} extras"
        )

    return str(
        Marker(
            re.sub(
                r"""\bextra (?P<operator>==|!=) (?P<right>"[^"]*"|'[^']*')"""
                r"""|(?P<left>"[^"]*"|'[^']*') (?P<other>==|!=) extra\b""",
                rewritten,
                text,
            )
        )
    )


def _files(table: Table, metadata: Table, spelled: str) -> list[tuple[str, str]]:
    if "files" in table:
        entries = table.tables("files")
    elif "files" in metadata:
        # All versions of a package share this list; the wrong ones are told by their names.
        entries = metadata.table("files").tables(spelled)
    else:
        # The algorithm went without saying.
        return [("", f"sha256:{digest}") for digest in metadata.table("hashes").strings(spelled)]
    return [(entry.required("file", str), entry.required("hash", str)) for entry in entries]


def to_pylock_package(
    package: LockedPackage,
    marker: str | None,
    base: Path,
    find_files: FindFiles | None,
    request: LockRequest,
    reporter: Reporter,
) -> Package:
    """The package as PEP 751 has it.

    Raises:
        LockError: the lock records nothing that it could be fetched by.
    """
    from packaging.markers import Marker
    from packaging.pylock import Package, PackageDirectory, PackageVcs

    from wherry.lock.direct import local_archive, remote_archive, sound_path

    source = package.table.table("source")
    kind = source.optional("type", str)
    when = Marker(marker) if marker else None
    if kind in {None, "legacy", "pypi"}:
        return _indexed(package, when, source, find_files)
    url = source.required("url", str)
    subdirectory = source.optional("subdirectory", str)
    hashes = _hashes(package)
    if kind == "directory":
        path = sound_path(url, source, "url")
        return Package(name=package.name, marker=when, directory=PackageDirectory(path=path))
    if kind == "git":
        return Package(
            name=package.name,
            version=package.version,
            marker=when,
            vcs=PackageVcs(
                type="git",
                # Poetry 2 mangles `file:///path` so.
                url=url.replace("file://None/", "file:///"),
                requested_revision=source.optional("reference", str),
                commit_id=source.required("resolved_reference", str),
                subdirectory=subdirectory,
            ),
        )
    if kind == "file":
        archive = local_archive(sound_path(url, source, "url"), hashes, base, source, subdirectory)
    elif kind == "url":
        archive = remote_archive(
            package.name, url, hashes, subdirectory, request, reporter, package.table.file
        )
    else:
        raise source.wrong("type", f"`{kind}` is not known")
    return Package(name=package.name, version=package.version, marker=when, archive=archive)


def _indexed(
    package: LockedPackage, marker: object, source: Table, find_files: FindFiles | None
) -> Package:
    from packaging.markers import Marker
    from packaging.pylock import Package

    from wherry.lock.assemble import files_of
    from wherry.lock.locate import locate, split_hash

    index = source.optional("url", str)
    if index is not None:
        index = index.rstrip("/")
    named = [(name, split_hash(digest)) for name, digest in package.files if name]
    bare = [digest for name, digest in package.files if not name]
    files: Sequence[tuple[str, Mapping[str, str], int | None]] = [
        (name, dict([pair]), None) for name, pair in named if pair
    ]
    if bare:
        _, files = locate(package.name, package.version, bare, [index], find_files, package.table)
    wheels, sdist = files_of(package.name, package.version, files, index=index)
    if not wheels and sdist is None:
        raise package.table.wrong(
            "files", f"there is no wheel and no sdist of `{package.name}=={package.version}`"
        )
    return Package(
        name=package.name,
        version=package.version,
        marker=marker if isinstance(marker, Marker) else None,
        index=index,
        sdist=sdist,
        wheels=wheels or None,
    )


def _hashes(package: LockedPackage) -> dict[str, str]:
    from wherry.lock.locate import split_hash

    return dict(pair for _, digest in package.files if (pair := split_hash(digest)))
