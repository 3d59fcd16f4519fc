"""Code of a project that the functions in its folders share: what they import and do not have."""

from __future__ import annotations

import sys
from pathlib import PurePosixPath
from posixpath import commonpath
from typing import TYPE_CHECKING, Any, NamedTuple

from wherry.settings.init.units import REQUIREMENTS_FILES
from wherry.settings.model import plain_name
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from wherry.settings.init.modules import Modules
    from wherry.settings.init.units import Unit

__all__ = ["Shared", "find_shared"]


class _Source(NamedTuple):
    """A folder to import from; with a name, only the module or package of that name in it."""

    folder: str
    name: str = ""

    @property
    def path(self) -> str:
        return "/".join(filter(None, (self.folder, self.name)))


class Shared(Struct, frozen=True, kw_only=True):
    """Code that functions share: what each of them needs to have it, and the layers that hold it."""

    settings: Mapping[str, dict[str, Any]]
    layers: Mapping[str, dict[str, Any]]


def find_shared(functions: Mapping[str, Unit], modules: Modules, root: Path) -> Shared:
    """The code outside of their folders that functions import.

    Two functions or more get it as a layer, one as extra paths.
    """
    units = set(functions.values())
    free = [
        path
        for path in modules.imports
        if not any(unit.folder and unit.inside(path) is not None for unit in units)
    ]
    needed = {
        name: list(_needed(unit, units, modules, free))
        for name, unit in functions.items()
        if unit.folder
        and unit.package is None
        and not unit.has_build_system
        and not unit.at_project
    }
    users: dict[_Source, list[str]] = {}
    for name, sources in needed.items():
        for source in sources:
            users.setdefault(source, []).append(name)
    settings: dict[str, dict[str, Any]] = {}
    layers: dict[str, dict[str, Any]] = {}
    for source, names in users.items():
        requirements = _requirements(root / source.path)
        if len(names) == 1 and requirements is None:
            content = settings.setdefault(names[0], {})
            content.setdefault("extra-paths", []).append({"path": source.path, "to": source.name})
            continue
        layer = _layer_name(source, {*functions, *layers})
        if not source.name:
            layers[layer] = {"root": source.folder}
        else:
            own: dict[str, Any] = (
                {"lock": f"{source.path}/{requirements}"} if requirements else {"include": []}
            )
            layers[layer] = {**own, "extra-paths": [{"path": source.path, "to": source.name}]}
        for name in names:
            settings.setdefault(name, {}).setdefault("layers", []).append(layer)
    return Shared(settings=settings, layers=layers)


def _needed(
    unit: Unit, units: Iterable[Unit], modules: Modules, free: Iterable[str]
) -> Iterable[_Source]:
    """The sources of what a unit imports, and of what those import, each once."""
    seen: dict[_Source, None] = {}
    waiting = [_Source(unit.folder)]
    while waiting:
        source = waiting.pop()
        have = (_Source(unit.folder), source, *seen)
        for name, dotted in sorted(_imported(source, modules).items()):
            if any(_holds(each, name, modules) for each in have):
                continue
            found = _find(name, dotted, unit, units, free)
            if found is not None and found not in seen:
                seen[found] = None
                waiting.append(found)
    return seen


def _imported(source: _Source, modules: Modules) -> dict[str, set[str]]:
    """The imports of the modules of a source, by first names."""
    names: dict[str, set[str]] = {}
    for path, imports in modules.imports.items():
        if path.startswith(f"{source.path}/") or path == source.path:
            for dotted in imports:
                first = dotted.partition(".")[0]
                if first and first not in sys.stdlib_module_names:
                    names.setdefault(first, set()).add(dotted)
    return names


def _holds(source: _Source, name: str, modules: Modules) -> bool:
    if source.name:
        return name == source.name.removesuffix(".py")
    return f"{source.folder}/{name}" in modules.names


def _find(
    name: str, dotted: Iterable[str], unit: Unit, units: Iterable[Unit], free: Iterable[str]
) -> _Source | None:
    """The source of a name among ``free``, the modules that belong to no function's folder.

    Of several, that which holds most of the modules that are imported, and then the nearest.
    """
    folders: dict[str, list[str]] = {}
    for path in free:
        parts = path.removesuffix(".py").split("/")
        for index, part in enumerate(parts):
            if part == name:
                folders.setdefault("/".join(parts[:index]), []).append(path)
    if not folders:
        return None

    def preference(folder: str) -> tuple[int, int, int]:
        plain = ["/".join(filter(None, (folder, *each.split(".")))) for each in dotted]
        held = {file for each in plain for file in (f"{each}.py", f"{each}/__init__.py")}
        common = commonpath([folder, unit.folder])
        return (-len(held.intersection(folders[folder])), -len(common), len(folder))

    folder = min(folders, key=preference)
    if folder and not any(f"{each.folder}/".startswith(f"{folder}/") for each in units):
        return _Source(folder)
    is_file = any(
        path == "/".join(filter(None, (folder, f"{name}.py"))) for path in folders[folder]
    )
    return _Source(folder, f"{name}.py" if is_file else name)


def _layer_name(source: _Source, taken: Iterable[str]) -> str:
    path = PurePosixPath(source.path)
    parts = [part for part in path.with_suffix("").parts if part not in {"python", "src"}] or [
        "shared"
    ]
    known = {name.lower() for name in taken}
    for name in (parts[-1], "-".join(parts), f"{parts[-1]}-layer", f"{'-'.join(parts)}-layer"):
        plain = plain_name(name).strip("-")
        if plain and plain.lower() not in known:
            return plain
    return next(f"shared-{n}" for n in range(1, 10_000) if f"shared-{n}" not in known)


def _requirements(folder: Path) -> str | None:
    """The file in a folder that names its requirements."""
    return next((name for name in REQUIREMENTS_FILES if (folder / name).is_file()), None)
