"""The parts of a project that are packaged on their own: itself, workspace members, folders with their own requirements."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from wherry.errors import ProjectError, WherryError
from wherry.settings.init.shipped import finds_no_module, wheel_places
from wherry.settings.source import read_toml
from wherry.structs import Struct
from wherry.untrusted import inner_string, inner_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from wherry.files import ProjectFiles

__all__ = ["REQUIREMENTS_FILES", "Unit", "find_units", "is_built", "module_name", "unit_of"]

REQUIREMENTS_FILES = (
    "pylock.toml",
    "uv.lock",
    "poetry.lock",
    "Pipfile.lock",
    "pdm.lock",
    "requirements.txt",
    "requirements.in",
    "Pipfile",
    "pyproject.toml",
    "setup.py",
)
"""A folder with one of these has requirements of its own."""


class Unit(Struct, frozen=True, kw_only=True):
    """A folder whose code is packaged with its own requirements.

    Attributes:
        folder: its path relative to the project; "" for the project's folder.
        package: the name of the workspace member that it is; None for another folder.
        has_build_system: whether a backend packages it, so that its wheel holds its code.
        places: each file or folder that its wheel holds, with its name in Python; the longest first. It is empty where the folder itself is packaged, or where only its backend knows.
        lock: the name of the file with its requirements, where it has no build system.
        at_project: whether its modules are imported from the project's folder.
    """

    folder: str
    package: str | None = None
    has_build_system: bool = False
    places: tuple[tuple[str, str], ...] = ()
    lock: str | None = None
    at_project: bool = False
    has_requirements: bool = False

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that choose it."""
        if self.package is not None:
            return {"package": self.package}
        if self.at_project:
            return {"lock": f"{self.folder}/{self.lock}"} if self.lock else {}
        return {"root": self.folder} if self.folder else {}

    def inside(self, path: str) -> str | None:
        """A path relative to the project as one relative to this folder; None if it lies outside."""
        if not self.folder:
            return path
        return path.removeprefix(f"{self.folder}/") if path.startswith(f"{self.folder}/") else None

    def module(self, path: str) -> str | None:
        """The name in the package of the module at a path of the project; None where the package does not hold it."""
        inside = self.inside(path)
        if inside is None or self.at_project:
            return None if inside is None else module_name(path)
        plain = inside.removesuffix(".py").removesuffix("__init__").rstrip("/")
        if self.has_build_system:
            if self.places:
                for place, name in self.places:
                    if place in {"", plain, inside} or plain.startswith(f"{place}/"):
                        rest = plain[len(place) :].strip("/")
                        return module_name(f"{name}/{rest}".strip("/"))
                return None
            plain = plain.removeprefix("src/")
        return module_name(plain)


def module_name(path: str) -> str | None:
    """The dotted name of a module, by the path of its file; None if it cannot be imported.

    Lambda imports a handler by the text of its name, which may have hyphens, as that of ``lambda-handler.py``.
    """
    parts = path.removesuffix(".py").removesuffix("/__init__").split("/")
    return ".".join(parts) if all(re.fullmatch(r"[\w-]+", part) for part in parts) else None


def find_units(root: Path, folders: Iterable[str], files: ProjectFiles) -> tuple[Unit, ...]:
    """The units of a project, deepest first; the project itself is the last.

    ``folders`` are those that have a file of ``REQUIREMENTS_FILES``.
    """
    members = _members(root, files)
    units = {"": _unit(root, "", members.get(""), files)}
    for folder in (*members, *folders):
        if (
            folder
            and folder not in units
            and (folder in members or _has_requirements(root / folder, files))
        ):
            units[folder] = _unit(root, folder, members.get(folder), files)
    return tuple(sorted(units.values(), key=lambda unit: (-len(unit.folder), unit.folder)))


def unit_of(path: str, units: Iterable[Unit]) -> Unit:
    """The innermost unit that a file is in."""
    return next(unit for unit in units if unit.inside(path) is not None)


def _unit(root: Path, folder: str, package: str | None, files: ProjectFiles) -> Unit:
    place = root / folder
    document = _toml(place / "pyproject.toml", files)
    has_build_system = is_built(place, files)
    return Unit(
        folder=folder,
        package=package,
        has_build_system=has_build_system,
        places=wheel_places(place, document) if has_build_system else (),
        lock=next((name for name in REQUIREMENTS_FILES if (place / name).is_file()), None),
        has_requirements=_has_requirements(place, files),
    )


def is_built(folder: Path, files: ProjectFiles) -> bool:
    """Whether a folder is packaged by the backend that it names; one that would find no module fails."""
    document = _toml(folder / "pyproject.toml", files)
    return "build-system" in document and not finds_no_module(folder, document)


def _members(root: Path, files: ProjectFiles) -> Mapping[str, str]:
    """The names of the members of the project's workspace, by their folders."""
    from wherry.lock.uv.local import workspace_members

    if not (root / "pyproject.toml").is_file():
        return {}
    try:
        folders = workspace_members(root, files)
    except WherryError:
        return {}
    names: dict[str, str] = {}
    for folder in folders:
        name = inner_string(_toml(folder / "pyproject.toml", files), "project", "name")
        if name is not None and folder.is_relative_to(root) and folder != root:
            names[folder.relative_to(root).as_posix()] = name
    return names


def _has_requirements(folder: Path, files: ProjectFiles) -> bool:
    """Whether a folder has requirements of its own; a ``pyproject.toml`` may hold settings of linters alone."""
    names = [name for name in REQUIREMENTS_FILES if (folder / name).is_file()]
    if names != ["pyproject.toml"]:
        return bool(names)
    document = _toml(folder / "pyproject.toml", files)
    return "project" in document or bool(inner_table(document, "tool", "poetry"))


def _toml(path: Path, files: ProjectFiles) -> Mapping[str, Any]:
    if not path.is_file():
        return {}
    try:
        return read_toml(path, files)
    except ProjectError:
        return {}
