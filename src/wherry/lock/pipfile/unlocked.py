"""A ``Pipfile`` without a lock: written again as requirements, and resolved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.lock.assemble import known, resolved_lock
from wherry.lock.document import read_toml
from wherry.lock.formats import LockFormat
from wherry.lock.pipfile.declared import categories, group_names, requirement_lines
from wherry.lock.resolve import Requirements, not_locked, resolve

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.context import Context
    from wherry.lock.model import Lock, LockRequest

__all__ = ["read"]


def read(path: Path, request: LockRequest, context: Context) -> Lock:
    """Resolve what a ``Pipfile`` declares.

    Raises:
        LockError: it is malformed, cannot be resolved, or lacks a category that was asked for.
        ToolError: uv is missing.
    """
    context.reporter.emit(not_locked(path))
    pipfile = read_toml(path, context.files)
    asked = group_names(request.groups, development="dev-packages")
    groups = known("group", asked, categories(pipfile), path)
    known("extra", request.extras, (), path)
    prereleases = pipfile.table("pipenv").optional("allow_prereleases", bool)
    requirements = Requirements(
        name=path.name,
        base=path.parent,
        text="\n".join(requirement_lines(pipfile, groups)) + "\n",
        options=("--prerelease=allow",) if prereleases else (),
    )
    pylock = resolve(requirements, context)
    return resolved_lock(pylock, path, request, format=LockFormat.PIPFILE)
