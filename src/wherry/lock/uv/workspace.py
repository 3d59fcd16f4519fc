"""uv workspaces: the members of a workspace, and the workspace of a member."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.errors import LockError
from wherry.lock.document import read_toml

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from wherry.files import ProjectFiles

__all__ = ["find_workspace", "workspace_members"]


def workspace_members(root: Path, files: ProjectFiles) -> tuple[Path, ...]:
    """The folders of the workspace at ``root``, itself first where it is a package; empty where it is no workspace.

    Raises:
        LockError: its ``pyproject.toml`` is malformed.
    """
    pyproject = read_toml(root / "pyproject.toml", files)
    workspace = pyproject.table("tool").table("uv").table("workspace")
    if not workspace.data:
        return ()
    excluded = set(_matches(root, workspace.strings("exclude")))
    members = [
        folder
        for folder in _matches(root, workspace.strings("members"))
        if folder not in excluded and (folder / "pyproject.toml").is_file()
    ]
    return ((root,) if "project" in pyproject else ()) + tuple(members)


def find_workspace(folder: Path, files: ProjectFiles) -> Path | None:
    """Find the root of the nearest workspace that has a ``uv.lock`` and ``folder`` as a member."""
    resolved = folder.resolve()
    for root in resolved.parents:
        if not (root / "uv.lock").is_file() or not (root / "pyproject.toml").is_file():
            continue
        try:
            members = workspace_members(root, files)
        except LockError:
            # A file above the project that has nothing to do with it.
            continue
        if resolved in {member.resolve() for member in members}:
            return root
    return None


def _matches(root: Path, patterns: Iterable[str]) -> list[Path]:
    matches: dict[Path, None] = {}
    for pattern in patterns:
        try:
            folders = sorted(root.glob(pattern.rstrip("/")))
        except (ValueError, NotImplementedError, IndexError):
            # An empty or absolute pattern, which uv itself refuses.
            continue
        matches.update(dict.fromkeys(folder for folder in folders if folder.is_dir()))
    return list(matches)
