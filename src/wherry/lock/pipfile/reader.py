"""``Pipfile.lock``: names, versions and hashes by category; the index is asked for the names of files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wherry.errors import LockError
from wherry.indexes.declared import is_pypi
from wherry.indexes.variables import expand_variables
from wherry.lock.document import read_json, read_toml
from wherry.lock.find_by_hash import find_by_hash, split_hash
from wherry.lock.formats import LockFormat
from wherry.lock.model import Lock
from wherry.lock.pipfile.declared import group_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from packaging.markers import Marker
    from packaging.pylock import Package
    from packaging.utils import NormalizedName

    from wherry.context import Context
    from wherry.indexes.files import FindFiles
    from wherry.lock.document import Table
    from wherry.lock.model import LockRequest
    from wherry.target import Target

__all__ = ["read"]

_SPEC = 6
_HINT = "run `pipenv lock`"
_CONCURRENT = 16


def read(path: Path, request: LockRequest, context: Context) -> Lock:
    """Read ``Pipfile.lock``; ``develop`` and other categories are groups.

    Raises:
        LockError: it is malformed, of an unknown version, older than its ``Pipfile``, or lacks a category
            that was asked for; or no file with a recorded hash can be found.
    """
    from wherry.indexes.simple import index_finder
    from wherry.lock.assemble import known, make_pylock, without_project

    lock = read_json(path, context.files, hint=_HINT)
    meta = lock.table("_meta")
    spec = meta.required("pipfile-spec", int)
    if spec != _SPEC:
        raise LockError(
            f"`{path.name}` is of the unknown version {spec}",
            where=[f"{path}: _meta.pipfile-spec: this Wherry knows {_SPEC}"],
            hint="update Wherry, or lock again with a pipenv that it knows",
        )
    pipfile = path.parent / "Pipfile"
    if pipfile.is_file():
        _check_fresh(meta, read_toml(pipfile, context.files))
    _check_python(meta, context.target)
    categories = sorted(key for key in lock.data if key not in {"_meta", "default"})
    asked = group_names(request.groups, development="develop")
    groups = known("group", asked, categories, path)
    known("extra", request.extras, (), path)
    entries = _merged(lock, ("default", *groups))
    sources = dict(_sources(meta))
    with index_finder(context.network) as find_files:
        converter = _Converter(
            sources=sources,
            base=path.parent,
            root=request.root,
            find_files=find_files,
            context=context,
        )
        packages = _packages(entries, converter, path)
    return Lock(
        pylock=without_project(make_pylock(packages), base=path.parent, project=request.root),
        format=LockFormat.PIPFILE_LOCK,
        path=path,
        base=path.parent,
        inputs=(path, *([pipfile] if pipfile.is_file() else [])),
        stable=not any(_unhashed(table) for tables in entries.values() for table in tables),
        index_names={url: name for name, url in _sources(meta)},
        member=request.root,
    )


def _check_fresh(meta: Table, pipfile: Table) -> None:
    from wherry.lock.pipfile.declared import pipfile_hash

    recorded = meta.table("hash").optional("sha256", str)
    # Without a [[source]], pipenv hashes its default source, which the lock records.
    if "source" not in pipfile:
        sources = list(meta.optional("sources", list) or [])
        pipfile = pipfile.child("", {**pipfile.data, "source": sources})
    if recorded is not None and recorded == pipfile_hash(pipfile):
        return
    raise LockError(
        f"`{meta.file}` is older than `Pipfile`",
        where=[f"{meta.file}: _meta.hash.sha256: this is not the hash of `Pipfile` as it is now"],
        hint=_HINT,
    )


def _check_python(meta: Table, target: Target) -> None:
    from wherry.errors import TargetError

    requires = meta.table("requires")
    wanted = requires.optional("python_version", str) or requires.optional(
        "python_full_version", str
    )
    # `python_version` may be "3" alone.
    version = f"{target.runtime.python_version}."
    if wanted is not None and not version.startswith(f"{_minor(wanted)}."):
        raise TargetError(
            f"the project is not for {target.runtime.name}",
            where=[f"{meta.file}: it was locked for Python {wanted}"],
            hint=f"choose --runtime python{_minor(wanted)}, or lock again",
        )


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _merged(lock: Table, categories: Sequence[str]) -> dict[NormalizedName, list[Table]]:
    """The entries of these categories by normalized name."""
    from packaging.utils import canonicalize_name

    merged: dict[NormalizedName, list[Table]] = {}
    for category in categories:
        table = lock.table(category)
        for spelled, entry in table.each_table():
            name = table.parse(
                spelled, spelled, lambda text: canonicalize_name(text, validate=True)
            )
            before = merged.setdefault(name, [])
            if before and before[0].data.get("version") != entry.data.get("version"):
                raise LockError(
                    f"`{lock.file}` has two versions of `{name}`",
                    where=[
                        f"{each.place}: {each.data.get('version')}" for each in (before[0], entry)
                    ],
                )
            before.append(entry)
    return merged


def _packages(
    entries: Mapping[NormalizedName, Sequence[Table]], converter: _Converter, path: Path
) -> list[Package]:
    """PEP 751 packages, several at a time, since an index is asked about each."""
    from concurrent.futures import ThreadPoolExecutor

    def convert(item: tuple[NormalizedName, Sequence[Table]]) -> Package | LockError:
        try:
            return converter.convert(*item)
        except LockError as error:
            return error

    with ThreadPoolExecutor(_CONCURRENT) as pool:
        results = list(pool.map(convert, entries.items()))
    errors = [result for result in results if isinstance(result, LockError)]
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise LockError(
            f"{len(errors)} packages of `{path.name}` cannot be read",
            where=[line for error in errors for line in (error.message, *error.where)],
            hint=errors[0].hint,
        )
    return [result for result in results if not isinstance(result, LockError)]


def _sources(meta: Table) -> Iterator[tuple[str, str]]:
    for source in meta.tables("sources"):
        url = source.required("url", str)
        yield source.optional("name", str) or url, url


@dataclass(frozen=True, kw_only=True, slots=True)
class _Converter:
    """Makes PEP 751 packages of a lock's entries.

    Attributes:
        sources: the addresses of the lock's indexes by name.
        base: the folder of the lock.
        root: the project's folder.
        find_files: asks an index for the names of files.
        context: what an archive without a hash is fetched with.
    """

    sources: Mapping[str, str]
    base: Path
    root: Path
    find_files: FindFiles
    context: Context

    def convert(self, name: NormalizedName, tables: Sequence[Table]) -> Package:
        """The package of the entries that one distribution has, one for each category."""
        from packaging.pylock import Package, PackageVcs

        entry = tables[0]
        marker = _marker(tables)
        for kind in ("git", "hg", "svn", "bzr"):
            if (url := entry.optional(kind, str)) is not None:
                return Package(
                    name=name,
                    marker=marker,
                    vcs=PackageVcs(
                        type=kind,
                        url=expand_variables(url).removeprefix("git+"),
                        commit_id=entry.required("ref", str),
                        subdirectory=entry.optional("subdirectory", str),
                    ),
                )
        for key in ("path", "file"):
            if (place := entry.optional(key, str)) is not None:
                return self._placed(name, entry, marker, key, expand_variables(place))
        return self._indexed(name, entry, marker)

    def _placed(
        self, name: NormalizedName, entry: Table, marker: Marker | None, key: str, place: str
    ) -> Package:
        """A folder, or an archive by path or URL."""
        from packaging.pylock import Package, PackageDirectory

        from wherry.lock.archives import LockedArchive, local_archive, remote_archive, valid_path

        remote = re.match(r"https?://", place) is not None
        subdirectory = entry.optional("subdirectory", str)
        if not remote:
            place = valid_path(_without_scheme(place), entry, key)
            if (self.base / place).is_dir() or not place.endswith((".whl", ".gz", ".zip")):
                directory = PackageDirectory(path=place, subdirectory=subdirectory)
                return Package(name=name, marker=marker, directory=directory)
        locked = LockedArchive(
            name=name,
            place=place,
            hashes=dict(pair for text in entry.strings("hashes") if (pair := split_hash(text))),
            subdirectory=subdirectory,
            table=entry,
        )
        if remote:
            archive = remote_archive(locked, self.root, self.context)
        else:
            archive = local_archive(locked, self.base)
        return Package(name=name, marker=marker, archive=archive)

    def _indexed(self, name: NormalizedName, entry: Table, marker: Marker | None) -> Package:
        from packaging.version import Version

        from wherry.lock.assemble import indexed_package

        pinned = entry.required("version", str)
        version = entry.parse("version", re.sub(r"^\s*={2,3}\s*", "", pinned), Version)
        source = entry.optional("index", str)
        if source is not None and source not in self.sources:
            raise entry.wrong("index", f"`_meta.sources` has no `{source}`")
        asked = [self.sources[source]] if source else list(self.sources.values())
        index, files = find_by_hash(
            name,
            version,
            entry.strings("hashes"),
            list(dict.fromkeys(map(_recorded, asked))) or [None],
            self.find_files,
            entry,
        )
        indexed = indexed_package(name, version, files, marker=marker, index=index)
        if indexed is None:
            raise entry.wrong("hashes", f"there is no wheel and no sdist of `{name}=={version}`")
        return indexed


def _recorded(source: str) -> str | None:
    """The address of an index, None for the default one.

    Pipenv names PyPI in every lock; a mirror that the environment names is asked in its place.
    """
    return None if is_pypi(source) else source.rstrip("/")


def _unhashed(entry: Table) -> bool:
    """Whether it is at a URL, and the lock records no hash of it."""
    place = entry.data.get("file") or entry.data.get("path")
    return isinstance(place, str) and "://" in place and not entry.data.get("hashes")


def _marker(tables: Sequence[Table]) -> Marker | None:
    """The marker under which one of the entries holds, or None."""
    from packaging.markers import Marker

    markers = [table.parsed("markers", Marker) for table in tables]
    if any(marker is None for marker in markers):
        return None
    texts = dict.fromkeys(str(marker) for marker in markers)
    return Marker(" or ".join(f"({text})" for text in texts))


def _without_scheme(place: str) -> str:
    from urllib.parse import unquote, urlsplit
    from urllib.request import url2pathname

    if not place.startswith("file:"):
        return place
    return url2pathname(unquote(urlsplit(place).path))
