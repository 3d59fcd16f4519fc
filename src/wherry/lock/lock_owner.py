"""The tool that a project belongs to, where it has the locks of several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wherry.lock.document import read_toml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from wherry.files import ProjectFiles
    from wherry.lock.formats import LockFormat

__all__ = ["LockOwner", "find_lock_owner"]


@dataclass(frozen=True, kw_only=True, slots=True)
class LockOwner:
    """The format of the tool that a project belongs to, and how one can tell."""

    format: LockFormat
    reason: str


def find_lock_owner(
    root: Path, formats: Iterable[LockFormat], files: ProjectFiles
) -> LockOwner | None:
    """Find the one format among these whose tool the project is set up for; None where it is not clear.

    Raises:
        LockError: ``pyproject.toml`` is malformed.
    """
    owners = list(_owners(root, formats, files))
    return owners[0] if len({owner.format for owner in owners}) == 1 else None


def _owners(root: Path, formats: Iterable[LockFormat], files: ProjectFiles) -> Iterator[LockOwner]:
    pyproject = root / "pyproject.toml"
    table = read_toml(pyproject, files) if pyproject.is_file() else None
    for format_ in formats:
        sign = format_.value
        if sign.owner_file is not None and (root / sign.owner_file).is_file():
            yield LockOwner(format=format_, reason=f"there is a `{sign.owner_file}`")
        if table is None:
            continue
        if sign.owner_table is not None and sign.owner_table in table.table("tool"):
            reason = f"`pyproject.toml` has [tool.{sign.owner_table}]"
            yield LockOwner(format=format_, reason=reason)
        backend = table.table("build-system").optional("build-backend", str) or ""
        if sign.owner_backend is not None and backend.startswith(sign.owner_backend):
            reason = f"the build backend of `pyproject.toml` is `{backend}`"
            yield LockOwner(format=format_, reason=reason)
