"""The packages of a ``pdm.lock``, and their conversion to PEP 751."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from packaging.markers import Marker
from packaging.pylock import Package, PackageDirectory, PackageVcs
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from wherry.errors import LockError
from wherry.lock.applying import may_apply
from wherry.lock.archives import split_hash, valid_path
from wherry.lock.assemble import LockedFile, indexed_package
from wherry.lock.pdm.declared import parse_requirement
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from packaging.utils import NormalizedName

    from wherry.lock.archives import Archives
    from wherry.lock.document import Table
    from wherry.lock.pdm.declared import Needed
    from wherry.lock.variables import DeclaredTexts
    from wherry.target import Target

__all__ = ["PLACES", "LockedPackage", "convert", "locked_packages"]

_VCS = ("git", "hg", "svn", "bzr")
PLACES = (*_VCS, "url")
"""The keys of an entry that say where a package comes from, and may name variables."""


class LockedPackage(Struct, frozen=True, kw_only=True):
    """One ``[[package]]``: a distribution, or the part of it that some of its extras add.

    Attributes:
        extras: the extras whose dependencies these are; empty for the distribution itself.
        groups: the groups that need it; None where the lock does not record them.
        marker: when they need it; None for always.
        files: the tables of its files.
    """

    name: NormalizedName
    version: Version
    extras: frozenset[NormalizedName]
    groups: frozenset[NormalizedName] | None
    marker: Marker | None
    python: SpecifierSet | None
    dependencies: tuple[Needed, ...]
    files: tuple[Table, ...]
    table: Table


def locked_packages(lock: Table, target: Target) -> tuple[LockedPackage, ...]:
    """Every package of the lock that may apply to the target.

    Raises:
        LockError: an entry is not of the expected shape.
    """
    files = lock.table("metadata").table("files")
    return tuple(
        _locked(package, files)
        for package in lock.tables("package")
        if may_apply(package.data.get("marker"), target)
    )


def _locked(table: Table, files: Table) -> LockedPackage:
    spelled = table.required("name", str)
    version = table.required("version", str)
    # Up to 4.2, one table has the files of all packages.
    entries = table.tables("files") if "files" in table else files.tables(f"{spelled} {version}")
    groups = frozenset(map(canonicalize_name, table.strings("groups")))
    return LockedPackage(
        name=table.parse("name", spelled, lambda text: canonicalize_name(text, validate=True)),
        version=table.parse("version", version, Version),
        extras=frozenset(map(canonicalize_name, table.strings("extras"))),
        groups=groups or None,
        marker=table.parsed("marker", Marker),
        python=table.parsed("requires_python", SpecifierSet),
        dependencies=tuple(map(parse_requirement, table.strings("dependencies"))),
        files=tuple(entries),
        table=table,
    )


def convert(
    package: LockedPackage,
    marker: Marker | None,
    sources: Sequence[str | None],
    archives: Archives,
    declared: DeclaredTexts,
) -> Package:
    """The package as PEP 751 has it.

    ``package`` is the entry of the distribution itself, and ``sources`` are the indexes that may have it.

    Raises:
        LockError: the lock records nothing that it could be fetched by.
    """
    table, name = package.table, package.name
    hashes = [entry.required("hash", str) for entry in package.files]
    subdirectory = table.optional("subdirectory", str)
    for kind in _VCS:
        if (url := table.optional(kind, str)) is None:
            continue
        if table.optional("revision", str) is None:
            raise LockError(
                f"`{table.file}` records no commit of `{name}`",
                where=[f"{table.place}: PDM records none of what is editable"],
                hint=f"take `-e` away from `{name}` in `pyproject.toml`, and run `pdm lock`",
            )
        vcs = PackageVcs(
            type=kind,
            url=declared.expanded(url, table, kind),
            requested_revision=table.optional("ref", str),
            commit_id=table.required("revision", str),
            subdirectory=subdirectory,
        )
        return Package(name=name, version=package.version, marker=marker, vcs=vcs)
    if (place := table.optional("path", str)) is not None:
        place = valid_path(place, table, "path")
        if (archives.base / place).is_dir() or not place.endswith((".whl", ".gz", ".zip")):
            directory = PackageDirectory(path=place, subdirectory=subdirectory)
            return Package(name=name, marker=marker, directory=directory)
        archive = archives.find(name, place, hashes, table, remote=False)
    elif (url := table.optional("url", str)) is not None:
        url = declared.expanded(url, table, "url")
        archive = archives.find(name, url, hashes, table, remote=True)
    else:
        return _indexed(package, marker, sources, archives)
    return Package(name=name, version=package.version, marker=marker, archive=archive)


def _indexed(
    package: LockedPackage,
    marker: Marker | None,
    sources: Sequence[str | None],
    archives: Archives,
) -> Package:
    name, version, table = package.name, package.version, package.table
    files: list[LockedFile] = []
    for entry in package.files:
        url, filename = entry.optional("url", str), entry.optional("file", str)
        pair = split_hash(entry.required("hash", str))
        if url is not None and not url.startswith(("https://", "http://")):
            raise entry.wrong("url", "it must begin with `https://`")
        if url is not None:
            filename = unquote(entry.parse("url", url, urlsplit).path.rpartition("/")[2])
        if pair is not None and filename:
            files.append(LockedFile(filename=filename, hashes=dict([pair]), url=url))
    index = sources[0]
    # The lock does not say which of several indexes has a file.
    if len(sources) > 1 and any(file.url is None for file in files):
        hashes = [entry.required("hash", str) for entry in package.files]
        index, files = archives.find_by_hash(name, version, hashes, sources, table)
    return indexed_package(name, version, files, marker=marker, index=index, table=table)
