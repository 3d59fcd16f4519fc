"""``Pipfile.lock``: names, versions and hashes by category; the index is asked for the names of files."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import TYPE_CHECKING

from packaging.markers import Marker
from packaging.pylock import Package, PackageDirectory, PackageVcs
from packaging.utils import canonicalize_name
from packaging.version import Version

from wherry.errors import LockError, TargetError
from wherry.events import Note, Warned
from wherry.indexes.declared import is_pypi
from wherry.indexes.login import origin
from wherry.lock.applying import may_apply
from wherry.lock.archives import valid_path
from wherry.lock.assemble import any_marker, indexed_package, known, make_pylock
from wherry.lock.document import read_json, read_toml
from wherry.lock.model import Lock
from wherry.lock.pipfile.declared import declared_markers, group_names, texts_with_variables
from wherry.lock.pipfile.freshness import check_fresh
from wherry.lock.tool_lock import open_archives
from wherry.lock.variables import DeclaredTexts
from wherry.untrusted import file_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from packaging.utils import NormalizedName

    from wherry.context import Context
    from wherry.lock.archives import Archives
    from wherry.lock.document import Table
    from wherry.lock.model import LockRequest
    from wherry.target import Target

__all__ = ["read"]

_SPEC = 6
_HINT = "run `pipenv lock`"
_CONCURRENT = 16
_VCS = ("git", "hg", "svn", "bzr")


def read(path: Path, request: LockRequest, context: Context) -> Lock:
    """Read ``Pipfile.lock``; ``develop`` and other categories are groups.

    Raises:
        LockError: it is malformed, of an unknown version, older than its ``Pipfile``, or lacks a category
            that was asked for; or no file with a recorded hash can be found.
    """
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
    texts: frozenset[str] = frozenset()
    markers: Mapping[str, str] = {}
    if alone := not pipfile.is_file():
        inputs: tuple[Path, ...] = (path,)
    else:
        inputs = (path, pipfile)
        declaration = read_toml(pipfile, context.files)
        if not request.frozen:
            check_fresh(lock, declaration, context.reporter, hint=_HINT)
        texts = texts_with_variables(declaration)
        markers = declared_markers(declaration)
    declared = DeclaredTexts(
        texts=texts,
        file=pipfile.name,
        network=context.network,
        hint=f"keep `Pipfile` beside the lock, and {_HINT}",
    )
    _check_python(meta, request, context)
    categories = sorted(key for key in lock.data if key not in {"_meta", "default"})
    asked = group_names(request.groups, development="develop")
    groups = known("group", asked, categories, path)
    known("extra", request.extras, (), path)
    entries = _merged(lock, ("default", *groups), context.target, markers)
    sources = dict(_sources(meta))
    with open_archives(path, request, context) as archives:
        _learn_indexes(meta, path, context, alone=alone)
        packages = _packages(entries, sources, archives, declared, path)
    return Lock(
        pylock=make_pylock(packages),
        path=path,
        base=path.parent,
        inputs=inputs,
        stable=not archives.unhashed,
        variables=declared.deciding(chain.from_iterable(entries.values()), (*_VCS, "path", "file")),
        member=request.root,
    )


def _learn_indexes(meta: Table, path: Path, context: Context, *, alone: bool) -> None:
    """Tell the network what the lock calls its indexes, before the first of them is asked."""
    names = {url: name for name, url in _sources(meta) if name != url}
    for index in context.network.learn(names, lock=path.name, alone=alone):
        context.reporter.emit(
            Note(
                text=f"the password of the index `{index.name}` is sent to {origin(index.url)}, "
                f"which only `{path.name}` declares"
            )
        )


def _check_python(meta: Table, request: LockRequest, context: Context) -> None:
    requires = meta.table("requires")
    wanted = requires.optional("python_version", str) or requires.optional(
        "python_full_version", str
    )
    # `python_version` may be "3" alone.
    target = context.target
    version = f"{target.runtime.python_version}."
    if wanted is None or version.startswith(f"{_minor(wanted)}."):
        return
    if request.asked_runtime:
        text = (
            f"`{meta.file}` was locked for Python {wanted}, and {target.runtime.name} was asked for"
        )
        context.reporter.emit(Warned(text=text, hint="lock again with that Python"))
    else:
        raise TargetError(
            f"the project is not for {target.runtime.name}",
            where=[f"{meta.file}: it was locked for Python {wanted}"],
            hint=f"choose --runtime python{_minor(wanted)}, or lock again",
        )


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _merged(
    lock: Table, categories: Sequence[str], target: Target, markers: Mapping[str, str]
) -> dict[NormalizedName, list[Table]]:
    """The entries of these categories that may apply to the target, by normalized name.

    Pipenv locks what is not for the system where it runs without a version, and may leave out why: ``markers`` are those
    of the ``Pipfile``.
    """
    merged: dict[NormalizedName, list[Table]] = {}
    for category in categories:
        table = lock.table(category)
        for spelled, entry in table.each_table():
            if not may_apply(entry.data.get("markers"), target):
                continue
            name = table.parse(
                spelled, spelled, lambda text: canonicalize_name(text, validate=True)
            )
            if _is_unresolved(entry) and not may_apply(markers.get(name), target):
                continue
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
    sources: Mapping[str, str],
    archives: Archives,
    declared: DeclaredTexts,
    path: Path,
) -> list[Package]:
    """PEP 751 packages, several at a time, since an index is asked about each."""

    def convert(item: tuple[NormalizedName, Sequence[Table]]) -> Package | LockError:
        try:
            return _convert(*item, sources, archives, declared)
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


def _convert(
    name: NormalizedName,
    tables: Sequence[Table],
    sources: Mapping[str, str],
    archives: Archives,
    declared: DeclaredTexts,
) -> Package:
    """The package of the entries that one distribution has, one for each category."""
    entry = tables[0]
    marker = any_marker(table.parsed("markers", Marker) for table in tables)
    subdirectory = entry.optional("subdirectory", str)
    for kind in _VCS:
        if (url := entry.optional(kind, str)) is not None:
            vcs = PackageVcs(
                type=kind,
                url=declared.expanded(url.removeprefix("git+"), entry, kind),
                commit_id=entry.required("ref", str),
                subdirectory=subdirectory,
            )
            return Package(name=name, marker=marker, vcs=vcs)
    for key in ("path", "file"):
        if (place := entry.optional(key, str)) is None:
            continue
        place = declared.expanded(place, entry, key)
        remote = re.match(r"https?://", place) is not None
        if not remote:
            place = file_path(place) if place.startswith("file:") else place
            place = valid_path(place, entry, key)
            if (archives.base / place).is_dir() or not place.endswith((".whl", ".gz", ".zip")):
                directory = PackageDirectory(path=place, subdirectory=subdirectory)
                return Package(name=name, marker=marker, directory=directory)
        archive = archives.find(name, place, entry.strings("hashes"), entry, remote=remote)
        return Package(name=name, marker=marker, archive=archive)
    return _indexed(name, entry, marker, sources, archives)


def _is_unresolved(entry: Table) -> bool:
    return str(entry.data.get("version")).strip() == "*"


def _indexed(
    name: NormalizedName,
    entry: Table,
    marker: Marker | None,
    sources: Mapping[str, str],
    archives: Archives,
) -> Package:
    pinned = entry.required("version", str)
    if _is_unresolved(entry):
        raise LockError(
            f"`{entry.file}` has no version of `{name}`",
            where=[f"{entry.place}: pipenv did not look for one on the system where it was run"],
            hint="lock again on Linux, or give it a marker in `Pipfile` that says where it is needed",
        )
    version = entry.parse("version", re.sub(r"^\s*={2,3}\s*", "", pinned), Version)
    source = entry.optional("index", str)
    if source is not None and source not in sources:
        raise entry.wrong("index", f"`_meta.sources` has no `{source}`")
    asked = [sources[source]] if source else list(sources.values())
    indexes = list(dict.fromkeys(map(_recorded, asked))) or [None]
    hashes = entry.strings("hashes")
    index, files = archives.find_by_hash(name, version, hashes, indexes, entry)
    return indexed_package(name, version, files, marker=marker, index=index, table=entry)


def _recorded(source: str) -> str | None:
    """The address of an index, None for the default one.

    Pipenv names PyPI in every lock; a mirror that the environment names is asked in its place.
    """
    return None if is_pypi(source) else source.rstrip("/")
