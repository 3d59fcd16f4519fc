"""Functions and layers for a project that another tool describes, where the project has what the file names."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from wherry.errors import SettingsError
from wherry.settings.init.modules import is_left_out
from wherry.settings.init.scan import function_name
from wherry.settings.init.units import Unit, find_units
from wherry.settings.roots import find_root
from wherry.structs import Struct
from wherry.syntax import parse_python

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wherry.settings.foreign.model import Description, ForeignFunction
    from wherry.settings.project import Project

__all__ = ["Described", "described_packages"]


class Described(Struct, frozen=True, kw_only=True):
    """The functions and layers of a description that can be built.

    Attributes:
        is_built: whether the project itself is packaged by its backend, where it has one.
    """

    functions: dict[str, dict[str, Any]]
    layers: dict[str, dict[str, Any]]
    is_built: bool
    notes: list[str]
    warnings: list[str]


def described_packages(project: Project, description: Description) -> Described:
    """The settings of a description's functions and layers, where the project has what they name."""
    folders = [each.folder for each in description.functions]
    folders += [each.folder for each in description.layers if each.folder]
    units = find_units(project.root, folders, project.files)
    if not all(_is_held(function, units[-1], project) for function in description.functions):
        # Other tools package the folder as it is.
        units = (*units[:-1], replace(units[-1], has_build_system=False, places=(), package=None))
    at_root = units[-1].has_requirements
    functions: dict[str, dict[str, Any]] = {}
    warnings: list[str] = []
    bare: list[str] = []
    for function in description.functions:
        unit = _unit(function, units)
        settings, problem = _callable(function, unit, project)
        name = function.name or function_name(project.name)
        if problem is None and name.lower() not in {each.lower() for each in functions}:
            functions[name] = {**unit.settings, **settings}
            if function.own_requirements and unit not in units and at_root:
                functions[name]["include"] = []
                bare.append(f"`{name}`")
        elif problem is not None:
            warnings.append(f"skipped `{name}` of {description.where}: {problem}")
    layers: dict[str, dict[str, Any]] = {}
    for layer in description.layers:
        if layer.name.lower() in {name.lower() for name in functions}:
            continue
        reason = _no_folder(project, layer.folder) if layer.folder else None
        if reason is not None:
            warnings.append(f"skipped the layer `{layer.name}` of {description.where}: {reason}")
            continue
        layers[layer.name] = {**({"root": layer.folder} if layer.folder else {}), **layer.settings}
        known = not layer.folder or any(unit.folder == layer.folder for unit in units)
        if layer.own_requirements and not known and at_root:
            layers[layer.name]["include"] = []
            bare.append(f"`{layer.name}`")
    for settings in functions.values():
        if "layers" in settings:
            kept = [
                name for name in settings["layers"] if name in layers or name.startswith("arn:")
            ]
            settings["layers"] = kept
            if not kept:
                del settings["layers"]
    note = f"{', '.join(bare)}: the folder names no requirements, so that `include = []` ships none"
    return Described(
        functions=functions,
        layers=layers,
        is_built=units[-1].has_build_system,
        notes=[note] if bare else [],
        warnings=warnings,
    )


def _no_folder(project: Project, place: str) -> str | None:
    """The reason why a place of the project is no folder that can be packaged; None if it is one."""
    if (project.root / place).is_file():
        return f"`{place}` is a file, and was made by something else"
    try:
        find_root(project.root, place)
    except SettingsError as error:
        return error.message
    return None


def _unit(function: ForeignFunction, units: Sequence[Unit]) -> Unit:
    """The part of the project that a function's folder is."""
    found = next((unit for unit in units if unit.folder == function.folder), None)
    return found or Unit(folder=function.folder)


def _is_held(function: ForeignFunction, root: Unit, project: Project) -> bool:
    """Whether the wheel of the project holds the module of a function that is packaged from the project's folder."""
    if function.folder or not root.has_build_system:
        return True
    path = _file(project, root, _module_of(function))
    return path is None or root.module(path) is not None


def _module_of(function: ForeignFunction) -> str:
    app = function.settings.get("app")
    return str(app).rpartition(":")[0] if app else function.settings["handler"].rpartition(".")[0]


def _callable(
    function: ForeignFunction, unit: Unit, project: Project
) -> tuple[Mapping[str, Any], str | None]:
    """The settings of a function, with its handler as the package has it; or the reason why it cannot be built."""
    if function.folder and (reason := _no_folder(project, function.folder)):
        return {}, reason
    key = "app" if "app" in function.settings else "handler"
    module, mark, name = function.settings[key].rpartition(":" if key == "app" else ".")
    path = _file(project, unit, module)
    if path is None:
        place = "/".join(filter(None, (function.folder, module.replace(".", "/"))))
        return {}, f"there is no `{place}.py`"
    inside = unit.inside(path)
    if not unit.has_build_system and is_left_out(project.root / unit.folder, inside or path):
        return {}, f"`{path}` is left out of packages, by .gitignore or by its name"
    if not _defines(project, path, name):
        return {}, f"`{path}` has no `{name}`"
    if unit.module(path) is None and unit.has_build_system:
        return {}, f"the wheel of the project does not hold `{path}`"
    packaged = unit.module(path) or module
    return {**function.settings, key: f"{packaged}{mark}{name}"}, None


def _file(project: Project, unit: Unit, module: str) -> str | None:
    """The path of a module's file, relative to the project; None if there is none. A backend takes it out of ``src``."""
    for source in ("", "src") if unit.has_build_system else ("",):
        plain = "/".join(filter(None, (unit.folder, source, module.replace(".", "/"))))
        for path in (f"{plain}.py", f"{plain}/__init__.py"):
            if module and (project.root / path).is_file():
                return path
    return None


def _defines(project: Project, path: str, name: str) -> bool:
    """Whether a module has a name at its top level, as far as is known without running it."""
    try:
        tree = parse_python(project.files.read(project.root / path))
    except OSError:
        tree = None
    if tree is None:
        return True
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            and node.name == name
        ):
            return True
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id == name:
            return True
        if isinstance(node, ast.alias) and (node.asname or node.name) in {name, "*"}:
            return True
    return False
