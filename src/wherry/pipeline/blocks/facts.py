"""The facts that other tools have to know of a project's packages."""

from __future__ import annotations

import posixpath
from pathlib import Path
from typing import TYPE_CHECKING

from wherry.errors import WherryError
from wherry.outputs import choose_output
from wherry.pipeline.request import read_request
from wherry.settings.model import FunctionSettings
from wherry.settings.project import DEFAULT_OUTPUT
from wherry.shims.shim import SHIM_HANDLER, written_handler
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wherry.compose.recipe import Recipe
    from wherry.target import Target

__all__ = ["Facts", "PackageFacts", "read_facts"]


class PackageFacts(Struct, frozen=True, kw_only=True):
    """A function or layer.

    Attributes:
        name: in the settings.
        kind: ``function`` or ``layer``.
        path: of its zip file, relative to the project's folder.
        handler: as AWS means it; None for a layer, and for a function whose settings name none.
        layers: names of layers of the project, and ARNs of others, in the order in which Lambda unpacks them.
        inputs: patterns of the files that decide it, relative to the project's folder; empty if not known.
    """

    name: str
    kind: str
    path: str
    handler: str | None
    layers: tuple[str, ...]
    inputs: tuple[str, ...]


class Facts(Struct, frozen=True, kw_only=True):
    """A project and its packages.

    Attributes:
        name: of the project.
        target: what it is built for.
        functions: its functions.
        layers: its layers, each before those that need it.
        stages: the names of its stages.
    """

    name: str
    target: Target
    functions: tuple[PackageFacts, ...]
    layers: tuple[PackageFacts, ...]
    stages: tuple[str, ...]


def read_facts(project: Path | str, *, runtime: str | None, architecture: str | None) -> Facts:
    """Read what a project's files and settings say of its packages, without building them.

    Raises:
        WherryError: there is no project, or its settings are wrong.
    """
    request = read_request(project, runtime=runtime, architecture=architecture)
    folder = Path(request.project.settings.output or DEFAULT_OUTPUT)
    # As a build in the project's folder writes them.
    output = choose_output(None, None, default=folder, names=(), recipes=request.recipes)
    inputs = _inputs(project, runtime=runtime, architecture=architecture)
    packages = [
        PackageFacts(
            name=recipe.name,
            kind=recipe.kind,
            path=output.path(recipe.name).as_posix(),
            handler=_handler(recipe),
            layers=recipe.layers if recipe.kind == "function" else (),
            inputs=inputs.get(recipe.name, ()),
        )
        for recipe in request.recipes
    ]
    return Facts(
        name=request.project.name,
        target=request.target,
        functions=tuple(one for one in packages if one.kind == "function"),
        layers=tuple(one for one in packages if one.kind == "layer"),
        stages=tuple(request.project.settings.stages),
    )


def _handler(recipe: Recipe) -> str | None:
    settings = recipe.settings
    if not isinstance(settings, FunctionSettings):
        return None
    return SHIM_HANDLER if settings.app else written_handler(settings, ())


def _inputs(
    project: Path | str, *, runtime: str | None, architecture: str | None
) -> Mapping[str, tuple[str, ...]]:
    """Patterns of the files that decide each package; none where it has no digest, as without a lock."""
    from wherry.pipeline.digest import digest

    try:
        report = digest(project, runtime=runtime, architecture=architecture)
    except WherryError:
        return {}
    return {package.name: _patterns(package.files) for package in report.packages}


def _patterns(files: tuple[str, ...]) -> tuple[str, ...]:
    """Files at the top as they are, and for each folder at the top the deepest one that has all the rest."""
    folders: dict[str, str] = {}
    patterns = []
    for path in files:
        folder = posixpath.dirname(path)
        if not folder or folder.strip("./") == "":
            patterns.append(path)
            continue
        top = next(part for part in path.split("/") if part != "..")
        folders[top] = posixpath.commonpath([folders.get(top, folder), folder])
    return (*patterns, *(f"{folder}/**" for folder in sorted(folders.values())))
