"""The packages of a ``poetry.lock``, and their conversion to PEP 751."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.markers import InvalidMarker, Marker
from packaging.pylock import Package, PackageDirectory, PackageVcs
from packaging.utils import canonicalize_name
from packaging.version import Version

from wherry.lock.applying import may_apply
from wherry.lock.archives import split_hash, valid_path
from wherry.lock.assemble import LockedFile, indexed_package
from wherry.lock.poetry.constraint import parse_constraint
from wherry.lock.poetry.declared import dependencies_of, extras_of
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from packaging.utils import NormalizedName

    from wherry.lock.archives import Archives
    from wherry.lock.document import Table
    from wherry.lock.poetry.constraint import Constraint
    from wherry.lock.poetry.declared import Dependency
    from wherry.target import Target

__all__ = ["LockedPackage", "convert", "locked_packages"]


class LockedPackage(Struct, frozen=True, kw_only=True):
    """One ``[[package]]``.

    Attributes:
        groups: the groups that need it; None in locks before 2.1.
        markers: when each group needs it; a group that always does is absent.
        extras: the names of the optional dependencies that each of its extras asks for.
        files: names with hashes; a name is empty where the lock records none.
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


def locked_packages(
    lock: Table, target: Target, extras: Iterable[str]
) -> tuple[LockedPackage, ...]:
    """Every package of the lock that may apply to the target.

    Raises:
        LockError: an entry is not of the expected shape.
    """
    return tuple(
        _locked(package, lock.table("metadata"))
        for package in lock.tables("package")
        if _may_apply(package, target, extras)
    )


def _may_apply(table: Table, target: Target, extras: Iterable[str]) -> bool:
    """Whether one of the markers of an entry may hold."""
    value = table.data.get("markers")
    markers = list(value.values()) if isinstance(value, dict) else [value]
    # A group without a marker needs the package always.
    always = isinstance(value, dict) and len(value) < len(table.strings("groups"))
    return always or any(may_apply(_rewritten(marker), target, extras=extras) for marker in markers)


def _rewritten(marker: object) -> object:
    """A marker as PEP 751 writes it; anything that is none as it is."""
    try:
        return _lock_marker(marker) if isinstance(marker, str) else marker
    except (InvalidMarker, RecursionError):
        return marker


def _locked(table: Table, metadata: Table) -> LockedPackage:
    spelled = table.required("name", str)
    name = table.parse("name", spelled, lambda text: canonicalize_name(text, validate=True))
    version = table.parse("version", table.required("version", str), Version)
    groups = None
    if "groups" in table:
        groups = frozenset(canonicalize_name(group) for group in table.strings("groups"))
    return LockedPackage(
        name=name,
        version=version,
        groups=groups,
        markers=_markers(table, groups or frozenset()),
        python=table.parsed("python-versions", parse_constraint),
        dependencies=tuple(dependencies_of(table.table("dependencies"))),
        extras=extras_of(table.table("extras")),
        files=tuple(_files(table, metadata, spelled)),
        table=table,
    )


def _markers(table: Table, groups: frozenset[NormalizedName]) -> dict[NormalizedName, str]:
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
    text = str(Marker(text))

    def rewritten(match: re.Match[str]) -> str:
        name = match["right"] or match["left"]
        operator = "in" if (match["operator"] or match["other"]) == "==" else "not in"
        return f"{name} {operator} extras"

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
        # All versions of a package share this list; their names tell which version they belong to.
        entries = metadata.table("files").tables(spelled)
    else:
        # These locks do not name the algorithm.
        return [("", f"sha256:{digest}") for digest in metadata.table("hashes").strings(spelled)]
    return [(entry.required("file", str), entry.required("hash", str)) for entry in entries]


def convert(package: LockedPackage, marker: Marker | None, archives: Archives) -> Package:
    """The package as PEP 751 has it.

    Raises:
        LockError: the lock records nothing that it could be fetched by.
    """
    source = package.table.table("source")
    kind = source.optional("type", str)
    if kind in {None, "legacy", "pypi"}:
        return _indexed(package, marker, source.optional("url", str), archives)
    url = source.required("url", str)
    if kind == "directory":
        path = valid_path(url, source, "url")
        return Package(name=package.name, marker=marker, directory=PackageDirectory(path=path))
    vcs = archive = None
    if kind == "git":
        vcs = PackageVcs(
            type="git",
            # Poetry 2 writes `file:///path` in this form.
            url=url.replace("file://None/", "file:///"),
            requested_revision=source.optional("reference", str),
            commit_id=source.required("resolved_reference", str),
            subdirectory=source.optional("subdirectory", str),
        )
    elif kind in {"file", "url"}:
        place = valid_path(url, source, "url") if kind == "file" else url
        hashes = [digest for _, digest in package.files]
        archive = archives.find(package.name, place, hashes, source, remote=kind == "url")
    else:
        raise source.wrong("type", f"`{kind}` is not known")
    return Package(
        name=package.name, version=package.version, marker=marker, vcs=vcs, archive=archive
    )


def _indexed(
    package: LockedPackage, marker: Marker | None, index: str | None, archives: Archives
) -> Package:
    name, version, table = package.name, package.version, package.table
    if index is not None:
        index = index.rstrip("/")
    files = [
        LockedFile(filename=filename, hashes=dict([pair]))
        for filename, digest in package.files
        if filename and (pair := split_hash(digest))
    ]
    if bare := [digest for filename, digest in package.files if not filename]:
        _, files = archives.find_by_hash(name, version, bare, [index], table)
    return indexed_package(name, version, files, marker=marker, index=index, table=table)
