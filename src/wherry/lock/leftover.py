"""Locks that another tool left behind: older than what the project declares, or made of another lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.errors import LockError
from wherry.events import SILENT
from wherry.lock.document import read_json, read_toml
from wherry.lock.formats import LockFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from wherry.files import ProjectFiles
    from wherry.lock.document import Table

__all__ = ["exported_from", "leftover_reason"]

_EXPORTERS = {
    "uv": LockFormat.UV,
    "poetry": LockFormat.POETRY,
    "pdm": LockFormat.PDM,
    "pipenv": LockFormat.PIPFILE_LOCK,
}


def exported_from(path: Path, files: ProjectFiles) -> LockFormat | None:
    """The format of the lock that a tool exports a ``pylock.toml`` from, if it says who made it."""
    try:
        creator = read_toml(path, files).data.get("created-by")
    except LockError:
        # Whoever reads it reports what is wrong.
        return None
    return _EXPORTERS.get(str(creator).partition("-")[0].lower())


def leftover_reason(
    path: Path, lock_format: LockFormat, others: Collection[LockFormat], files: ProjectFiles
) -> str | None:
    """Why a lock beside others is a leftover, judged by the project's files alone; None where it is none."""
    declaration = path.parent / (
        "Pipfile" if lock_format is LockFormat.PIPFILE_LOCK else "pyproject.toml"
    )
    if lock_format is not LockFormat.PYLOCK and not declaration.is_file():
        return f"there is no `{declaration.name}`"
    try:
        read = read_json if lock_format is LockFormat.PIPFILE_LOCK else read_toml
        table = read(path, files)
    except LockError:
        # Whoever reads it reports what is wrong.
        return None
    if lock_format is LockFormat.PYLOCK:
        made_of = exported_from(path, files)
        if made_of is not None and made_of in others:
            return f"it was exported from `{made_of.value.filename}`"
    try:
        fresh = _JUDGES[lock_format](table, path, files)
    except LockError:
        fresh = False
    return None if fresh else f"it is older than `{declaration.name}`"


def _is_fresh_uv(lock: Table, path: Path, files: ProjectFiles) -> bool:
    from wherry.lock.uv.freshness import check_fresh
    from wherry.lock.uv.local import local_packages

    if "version" in lock:
        check_fresh(lock, local_packages(lock, path.parent), path.parent, files, SILENT)
    return True


def _is_fresh_poetry(lock: Table, path: Path, files: ProjectFiles) -> bool:
    from wherry.lock.poetry.declared import content_hashes

    recorded = lock.table("metadata").optional("content-hash", str)
    pyproject = read_toml(path.parent / "pyproject.toml", files)
    return recorded is None or recorded in set(content_hashes(pyproject))


def _is_fresh_pdm(lock: Table, path: Path, files: ProjectFiles) -> bool:
    from wherry.lock.pdm.declared import content_hashes

    metadata = lock.table("metadata")
    recorded = metadata.optional("content_hash", str)
    if recorded is None or "lock_inputs" in metadata:
        return True
    return recorded in set(content_hashes(path.parent / "pyproject.toml", files))


def _is_fresh_pipfile(lock: Table, path: Path, files: ProjectFiles) -> bool:
    from wherry.lock.pipfile.freshness import check_fresh

    check_fresh(lock, read_toml(path.parent / "Pipfile", files), SILENT, hint="")
    return True


def _is_fresh_pylock(lock: Table, path: Path, files: ProjectFiles) -> bool:
    """Whether it is as new as what it records, and has what the project asks for on every target."""
    from packaging.utils import canonicalize_name

    from wherry.lock.applying import applying
    from wherry.lock.declared import read_declared
    from wherry.lock.pylock import check_provenance

    check_provenance(lock, path, files)
    pyproject = path.parent / "pyproject.toml"
    if not pyproject.is_file():
        return True
    names = (package.optional("name", str) for package in lock.tables("packages"))
    locked = {canonicalize_name(name or "") for name in names}
    declared = read_declared(read_toml(pyproject, files))
    return all(
        canonicalize_name(requirement.name) in locked
        for requirement in applying(declared.dependencies, None)
    )


_JUDGES: Mapping[LockFormat, Callable[[Table, Path, ProjectFiles], bool]] = {
    LockFormat.UV: _is_fresh_uv,
    LockFormat.POETRY: _is_fresh_poetry,
    LockFormat.PDM: _is_fresh_pdm,
    LockFormat.PIPFILE_LOCK: _is_fresh_pipfile,
    LockFormat.PYLOCK: _is_fresh_pylock,
}
