"""Functions and layers for a project that no other tool describes: those that its code and its folders suggest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from wherry.settings.init.applications import find_applications
from wherry.settings.init.modules import read_modules
from wherry.settings.init.shared import find_shared
from wherry.settings.init.units import Unit, find_units, unit_of
from wherry.settings.model import plain_name
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from wherry.settings.init.applications import Application
    from wherry.settings.init.modules import Modules
    from wherry.settings.project import Project

__all__ = ["Packages", "function_name", "scan"]

# Names of modules and folders that say nothing about their purpose.
_GENERIC_NAMES = frozenset((
    "app", "main", "handler", "handlers", "lambda_function", "lambda_handler", "index",
    "function", "functions", "lambda", "lambdas", "api", "wsgi", "asgi", "src", "code",
))  # fmt: skip
_MAX_NAMED = 5


class Packages(Struct, frozen=True, kw_only=True):
    """Functions and layers, as settings.

    Attributes:
        folders: what they are packaged from, relative to the project.
        include: patterns of the project's files that its wheel does not hold.
        comments: a line for a key, by its path in the table.
    """

    functions: Mapping[str, dict[str, Any]]
    layers: Mapping[str, dict[str, Any]]
    folders: tuple[str, ...]
    include: tuple[str, ...]
    comments: Mapping[str, str]
    notes: tuple[str, ...]


def scan(project: Project) -> Packages:
    """The functions and layers that a project's code suggests. Nothing of it is run."""
    modules, sources = read_modules(project.root)
    units = find_units(project.root, modules.folders, project.files)
    units = tuple(_as_imported(unit, modules) for unit in units)
    applications = find_applications(sources, units)
    if scripts := _script_folders(applications, modules):
        units = (*scripts, *units)
        applications = find_applications(sources, units)

    def bases(path: str) -> tuple[str, str]:
        folder = unit_of(path, units).folder
        return folder, f"{folder}/src".strip("/")

    imported = modules.imported(bases)
    chosen: list[Application] = []
    for unit in sorted(units, key=lambda unit: unit.folder):
        chosen += _chosen([each for each in applications if each.unit == unit], imported)
    functions = _named(chosen, project.name)
    shared = find_shared(
        {name: each.unit for name, each in functions.items()}, modules, project.root
    )
    settings = {
        name: {
            **application.unit.settings,
            **_callable(application),
            **shared.settings.get(name, {}),
        }
        for name, application in functions.items()
    }
    comments: dict[str, str] = {}
    notes: list[str] = []
    for name, application in functions.items():
        key = "handler" if application.kind == "handler" else "app"
        comments[f"functions.{name}.{key}"] = f"{application.description} in {application.path}"
        notes.append(f"found {application.description} in {application.path}")
    notes += _passed_over([each for each in applications if each not in functions.values()])
    return Packages(
        functions=settings,
        layers=shared.layers,
        folders=tuple(dict.fromkeys(each.unit.folder for each in functions.values())),
        include=tuple(_include(functions.values())),
        comments=comments,
        notes=tuple(notes),
    )


def function_name(text: str) -> str:
    """The text as the name of a function."""
    return plain_name(text).strip("-") or "function"


def _as_imported(unit: Unit, modules: Modules) -> Unit:
    """A folder with requirements whose modules are imported from the project's folder: only its lock is its own."""
    top = unit.folder.partition("/")[0]
    if not unit.folder or unit.package is not None or unit.has_build_system:
        return unit
    inside = [names for path, names in modules.imports.items() if unit.inside(path) is not None]
    from_top = {name for names in inside for name in names if name.startswith(f"{top}.")}
    if f"{unit.folder}/{top}" in modules.names or not any(
        name.replace(".", "/") in modules.names for name in from_top
    ):
        return unit
    return replace(unit, at_project=True)


