"""Reading ``pylock.toml`` and ``pylock.NAME.toml`` (PEP 751)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.lock.assemble import known, without_project
from wherry.lock.document import read_toml
from wherry.lock.formats import LockFormat
from wherry.lock.model import Lock
from wherry.lock.pylock.document import validated
from wherry.lock.pylock.provenance import check_provenance
from wherry.lock.pylock.satisfied import check_satisfied

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.context import Context
    from wherry.lock.model import LockRequest

__all__ = ["read"]


def read(path: Path, request: LockRequest, context: Context) -> Lock:
    """Read a PEP 751 lock.

    Raises:
        LockError: it is of an unknown version, not a valid PEP 751 lock, older than the files it was made
            from, or lacks a group or extra that was asked for.
    """
    table = read_toml(path, context.files)
    pylock = validated(table, where=str(path))
    sources = check_provenance(table, path, context.files)
    check_satisfied(pylock, path, context)
    groups = known("group", request.groups, pylock.dependency_groups or (), path)
    extras = known("extra", request.extras, pylock.extras or (), path)
    return Lock(
        pylock=without_project(pylock, base=path.parent, project=request.root),
        format=LockFormat.PYLOCK,
        path=path,
        base=path.parent,
        inputs=(path, *sources),
        stable=True,
        groups=(*(pylock.default_groups or ()), *groups) if groups else None,
        extras=extras,
        member=request.root,
    )
