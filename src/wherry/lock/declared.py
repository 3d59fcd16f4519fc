"""The dependencies, extras and dependency groups that a ``pyproject.toml`` declares."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from wherry.lock.document import read_toml
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from packaging.utils import NormalizedName

    from wherry.files import ProjectFiles
    from wherry.lock.document import Table

__all__ = ["Declared", "declares_dependencies", "installs_by_setup", "is_setup", "read_declared"]

_DESCRIBES = re.compile(r"(?ms)^\[options\]|^\[metadata\][^\[]*^name\s*[=:]")


class Declared(Struct, frozen=True, kw_only=True):
    """The parts of ``[project]`` and ``[dependency-groups]`` that decide a lock.

    Attributes:
        name: the project's name as written, None where there is no ``[project]``.
        extras: requirements by normalized name of the extra.
        groups: requirements by normalized name of the group (PEP 735), those of included groups with them.
        dynamic: the fields of ``[project]`` that the build backend fills in.
    """

    name: str | None
    requires_python: str | None
    dependencies: tuple[str, ...]
    extras: Mapping[NormalizedName, tuple[str, ...]]
    groups: Mapping[NormalizedName, tuple[str, ...]]
    dynamic: frozenset[str]


def declares_dependencies(pyproject: Table) -> bool:
    """Whether a ``pyproject.toml`` asks for any distribution, or leaves that to its build backend."""
    project = pyproject.table("project")
    dynamic = set(project.strings("dynamic"))
    if project.data.get("dependencies") or "dependencies" in dynamic:
        return True
    poetry = pyproject.table("tool").table("poetry")
    return bool(poetry.table("dependencies").data.keys() - {"python"})


def is_setup(path: Path, files: ProjectFiles) -> bool:
    """Whether a file is a ``setup.py``, or a ``setup.cfg`` that describes a distribution and not tools alone."""
    if path.name == "setup.py" or not path.is_file():
        return path.is_file()
    try:
        text = files.read(path).decode("utf-8", "replace")
    except OSError:
        return False
    return _DESCRIBES.search(text) is not None


def installs_by_setup(root: Path, files: ProjectFiles) -> bool:
    """Whether pip would install a project by its ``setup.py`` or ``setup.cfg``, whatever its ``pyproject.toml`` lacks.

    Raises:
        LockError: its ``pyproject.toml`` is malformed.
    """
    if not any(is_setup(root / name, files) for name in ("setup.py", "setup.cfg")):
        return False
    if not (root / "pyproject.toml").is_file():
        return True
    tool = read_toml(root / "pyproject.toml", files).table("tool")
    options = (("uv", "package"), ("poetry", "package-mode"), ("pdm", "distribution"))
    return all(tool.table(name).optional(option, bool) is not False for name, option in options)


def read_declared(pyproject: Table) -> Declared:
    """Read what a ``pyproject.toml`` declares.

    Raises:
        LockError: a part of it is of a wrong type, or a group includes itself or one that is missing.
    """
    project = pyproject.table("project")
    optional = project.table("optional-dependencies")
    return Declared(
        name=project.optional("name", str),
        requires_python=project.optional("requires-python", str),
        dependencies=tuple(project.strings("dependencies")),
        extras={canonicalize_name(name): tuple(optional.strings(name)) for name in optional.data},
        groups=_groups(pyproject),
        dynamic=frozenset(project.strings("dynamic")),
    )


def _groups(pyproject: Table) -> dict[NormalizedName, tuple[str, ...]]:
    table = pyproject.table("dependency-groups")
    spelled = {canonicalize_name(name): name for name in table.data}
    done: dict[NormalizedName, tuple[str, ...]] = {}

    def expand(name: NormalizedName, within: tuple[NormalizedName, ...]) -> tuple[str, ...]:
        if name in done:
            return done[name]
        key = spelled[name]
        requirements: list[str] = []
        for item in table.optional(key, list) or []:
            if isinstance(item, str):
                requirements.append(item)
                continue
            include = item.get("include-group") if isinstance(item, dict) else None
            if not isinstance(include, str):
                raise table.wrong(key, 'expected requirements and `{include-group = "…"}`')
            included = canonicalize_name(include)
            if included not in spelled:
                raise table.wrong(key, f"it includes the group `{include}`, which is missing")
            if included in (*within, name):
                raise table.wrong(key, f"it includes itself by way of `{include}`")
            requirements += expand(included, (*within, name))
        done[name] = tuple(dict.fromkeys(requirements))
        return done[name]

    return {name: expand(name, ()) for name in spelled}
