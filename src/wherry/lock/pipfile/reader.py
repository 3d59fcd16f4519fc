"""``Pipfile.lock``: names, versions and hashes by category; the names of files are the index's to tell."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from wherry.errors import LockError
from wherry.indexes.declared import is_pypi
from wherry.indexes.variables import expand_variables
from wherry.lock.document import read_json, read_toml
from wherry.lock.model import Lock, LockFormat

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from packaging.pylock import Package
    from packaging.utils import NormalizedName

    from wherry.events import Reporter
    from wherry.lock.document import Table
    from wherry.lock.model import FindFiles, LockRequest

__all__ = ["group_names", "read_pipfile_lock"]

_SPEC = 6
_HINT = "run `pipenv lock`"
_CONCURRENT = 16


def read_pipfile_lock(
    path: Path, request: LockRequest, find_files: FindFiles | None, reporter: Reporter
) -> Lock:
    """Read ``Pipfile.lock``; ``develop`` and other categories are groups.

    Raises:
        LockError: it is no sound lock, of an unknown version, older than its ``Pipfile``, or lacks a category
            that was asked for; or no file with a recorded hash can be found.
    """
    from wherry.lock.assemble import known, make_pylock, without_project

    lock = read_json(path, hint=_HINT)
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
        _check_fresh(meta, read_toml(pipfile))
    _check_python(meta, request)
    categories = sorted(key for key in lock.data if key not in {"_meta", "default"})
    asked = group_names(request.groups, development="develop")
    groups = known("group", asked, categories, path)
    known("extra", request.extras, (), path)
    entries = _merged(lock, ("default", *groups))
    packages = _packages(entries, meta, path, find_files, request, reporter)
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


def group_names(groups: Iterable[str], *, development: str) -> list[str]:
    """The names of categories; that of the development one is written in three ways."""
    aliases = dict.fromkeys(("dev", "develop", "dev-packages"), development)
    return [aliases.get(name, name) for name in groups]


def _check_fresh(meta: Table, pipfile: Table) -> None:
    from wherry.lock.pipfile.declared import pipfile_hash

    recorded = meta.table("hash").optional("sha256", str)
    # Without a [[source]], pipenv hashes its built-in one, which is recorded in the lock.
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


def _check_python(meta: Table, request: LockRequest) -> None:
    from wherry.errors import TargetError

    requires = meta.table("requires")
    wanted = requires.optional("python_version", str) or requires.optional(
        "python_full_version", str
    )
    # `python_version` may be a mere "3".
    version = f"{request.target.runtime.python_version}."
    if wanted is not None and not version.startswith(f"{_minor(wanted)}."):
        raise TargetError(
            f"the project is not for {request.target.runtime.name}",
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
    entries: Mapping[NormalizedName, Sequence[Table]],
    meta: Table,
    path: Path,
    find_files: FindFiles | None,
    request: LockRequest,
    reporter: Reporter,
) -> list[Package]:
    """PEP 751 packages, several at a time, since an index is asked about each."""
    from concurrent.futures import ThreadPoolExecutor

    sources = dict(_sources(meta))

    def convert(item: tuple[NormalizedName, Sequence[Table]]) -> Package | LockError:
        name, tables = item
        try:
            return _package(name, tables, sources, path, find_files, request, reporter)
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


def _package(
    name: NormalizedName,
    tables: Sequence[Table],
    sources: Mapping[str, str],
    path: Path,
    find_files: FindFiles | None,
    request: LockRequest,
    reporter: Reporter,
) -> Package:
    from packaging.pylock import Package, PackageDirectory, PackageVcs

    from wherry.lock.direct import local_archive, remote_archive, sound_path
    from wherry.lock.locate import split_hash

    entry = tables[0]
    marker = _marker(tables)
    hashes = dict(pair for text in entry.strings("hashes") if (pair := split_hash(text)))
    subdirectory = entry.optional("subdirectory", str)
    for kind in ("git", "hg", "svn", "bzr"):
        if (url := entry.optional(kind, str)) is not None:
            return Package(
                name=name,
                marker=marker,
                vcs=PackageVcs(
                    type=kind,
                    url=expand_variables(url).removeprefix("git+"),
                    commit_id=entry.required("ref", str),
                    subdirectory=subdirectory,
                ),
            )
    for key in ("path", "file"):
        place = entry.optional(key, str)
        if place is None:
            continue
        place = expand_variables(place)
        if re.match(r"https?://", place):
            archive = remote_archive(
                name, place, hashes, subdirectory, request, reporter, entry.file
            )
            return Package(name=name, marker=marker, archive=archive)
        place = sound_path(_without_scheme(place), entry, key)
        if (path.parent / place).is_dir() or not place.endswith((".whl", ".gz", ".zip")):
            directory = PackageDirectory(path=place, subdirectory=subdirectory)
            return Package(name=name, marker=marker, directory=directory)
        archive = local_archive(place, hashes, path.parent, entry, subdirectory)
        return Package(name=name, marker=marker, archive=archive)
    return _indexed(name, entry, marker, sources, find_files)


def _indexed(
    name: NormalizedName,
    entry: Table,
    marker: object,
    sources: Mapping[str, str],
    find_files: FindFiles | None,
) -> Package:
    from packaging.markers import Marker
    from packaging.pylock import Package
    from packaging.version import Version

    from wherry.lock.assemble import files_of
    from wherry.lock.locate import locate

    pinned = entry.required("version", str)
    version = entry.parse("version", re.sub(r"^\s*={2,3}\s*", "", pinned), Version)
    named = entry.optional("index", str)
    if named is not None and named not in sources:
        raise entry.wrong("index", f"`_meta.sources` has no `{named}`")
    asked = [sources[named]] if named else list(sources.values())
    index, files = locate(
        name,
        version,
        entry.strings("hashes"),
        list(dict.fromkeys(map(_recorded, asked))) or [None],
        find_files,
        entry,
    )
    wheels, sdist = files_of(name, version, files, index=index)
    if not wheels and sdist is None:
        raise entry.wrong("hashes", f"there is no wheel and no sdist of `{name}=={version}`")
    return Package(
        name=name,
        version=version,
        marker=marker if isinstance(marker, Marker) else None,
        index=index,
        sdist=sdist,
        wheels=wheels or None,
    )


def _recorded(source: str) -> str | None:
    """The address of an index as it may be kept, None for the default one.

    Pipenv names the public index in every lock; then a mirror that the environment names stands in.
    """
    return None if is_pypi(source) else source.rstrip("/")


def _unhashed(entry: Table) -> bool:
    """Whether it is at a URL, with nothing recorded to know it by."""
    place = entry.data.get("file") or entry.data.get("path")
    return isinstance(place, str) and "://" in place and not entry.data.get("hashes")


def _marker(tables: Sequence[Table]) -> Any:
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
