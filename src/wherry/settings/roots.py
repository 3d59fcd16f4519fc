"""The folders of functions and layers that have their own: ``root``, and ``lock``, in the settings."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from wherry.errors import SettingsError, WherryError
from wherry.files import broken_link, real_path
from wherry.problems import did_you_mean
from wherry.settings.source import read_toml
from wherry.untrusted import inner_table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from wherry.files import ProjectFiles

__all__ = ["find_root", "is_project", "require_lock", "unread_settings"]


def find_root(project: Path, root: str) -> Path:
    """The folder that ``root`` in the settings names, relative to the project's.

    Raises:
        SettingsError: there is no such folder, or it is outside of the repository.
    """
    folder = project / root
    _require_inside(project, root)
    if folder.is_dir():
        return folder
    _require_no_broken_link(folder, root)
    nearby = [entry.name for entry in folder.parent.iterdir()] if folder.parent.is_dir() else []
    raise SettingsError(
        f"there is no folder `{root}`",
        where=[f"`root` of a function or layer names it, and it was looked for at `{folder}`"],
        hint=did_you_mean(folder.name, known=nearby)
        or f"relative paths start at the project's folder, `{project}`",
    )


def require_lock(project: Path, lock: str, root: str | None) -> None:
    """Require that ``lock`` in the settings names a file, relative to the project's folder; ``root`` stands beside it.

    Raises:
        SettingsError: there is no such file, or it is outside of the repository.
    """
    _require_inside(project, lock)
    if (project / lock).is_file():
        return
    _require_no_broken_link(project / lock, lock)
    hint = f"relative paths start at the project's folder, `{project}`"
    if root is not None and (project / root / lock).is_file():
        hint = f"did you mean `{root}/{lock}`? Relative paths start at the project's folder"
    raise SettingsError(
        f"there is no lock `{lock}`",
        where=[f"`lock` of a function or layer names it: `{project / lock}`"],
        hint=hint,
    )


def _require_no_broken_link(path: Path, name: str) -> None:
    """Require that a path that was not found is not a link that is there, and leads to nothing."""
    if (target := broken_link(path)) is not None:
        raise SettingsError(
            f"`{name}` is a link that leads nowhere",
            where=[f"`{path}` leads to `{target}`"],
            hint="mend the link, or name what it should lead to",
        )


def _require_inside(project: Path, path: str) -> None:
    """Require that a path of the settings stays in the repository, or, without one, in the project's folder."""
    from wherry.bundle.gitignore import repository_root

    top = real_path(repository_root(real_path(project)) or project)
    real = real_path(project / path)
    if real != top and top not in real.parents:
        raise SettingsError(
            f"`{path}` is outside of the repository",
            where=[f"it is `{real}`, and the repository is `{top}`"],
            hint="name a folder in it; what lies elsewhere can be a dependency, or one of the `extra-paths`",
        )


def is_project(folder: Path, files: ProjectFiles) -> bool:
    """Whether a folder is a project of its own: a lock or a declaration says what its code needs.

    A member of a workspace is one; a folder with Python files alone is not.
    """
    from wherry.lock.find import choose_declaration, choose_lock
    from wherry.lock.formats import LockFormat
    from wherry.lock.model import LockRequest

    request = LockRequest(root=folder)
    try:
        choice = choose_lock(request, files)
    except WherryError:
        # It has locks that cannot be read, which is an error when they are.
        return True
    try:
        choice = choice or choose_declaration(request, files)
    except WherryError:
        return (folder / "pyproject.toml").is_file()
    return choice.format is not LockFormat.NONE


def unread_settings(project: Path, root: str, files: ProjectFiles) -> Iterator[str]:
    """A note where the folder has settings of Wherry of its own, which do not count here."""
    folder = project / root
    if os.path.samefile(project, folder):  # noqa: PTH121
        return
    pyproject = folder / "pyproject.toml"
    document = read_toml(pyproject, files) if pyproject.is_file() else {}
    name = "wherry.toml" if (folder / "wherry.toml").is_file() else "pyproject.toml"
    if name == "wherry.toml" or inner_table(document, "tool").get("wherry"):
        yield (
            f"the settings in `{root}/{name}` were not read: those of `{project.name}`, which name this folder, count"
        )
