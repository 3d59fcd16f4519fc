"""The inputs of a package: all that decides its bytes, as one document, known without building.

Two packages with equal documents have equal bytes, on whatever machine and in whatever folder they are built. The
document holds no absolute path, no name of a package and no time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wherry.bundle.compressor import COMPRESSOR, STRIPPING
from wherry.errors import DigestError
from wherry.pipeline.acquired import Acquired, Kind, absolute
from wherry.pipeline.memory import compiler_release, container_facts
from wherry.store.memo import memo_key
from wherry.structs import Struct
from wherry.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from wherry.bundle.bundle import Bundle
    from wherry.compose.recipe import Recipe
    from wherry.context import Context
    from wherry.pipeline.memory import Supplied
    from wherry.pipeline.request import BuildRequest
    from wherry.pipeline.trees import Trees
    from wherry.settings.model import ContentSettings, FunctionSettings, LayerSettings

__all__ = ["PackageInputs", "read_inputs"]

# The settings that say where distributions and code come from, which are known by what they give.
_KNOWN_BY_RESULT = frozenset(
    {"root", "lock", "package", "groups", "extras", "layers", "extra_paths", "extra_distributions"}
)
# The settings of the whole project that apply to each package unless it has its own.
_SLIMMING = ("strip", "slim", "botocore_services", "bytecode", "bytecode_budget")
_WITH_DEFAULT = frozenset({*_SLIMMING, "provided", "hooks"})


class PackageInputs(Struct, frozen=True, kw_only=True):
    """The inputs of one package.

    Attributes:
        sha256: of their document, in hexadecimal.
        files: the files of this machine that count, sorted; those of its layers are among them.
    """

    sha256: str
    files: tuple[Path, ...]


def read_inputs(
    request: BuildRequest, locked: Supplied, trees: Trees, context: Context
) -> Mapping[str, PackageInputs]:
    """The inputs of each package of a request, by its name.

    Args:
        request: for a target that is settled.
        locked: what its locks give.
        trees: how source trees are read.
        context: of the run.

    Raises:
        DigestError: something unknown decides a package.
        WherryError: a source tree or extra path cannot be read.
    """
    reading = _Reading(request, locked, trees, context)
    return {
        recipe.name: PackageInputs(
            sha256=memo_key(*reading.rules, reading.document(recipe)),
            files=tuple(sorted(reading.files(recipe))),
        )
        for recipe in request.recipes
    }


class _Reading:
    def __init__(
        self, request: BuildRequest, locked: Supplied, trees: Trees, context: Context
    ) -> None:
        self.rules = [
            # Another version may make other bytes.
            __version__,
            COMPRESSOR,
            repr(request.target),
            container_facts(request, context),
        ]
        self._request = request
        self._locked = locked
        self._trees = trees
        self._context = context
        self._by_name = {recipe.name: recipe for recipe in request.recipes}
        self._documents: dict[str, list[Any]] = {}
        self._files: dict[str, set[Path]] = {}

    def files(self, recipe: Recipe) -> set[Path]:
        """The files that count for a package whose document was made."""
        root = self._request.root
        # What says what is to be packaged counts by what it says; an edit of it may change that.
        deciding = {
            path for name in self._locked.inputs.files if (path := absolute(name, root)).is_file()
        }
        return deciding.union(
            self._files[recipe.name],
            *(self._files[layer] for layer in recipe.layers if layer in self._files),
        )

    def document(self, recipe: Recipe) -> list[Any]:
        """All that decides a package but for the rules, as JSON can hold it."""
        if recipe.name not in self._documents:
            self._files[recipe.name] = set()
            self._documents[recipe.name] = [
                recipe.kind,
                self._settings(recipe.settings),
                self._supply(recipe),
                self._extra_paths(recipe),
                self._hooks(recipe),
                [
                    self.document(self._by_name[layer]) if layer in self._by_name else layer
                    for layer in recipe.layers
                ],
            ]
        return self._documents[recipe.name]

    def _settings(self, settings: FunctionSettings | LayerSettings) -> list[Any]:
        """The settings that decide what goes into a package, as far as they are set."""
        project = self._request.settings
        return [
            _set(settings, without=_KNOWN_BY_RESULT | _WITH_DEFAULT),
            [project.chosen(name, settings) for name in _SLIMMING],
            STRIPPING if project.chosen("strip", settings) else None,
            compiler_release(self._request, self._context)
            if project.chosen("bytecode", settings) != "off"
            else None,
            sorted({*project.provided, *settings.provided}),
            dict(project.conflicts),
        ]

    def _supply(self, recipe: Recipe) -> list[Any]:
        planned = [
            one
            for one in self._locked.acquired[recipe.supply]
            if not one.own or recipe.with_project
        ]
        trees = self._trees.beside(self._locked.acquired[recipe.supply])
        return sorted(
            [one.kind, one.name, one.version or "", one.filename, one.sha256]
            if not one.is_tree
            else self._tree(one, trees, recipe)
            for one in planned
        )

    def _tree(self, one: Acquired, trees: Trees, recipe: Recipe) -> list[str]:
        if one.kind is Kind.INSTALLED:
            from wherry.sources.installed.folder import read_installed

            installed = read_installed(one.folder, self._context)
            for distribution in installed.distributions:
                self._note(recipe, distribution.bundle)
            return [one.kind, "", "", "", installed.digest]
        from wherry.sources.project_inputs import read_project_inputs

        inputs = read_project_inputs(one.folder, trees.options(one), self._context)
        self._files[recipe.name].update(inputs.files)
        # The project's own folder may be called otherwise on every machine.
        return [one.kind, "" if one.own else one.name, "", "own" if one.own else "", inputs.digest]

    def _note(self, recipe: Recipe, bundle: Bundle) -> None:
        from wherry.bundle.entry import SourceFile

        sources = (entry.payload for entry in bundle)
        self._files[recipe.name].update(
            payload.path for payload in sources if isinstance(payload, SourceFile)
        )

    def _extra_paths(self, recipe: Recipe) -> list[Any]:
        facts = []
        for extra in recipe.settings.extra_paths:
            tree = self._trees.extra_path(extra, self._request.root)
            self._note(recipe, tree.bundle)
            paths = [[entry.path, entry.executable] for entry in tree.bundle]
            facts.append([paths, extra.to, tree.digest])
        return facts

    def _hooks(self, recipe: Recipe) -> list[Any]:
        """The commands, and the files that they read as the settings say."""
        project, own = self._request.settings.hooks, recipe.settings.hooks
        if project.is_empty and own.is_empty:
            return []
        if project.inputs is None or project.always:
            where = "`always` runs them whatever has changed"
            raise DigestError(
                "commands run before or after bundling, and what they read is not known",
                where=[where if project.always else "`hooks.inputs` does not name it"],
                hint="name the files that they read: inputs in [tool.wherry.hooks]",
            )
        tree = self._trees.hook_inputs(project.inputs, self._request.root)
        self._note(recipe, tree.bundle)
        commands = [[each.before, each.after, each.where] for each in (project, own)]
        # Commands get the name in a variable.
        return [commands, recipe.name, tree.digest]


def _set(settings: ContentSettings, *, without: frozenset[str]) -> dict[str, Any]:
    """The settings that are not as by default."""
    plain = type(settings)()
    return {
        name: value
        for name in settings.__struct_fields__
        if name not in without and (value := getattr(settings, name)) != getattr(plain, name)
    }
