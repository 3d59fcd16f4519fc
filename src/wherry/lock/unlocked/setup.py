"""``setup.py`` and ``setup.cfg`` without a lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.errors import LockError
from wherry.lock.assemble import check_python, known, resolved_lock
from wherry.lock.formats import LockFormat
from wherry.lock.resolve import Requirements, not_locked, resolve
from wherry.lock.unlocked.setup_cfg import read_setup_cfg

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.context import Context
    from wherry.lock.model import Lock, LockRequest

__all__ = ["read"]


def read(path: Path, request: LockRequest, context: Context) -> Lock:
    """Resolve what ``setup.py`` or ``setup.cfg`` declares to setuptools.

    Raises:
        LockError: it is malformed, cannot be resolved, or lacks a group or extra that was asked for.
        TargetError: the project is not for the target's Python.
        ToolError: uv is missing.
    """
    context.reporter.emit(not_locked(path))
    known("group", request.groups, (), path)
    if path.name == "setup.cfg":
        requirements = _of_setup_cfg(path, request, context)
    else:
        extras = (f"--extra={extra}" for extra in request.extras)
        requirements = Requirements(name=path.name, base=path.parent, options=(path.name, *extras))
    pylock = resolve(requirements, context)
    return resolved_lock(pylock, path, request, format=LockFormat.SETUP, extras=request.extras)


def _of_setup_cfg(path: Path, request: LockRequest, context: Context) -> Requirements:
    """The requirements of a ``setup.cfg``; uv takes only a ``setup.py``, which it runs to learn them."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    declared = read_setup_cfg(path, context.files)
    try:
        requires_python = (
            SpecifierSet(declared.requires_python) if declared.requires_python else None
        )
    except InvalidSpecifier as error:
        raise LockError(f"`{path.name}` is malformed", where=[f"{path}: {error}"]) from None
    check_python(requires_python, context.target, path)
    extras = known("extra", request.extras, declared.extras, path)
    lines = [*declared.requires, *(line for extra in extras for line in declared.extras[extra])]
    return Requirements(
        name=path.name,
        base=path.parent,
        text="\n".join(lines) + "\n",
        requires_python=requires_python,
    )
