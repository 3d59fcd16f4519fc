"""``pdm.lock`` of the versions 4.0 to 4.5: https://pdm-project.org/en/latest/usage/lock-targets/.

- With the strategy ``inherit_metadata``, which is the default since 2.11, every package has its groups and marker.
- Without it, what a group needs is found by following the dependencies from ``pyproject.toml``.
- Files are names with hashes; addresses with ``static_urls`` and up to version 4.2.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from wherry.errors import LockError
from wherry.events import Warned
from wherry.indexes.declared import is_pypi
from wherry.indexes.simple import index_finder
from wherry.lock.archives import Archives
from wherry.lock.assemble import any_marker, check_python, known, make_pylock
from wherry.lock.document import read_toml
from wherry.lock.model import Lock
from wherry.lock.pdm.declared import (
    DEFAULT,
    content_hashes,
    groups_of,
    texts_with_variables,
    workspace_members,
)
from wherry.lock.pdm.needed import needed_packages
from wherry.lock.pdm.package import convert, locked_packages, variables
from wherry.target import admits

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from packaging.markers import Marker
    from packaging.utils import NormalizedName

    from wherry.context import Context
    from wherry.lock.document import Table
    from wherry.lock.model import LockRequest
    from wherry.lock.pdm.package import LockedPackage
    from wherry.target import Target

__all__ = ["read"]

_HINT = "run `pdm lock`"
_NEWEST = (4, 5)
_CONCURRENT = 16


def read(path: Path, request: LockRequest, context: Context) -> Lock:
    """Read ``pdm.lock`` and the ``pyproject.toml`` beside it.

    Raises:
        LockError: it is malformed, of an unknown version, older than its ``pyproject.toml``, for other targets,
            or lacks a group or extra that was asked for.
        TargetError: the project is not for the target's Python.
    """
    lock = read_toml(path, context.files, hint=_HINT)
    _check_version(lock, path)
    pyproject_path = path.parent / "pyproject.toml"
    if not pyproject_path.is_file():
        raise LockError(
            f"`{path.name}` has no `pyproject.toml` beside it",
            where=[f"{path.parent}: `pyproject.toml` says which of the locked packages are needed"],
        )
    pyproject = read_toml(pyproject_path, context.files)
    if not request.frozen:
        _check_fresh(lock, pyproject_path, context)
    project = pyproject.table("project")
    python = project.parsed("requires-python", SpecifierSet)
    check_python(python, context.target, pyproject_path)
    _check_targets(lock, context.target)

    groups = groups_of(pyproject)
    optional = {canonicalize_name(name) for name in project.table("optional-dependencies").data}
    metadata = lock.table("metadata")
    locked = set(map(canonicalize_name, metadata.strings("groups"))) or set(groups)
    extras = known("extra", request.extras, locked & optional, path)
    others = locked & set(groups) - optional - {DEFAULT}
    wanted = [DEFAULT, *known("group", request.groups, others, path), *extras]
    packages = locked_packages(lock, context.target)
    if "inherit_metadata" in metadata.strings("strategy"):
        chosen = _by_groups(packages, [canonicalize_name(name) for name in wanted])
    else:
        roots = [each for name in wanted for each in groups.get(canonicalize_name(name), ())]
        chosen = [(each, None) for each in needed_packages(packages, roots, context.target)]

    context.network.consult(path.parent)
    sources = _sources(pyproject)
    declared = texts_with_variables(pyproject)
    with index_finder(context.network, context.files) as find_files:
        archives = Archives(
            base=path.parent,
            root=request.root,
            find_files=find_files,
            context=context,
            by_hash=request.by_hash,
        )
        with ThreadPoolExecutor(_CONCURRENT) as pool:
            converted = list(
                pool.map(
                    lambda each: convert(each[0], each[1], sources, archives, declared), chosen
                )
            )
    return Lock(
        pylock=make_pylock(converted, requires_python=python, extras=sorted(optional)),
        path=path,
        base=path.parent,
        inputs=(path, pyproject_path, *workspace_members(pyproject_path, context.files)),
        stable=not archives.unhashed,
        extras=extras,
        member=request.root,
        variables=variables(packages, declared),
    )


def _check_version(lock: Table, path: Path) -> None:
    text = lock.table("metadata").optional("lock_version", str) or ""
    parts = text.split(".")
    valid = len(parts) in {2, 3} and all(
        part.isascii() and part.isdecimal() and len(part) <= 3 for part in parts
    )
    version = (int(parts[0]), int(parts[1])) if valid else (0, 0)
    if version[0] != _NEWEST[0] or version > _NEWEST:
        raise LockError(
            f"`{path.name}` is of the unknown lock version {text}".rstrip(),
            where=[f"{path}: metadata.lock_version: this Wherry knows 4.0 to 4.5"],
            hint="update Wherry, or lock again with a PDM that it knows",
        )


def _check_fresh(lock: Table, pyproject: Path, context: Context) -> None:
    metadata = lock.table("metadata")
    recorded = metadata.optional("content_hash", str)
    if recorded and recorded in content_hashes(pyproject, context.files):
        return
    if recorded and "lock_inputs" in metadata:
        context.reporter.emit(
            Warned(
                text=f"`{pyproject.name}` has changed since `{lock.file}` was made; only PDM can compare "
                "`lock_inputs`",
                hint="run `pdm lock --check`",
            )
        )
        return
    problem = f"this is not the hash of the dependencies that `{pyproject.name}` has now"
    raise LockError(
        f"`{lock.file}` is older than `{pyproject.name}`",
        where=[f"{lock.file}: metadata.content_hash: {problem if recorded else 'this is missing'}"],
        hint=_HINT,
    )


def _check_targets(lock: Table, target: Target) -> None:
    """Check that one of the targets that the project was locked for is the target, or includes it."""
    architecture = str(target.environment["platform_machine"])
    shown = []
    for entry in lock.table("metadata").tables("targets"):
        python = entry.parsed("requires_python", SpecifierSet)
        platform = entry.optional("platform", str)
        implementation = entry.optional("implementation", str) or "cpython"
        fits = platform is None or (
            platform.startswith("manylinux") and platform.endswith(f"_{architecture}")
        )
        # A short name of PDM's.
        fits |= platform == "linux" and architecture == "x86_64"
        if fits and implementation == "cpython" and (not python or admits(python, target.runtime)):
            return
        shown.append(" ".join(filter(None, (str(python or ""), platform, implementation))))
    if shown:
        raise LockError(
            f"`{lock.file}` is not for {target}",
            where=[f"{lock.file}: it was locked for {each}" for each in shown],
            hint=f"run `pdm lock --append --python '=={target.runtime.python_version}.*' "
            f"--platform manylinux_2_34_{architecture} --implementation cpython`",
        )


def _by_groups(
    packages: Iterable[LockedPackage], wanted: Sequence[NormalizedName]
) -> list[tuple[LockedPackage, Marker | None]]:
    """The packages of these groups with the markers under which they, or extras of them, are needed."""
    chosen: dict[tuple[str, str, str], list[LockedPackage]] = {}
    for package in packages:
        if package.groups is None:
            raise package.table.wrong("groups", "this is missing")
        if package.groups.intersection(wanted):
            places = [str(package.table.data.get(key) or "") for key in ("path", "url", "git")]
            key = (package.name, str(package.version), "\n".join(places))
            chosen.setdefault(key, []).append(package)
    return [
        (
            next((each for each in entries if not each.extras), entries[0]),
            any_marker(each.marker for each in entries),
        )
        for entries in chosen.values()
    ]


def _sources(pyproject: Table) -> tuple[str | None, ...]:
    """The addresses of the project's indexes in their order; None stands for the default one."""
    urls: dict[str | None, None] = {}
    replaced = False
    for source in pyproject.table("tool").table("pdm").tables("source"):
        url = source.required("url", str)
        if source.optional("type", str) == "find_links":
            continue
        replaced |= source.optional("name", str) == "pypi"
        urls[None if is_pypi(url) else url.rstrip("/")] = None
    return tuple(urls) if replaced else tuple(dict.fromkeys((None, *urls)))