def _script_folders(applications: Iterable[Application], modules: Modules) -> tuple[Unit, ...]:
    """The folders of handlers that import modules beside them by their mere names, as scripts do."""
    folders: dict[str, Unit] = {}
    for application in applications:
        unit, folder = application.unit, application.path.rpartition("/")[0]
        if unit.has_build_system or unit.package or application.rank > 2 or folder == unit.folder:
            continue
        for name in modules.imports[application.path]:
            top = name.partition(".")[0]
            if (
                top
                and f"{folder}/{top}" in modules.names
                and f"{unit.folder}/{top}".strip("/") not in modules.names
            ):
                folders.setdefault(folder, Unit(folder=folder))
    return tuple(sorted(folders.values(), key=lambda unit: (-len(unit.folder), unit.folder)))


def _chosen(applications: Sequence[Application], imported: frozenset[str]) -> list[Application]:
    """Of the applications of a unit those that become functions.

    The likeliest web application, and one handler of each module. A handler that an adapter makes of a web
    application is preferred to it. Code that other modules import helps them, if there is any that none imports;
    and a function that only has the arguments of a handler is none, if others have the name of one.
    """
    handlers: dict[str, Application] = {}
    for application in applications:
        if application.kind == "handler":
            handlers.setdefault(application.module, application)
    adapted = any(" by " in handler.description for handler in handlers.values())
    web = [application for application in applications if application.kind != "handler"]
    likely = [handler for handler in handlers.values() if handler.path not in imported]
    likely = likely or [handler for handler in handlers.values() if handler.rank < 2]
    if any(handler.rank < 3 for handler in likely):
        likely = [handler for handler in likely if handler.rank < 3]
    if web and not adapted:
        # A function of two such arguments in a web application is a part of it.
        likely = [handler for handler in likely if handler.rank < 2]
    return [*([] if adapted else web[:1]), *likely]


def _named(chosen: Sequence[Application], project: str) -> dict[str, Application]:
    """The applications by the names of their functions."""
    if len(chosen) == 1 and not chosen[0].unit.folder:
        return {function_name(project): chosen[0]}
    names: dict[str, Application] = {}
    for application in chosen:
        for candidate in _candidates(application):
            name = function_name(candidate)
            if name.lower() not in {each.lower() for each in names}:
                names[name] = application
                break
    return names


def _candidates(application: Application) -> Iterator[str]:
    """Names for a function, the shortest first; the last ones are unique."""
    unit = application.unit
    parts = application.module.split(".")
    specific = [part for part in parts if part not in _GENERIC_NAMES]
    folders = [part for part in unit.folder.split("/") if part]
    named = [part for part in folders if part not in _GENERIC_NAMES] or folders
    if unit.package is not None:
        named = [unit.package]
    if unit.folder and not unit.at_project:
        yield named[-1]
        yield "-".join([named[-1], *(specific or parts)])
    else:
        yield (specific or parts)[-1]
    yield "-".join(parts)
    yield "-".join([*folders, *parts])
    for number in range(2, 1000):
        yield f"{'-'.join([*folders, *parts])}-{number}"


def _callable(application: Application) -> dict[str, Any]:
    if application.kind == "handler":
        return {"handler": application.reference}
    if application.kind == "app":
        return {"app": application.reference}
    return {"app": application.reference, "interface": application.kind}


def _passed_over(applications: Sequence[Application]) -> Iterator[str]:
    for application in applications[:_MAX_NAMED]:
        yield f"skipped `{application.reference}`, also {application.description}"
    if rest := [each.reference for each in applications[_MAX_NAMED:]]:
        yield f"skipped {len(rest)} more: {', '.join(rest[:20])}{' …' if len(rest) > 20 else ''}"


def _include(applications: Iterable[Application]) -> Iterator[str]:
    """Patterns for the code that the project's wheel does not hold."""
    paths = [
        application.path.partition("/") for application in applications if application.included
    ]
    return iter(sorted({f"/{top}/" if rest else f"/{top}" for top, _, rest in paths}))
