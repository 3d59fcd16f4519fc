"""Packages with compiled modules, according to the setting ``bytecode``.

Each lies where Python looks for it, beside its source, with a header that says not to compare the two (PEP 552). The
sources stay: tracebacks and ``inspect`` read them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from wherry.bundle.bundle import Bundle
from wherry.bundle.entry import Entry, zipped_size
from wherry.compose.model import Saving
from wherry.contents.imports import When
from wherry.contents.model import OPT, TASK
from wherry.pipeline.bytecode.compiling import Compiling, Source, cached_path
from wherry.pipeline.bytecode.reached import reached_places

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wherry.compose.model import Composition, Package
    from wherry.compose.recipe import Recipe
    from wherry.context import Context
    from wherry.pipeline.bytecode.compiling import Compiled
    from wherry.pipeline.request import BuildRequest

__all__ = ["add_bytecode"]


def add_bytecode(
    composition: Composition, recipes: Sequence[Recipe], request: BuildRequest, context: Context
) -> Composition:
    """The same packages; those whose settings say so, with compiled modules.

    Args:
        composition: all packages, as they are to be written.
        recipes: of the packages.
        request: for the project's settings and folder.
        context: of the run.

    Raises:
        ToolError: this machine has no Python of the target's version, or it cannot be run.
        ArchiveError, OutputError: a module cannot be read.
        StoreError: the store cannot be written.
    """
    compiling = Compiling(context)
    by_name = {recipe.name: recipe for recipe in recipes}
    packages = []
    for package in composition.packages:
        content = by_name[package.name].settings
        mode = request.settings.chosen("bytecode", content)
        if mode == "off":
            packages.append(package)
            continue
        order = None
        if mode == "init":
            label = request.label(package.name)
            reached = reached_places(composition.with_layers(package), label, context)
            order = {place: when for place, when in reached.items() if when <= When.GUARDED}
        budget = request.settings.chosen("bytecode_budget", content)
        packages.append(_with_bytecode(package, order, budget, compiling))
    return replace(composition, packages=tuple(packages))


def _with_bytecode(
    package: Package, order: Mapping[str, int] | None, budget: int | None, compiling: Compiling
) -> Package:
    """A package with compiled modules.

    Args:
        package: as it is to be written.
        order: the places of the modules to compile, and how early they are loaded; all of the package if None.
        budget: the most bytes unzipped of all compiled modules; without a limit if None.
        compiling: compiles them.
    """
    folder = TASK if package.kind == "function" else OPT
    entries = {
        f"{folder}/{entry.path}": entry
        for entry in package.bundle
        if _is_module(entry.path) and (order is None or f"{folder}/{entry.path}" in order)
    }
    sources = [Source(place, entry.payload) for place, entry in entries.items()]
    made = compiling.compiled(sources)
    if budget is not None:
        made = _within(budget, made, entries, order or {})
    compiled: dict[str, Entry] = {}
    for place, payload in made.items():
        path = cached_path(entries[place].path, compiling.target)
        compiled[path] = Entry(path, False, payload, entries[place].owner)  # noqa: FBT003
    kept = package.bundle.filter(lambda entry: entry.path not in compiled)
    before = [entry.payload for entry in package.bundle if entry.path in compiled]
    after = [entry.payload for entry in compiled.values()]
    return replace(
        package,
        bundle=kept.merge(Bundle.of(compiled.values())),
        bytecode=Saving(
            files=len(compiled),
            size=sum(map(zipped_size, before)) - sum(map(zipped_size, after)),
            unzipped_size=sum(each.size for each in before) - sum(each.size for each in after),
        ),
    )


def _within(
    budget: int,
    made: Mapping[str, Compiled],
    entries: Mapping[str, Entry],
    order: Mapping[str, int],
) -> dict[str, Compiled]:
    """The compiled modules that fit: of those that are loaded for certain first those that take longest to compile.

    That goes by the size of what compiling gives, as comments cost next to nothing.
    """
    ranked = sorted(
        made, key=lambda place: (order.get(place, 0), -made[place].size, entries[place].path)
    )
    chosen: dict[str, Compiled] = {}
    for place in ranked:
        if made[place].size <= budget:
            budget -= made[place].size
            chosen[place] = made[place]
    return chosen


def _is_module(path: str) -> bool:
    """Whether `import` can name a file, as it is written in the zip archive."""
    return path.endswith(".py") and all(
        part.isidentifier() or part in _FOLDERS for part in path.removesuffix(".py").split("/")
    )


# Of layers: `python/lib/python3.13/site-packages`.
_FOLDERS = frozenset(["site-packages", *(f"python3.{minor}" for minor in range(9, 31))])
