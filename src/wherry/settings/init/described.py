"""Functions and layers for a project that another tool describes, where the project has what the file names."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from wherry.settings.init.modules import is_left_out
from wherry.settings.init.scan import function_name
from wherry.settings.init.units import Unit, find_units
from wherry.syntax import parse_python

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wherry.settings.foreign.model import Description, ForeignFunction
    from wherry.settings.project import Project

__all__ = ["described_packages"]


def described_packages(
    project: Project, description: Description
) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]], list[str]]:
    """The settings of a description's functions and layers that can be built, and warnings about the others."""
    folders = [each.folder for each in description.functions]
    units = find_units(project.root, folders, project.files)
    functions: dict[str, dict[str, Any]] = {}
    warnings: list[str] = []
    for function in description.functions:
        unit = _unit(function, units)
        settings, problem = _callable(function, unit, project)
        name = function.name or function_name(project.name)
        if problem is None and name.lower() not in {each.lower() for each in functions}:
            functions[name] = {**unit.settings, **settings}
        elif problem is not None:
            warnings.append(f"skipped `{name}` of {description.where}: {problem}")
    layers: dict[str, dict[str, Any]] = {}
    for layer in description.layers:
        if layer.name.lower() in {name.lower() for name in functions}:
            continue
        if layer.folder is not None and not (project.root / layer.folder).is_dir():
            warnings.append(
                f"skipped the layer `{layer.name}` of {description.where}: there is no folder `{layer.folder}`"
            )
            continue
        root = {"root": layer.folder} if layer.folder else {}
        layers[layer.name] = {**root, **layer.settings}
    for settings in functions.values():
        if "layers" in settings:
            kept = [
                name for name in settings["layers"] if name in layers or name.startswith("arn:")
            ]
            settings["layers"] = kept
            if not kept:
                del settings["layers"]
    return functions, layers, warnings


def _unit(function: ForeignFunction, units: Sequence[Unit]) -> Unit:
    """The part of the project that a function's folder is."""
    found = next((unit for unit in units if unit.folder == function.folder), None)
    return found or Unit(folder=function.folder)


def _callable(
    function: ForeignFunction, unit: Unit, project: Project
) -> tuple[Mapping[str, Any], str | None]:
    """The settings of a function, with its handler as the package has it; or the reason why it cannot be built."""
    key = "app" if "app" in function.settings else "handler"
    module, mark, name = function.settings[key].rpartition(":" if key == "app" else ".")
    path = _file(project, function.folder, module)
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


def _file(project: Project, folder: str, module: str) -> str | None:
    """The path of a module's file, relative to the project; None if there is none."""
    plain = "/".join(filter(None, (folder, module.replace(".", "/"))))
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
