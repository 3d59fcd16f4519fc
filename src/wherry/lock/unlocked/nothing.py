"""Projects that declare no dependencies at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.lock.assemble import known, make_pylock
from wherry.lock.formats import LockFormat
from wherry.lock.model import Lock

if TYPE_CHECKING:
    from pathlib import Path

    from packaging.specifiers import SpecifierSet

    from wherry.context import Context
    from wherry.lock.model import LockRequest

__all__ = ["empty_lock", "read"]


def read(path: Path, request: LockRequest, context: Context) -> Lock:
    """The empty lock of a folder with Python files alone.

    Raises:
        LockError: a group or extra was asked for; it has none.
    """
    del context
    return empty_lock(path, request, format=LockFormat.NONE)


def empty_lock(
    path: Path,
    request: LockRequest,
    *,
    format: LockFormat,  # noqa: A002
    requires_python: SpecifierSet | None = None,
) -> Lock:
    """The lock of a project that needs nothing.

    Raises:
        LockError: a group or extra was asked for; it has none.
    """
    known("group", request.groups, (), path)
    known("extra", request.extras, (), path)
    return Lock(
        pylock=make_pylock([], requires_python=requires_python),
        format=format,
        path=path,
        base=request.root,
        inputs=(path,) if path.is_file() else (),
        stable=True,
        member=request.root,
    )
