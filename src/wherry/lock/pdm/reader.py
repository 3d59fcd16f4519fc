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
from wherry.lock.pdm.package import PLACES, convert, locked_packages
from wherry.lock.tool_lock import check_hash, lock_version, open_archives, pyproject_beside
from wherry.lock.variables import DeclaredTexts
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
_CONCURRENT = 16


def read(path: Path, request: LockRequest, context: Context) -> Lock:
    """Read ``pdm.lock`` and the ``pyproject.toml`` beside it.

    Raises:
        LockError: it is malformed, of an unknown version, older than its ``pyproject.toml``, for other targets,
            or lacks a group or extra that was asked for.
        TargetError: the project is not for the target's Python.
    """
    lock = read_toml(path, context.files, hint=_HINT)
    lock_version(lock, "lock_version", path, tool="PDM", known=("4.0", "4.5"))
    pyproject = pyproject_beside(path, context.files)
    pyproject_path = path.with_name("pyproject.toml")
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

    sources = _sources(pyproject)
    declared = DeclaredTexts(
        texts=texts_with_variables(pyproject),
        file="pyproject.toml",
        network=context.network,
        hint=_HINT,
    )
    with (
        open_archives(path, request, context) as archives,
        ThreadPoolExecutor(_CONCURRENT) as pool,
    ):
        converted = list(
            pool.map(lambda each: convert(each[0], each[1], sources, archives, declared), chosen)
        )
    return Lock(
        pylock=make_pylock(converted, requires_python=python, extras=sorted(optional)),
        path=path,
        base=path.parent,
        inputs=(path, pyproject_path, *workspace_members(pyproject_path, context.files)),
        stable=not archives.unhashed,
        extras=extras,
        member=request.root,
        variables=declared.deciding((package.table for package in packages), PLACES),
    )


def _check_fresh(lock: Table, pyproject: Path, context: Context) -> None:
    hashes = content_hashes(pyproject, context.files)
    metadata = lock.table("metadata")
    recorded = metadata.optional("content_hash", str)
    if recorded and "lock_inputs" in metadata:
        if recorded in hashes:
            return
        context.reporter.emit(
            Warned(
                text=f"`{pyproject.name}` has changed since `{lock.file}` was made; only PDM can compare "
                "`lock_inputs`",
                hint="run `pdm lock --check`",
            )
        )
        return
    check_hash(lock, "content_hash", hashes)


def _check_targets(lock: Table, target: Target) -> None:
    """Check that one of the targets that the project was locked for is the target, or includes it."""
    architecture = target.architecture.machine
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
