"""``poetry.lock``, of every version that Poetry has written.

- 2.1 (Poetry 2) records the groups of every package, and the markers under which each group needs it.
- 2.0 and 1.x record neither: what a group needs is found by following the project's own dependencies.
- 1.x keeps the files of all packages in one table, by name; its first versions keep hashes without file names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from wherry.lock.applying import may_apply
from wherry.lock.assemble import any_marker, check_python, known, make_pylock
from wherry.lock.document import read_toml
from wherry.lock.model import Lock
from wherry.lock.poetry.constraint import parse_constraint
from wherry.lock.poetry.declared import content_hashes, poetry_project
from wherry.lock.poetry.needed import needed_packages
from wherry.lock.poetry.package import convert, locked_packages
from wherry.lock.tool_lock import check_hash, lock_version, open_archives, pyproject_beside

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from packaging.markers import Marker
    from packaging.utils import NormalizedName

    from wherry.context import Context
    from wherry.lock.document import Table
    from wherry.lock.model import LockRequest
    from wherry.lock.poetry.package import LockedPackage

__all__ = ["read"]

_HINT = "run `poetry lock`"


def read(path: Path, request: LockRequest, context: Context) -> Lock:
    """Read ``poetry.lock`` and the ``pyproject.toml`` beside it.

    Of a lock without groups and markers, only what the target needs is in the result.

    Raises:
        LockError: it is malformed, of an unknown version, older than its ``pyproject.toml``, or lacks a
            group or extra that was asked for.
        TargetError: the project is not for the target's Python.
    """
    lock = read_toml(path, context.files, hint=_HINT)
    version = lock_version(
        lock, "lock-version", path, tool="Poetry", known=("1.0", "2.1"), default="1.0"
    )
    pyproject = pyproject_beside(path, context.files)
    pyproject_path = path.with_name("pyproject.toml")
    if not request.frozen:
        check_hash(lock, "content-hash", content_hashes(pyproject))
    project = poetry_project(pyproject)
    recorded = lock.table("metadata").parsed("python-versions", parse_constraint)
    for python in (project.python, recorded):
        check_python(python, context.target, pyproject_path)

    others = {*project.groups, *_recorded_groups(lock)} - {canonicalize_name("main")}
    groups = known("group", request.groups, others, path)
    extras = known("extra", request.extras, project.extras, path)
    packages = locked_packages(lock, context.target, extras)
    wanted = [canonicalize_name(name) for name in ("main", *groups)]
    if version >= (2, 1):
        chosen = [
            (package, marker)
            for package, marker in _by_groups(packages, wanted)
            if may_apply(marker and str(marker), context.target, extras=extras)
        ]
    else:
        needed = needed_packages(packages, project, wanted, extras, context.target)
        chosen = [(package, None) for package in needed]
    with open_archives(path, request, context) as archives:
        context.network.learn(dict(_index_names(packages)), lock=path.name, alone=False)
        converted = [convert(package, marker, archives) for package, marker in chosen]
    return Lock(
        pylock=make_pylock(
            converted, requires_python=project.requires_python, extras=sorted(project.extras)
        ),
        path=path,
        base=path.parent,
        inputs=(path, pyproject_path),
        stable=not archives.unhashed,
        extras=extras,
        member=request.root,
    )


def _index_names(packages: Iterable[LockedPackage]) -> Iterator[tuple[str, str]]:
    for package in packages:
        source = package.table.table("source")
        url, name = source.optional("url", str), source.optional("reference", str)
        if source.optional("type", str) == "legacy" and url is not None and name is not None:
            yield url.rstrip("/"), name


def _recorded_groups(lock: Table) -> Iterator[NormalizedName]:
    for package in lock.tables("package"):
        yield from map(canonicalize_name, package.strings("groups"))


def _by_groups(
    packages: Iterable[LockedPackage], wanted: Sequence[NormalizedName]
) -> list[tuple[LockedPackage, Marker | None]]:
    """The packages of these groups, each with the marker under which one of the groups needs it."""
    chosen: list[tuple[LockedPackage, Marker | None]] = []
    for package in packages:
        groups = package.groups
        if groups is None:
            raise package.table.wrong("groups", "this is missing")
        needing = [group for group in wanted if group in groups]
        if needing:
            marker = any_marker(package.markers.get(group) for group in needing)
            chosen.append((package, marker))
    return chosen
