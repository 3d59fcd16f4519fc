"""``pyproject.toml`` without a lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.lock.assemble import check_python, known, resolved_lock
from wherry.lock.declared import declares_dependencies, read_declared
from wherry.lock.document import read_toml
from wherry.lock.formats import LockFormat
from wherry.lock.resolve import Requirements, not_locked, resolve

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.context import Context
    from wherry.lock.model import Lock, LockRequest

__all__ = ["read"]


def read(path: Path, request: LockRequest, context: Context) -> Lock:
    """Resolve what ``pyproject.toml`` declares, in ``[project]`` or to Poetry.

    Raises:
        LockError: it is malformed, cannot be resolved, or lacks a group or extra that was asked for.
        TargetError: the project is not for the target's Python.
        ToolError: uv is missing.
    """
    from packaging.specifiers import SpecifierSet

    from wherry.lock.poetry.unlocked import poetry_requirements
    from wherry.lock.unlocked.nothing import empty_lock

    pyproject = read_toml(path, context.files)
    project = pyproject.table("project")
    if not (request.groups or request.extras or declares_dependencies(pyproject)):
        requires_python = project.parsed("requires-python", SpecifierSet)
        return empty_lock(
            path, request, format=LockFormat.PYPROJECT, requires_python=requires_python
        )
    context.reporter.emit(not_locked(path))
    poetry = pyproject.table("tool").table("poetry")
    if "project" not in pyproject or ("dependencies" in poetry and "dependencies" not in project):
        requirements, extras = poetry_requirements(path, pyproject, request, context)
    else:
        declared = read_declared(pyproject)
        requires_python = project.parsed("requires-python", SpecifierSet)
        check_python(requires_python, context.target, path)
        extras = request.extras
        if "optional-dependencies" not in declared.dynamic:
            extras = known("extra", request.extras, declared.extras, path)
        offered = pyproject.table("dependency-groups").data
        groups = known("group", request.groups, offered, path)
        requirements = Requirements(
            name=path.name,
            base=path.parent,
            requires_python=requires_python,
            options=(
                path.name,
                *(f"--extra={extra}" for extra in extras),
                *(f"--group={group}" for group in groups),
            ),
        )
    pylock = resolve(requirements, context)
    return resolved_lock(pylock, path, request, format=LockFormat.PYPROJECT, extras=extras)
