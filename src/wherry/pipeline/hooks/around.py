"""Commands around the bundling of a project's packages.

Those of ``[tool.wherry.hooks]`` come first before bundling, once, and last after it, once for each package; those
of a function or layer stand between. What commands leave in their output folder before bundling is part of the
package: of every function what the project's commands leave, of one package what its own do.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec.structs import replace

from wherry.bundle.bundle import Bundle
from wherry.compose.model import HOOKS, Distribution
from wherry.compose.stack import code_folder
from wherry.errors import HookError, WherryError
from wherry.events import Warned
from wherry.pipeline.hooks.folder import read_folder, unpack
from wherry.pipeline.hooks.run import Container, Host, Work, run_commands
from wherry.settings.model import LayerSettings
from wherry.store.temporary import temporary_folder
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from wherry.compose.model import Composition, Package
    from wherry.compose.recipe import Recipe
    from wherry.context import Context
    from wherry.pipeline.hooks.folder import Unpacked
    from wherry.pipeline.hooks.run import Place
    from wherry.pipeline.request import BuildRequest
    from wherry.settings.model import Command, HookSettings

__all__ = ["Hooks"]


class Hooks(Struct, frozen=True, kw_only=True, dict=True):
    """The commands of one build: those of ``[tool.wherry.hooks]``, and of each package."""

    request: BuildRequest
    context: Context

    @cached_property
    def _places(self) -> dict[str, Place]:
        return {}

    @property
    def _project(self) -> HookSettings:
        return self.request.settings.hooks

    def digest(self, *, skip: Collection[Path]) -> str | None:
        """Of the files that the commands may read; None if it is not known whether they are the same.

        Args:
            skip: files and folders to pass over.
        """
        from wherry.bundle.tree import TreeRules, included_files, read_tree

        if self._project.always:
            return None
        root, inputs = self.request.root, self._project.inputs
        rules = TreeRules(include=inputs or (), skip=tuple(skip), everything=True)
        try:
            read = read_tree if inputs is None else included_files
            return read(root, owner="project", rules=rules).digest
        except WherryError:
            # A link that leads nowhere, say: it is nothing that ships.
            return None

    def before(self) -> Mapping[str, Bundle]:
        """Run what is to run before bundling: what it leaves, by package, at its place there.

        Raises:
            HookError: a command fails, or leaves what cannot be packaged.
        """
        shared = Bundle()
        if self._project.before:
            shared = self._generated(self._project.before, self._project)
            if shared.entries and all(recipe.kind == "layer" for recipe in self.request.recipes):
                self.context.reporter.emit(
                    Warned(
                        text="what the commands of `hooks` left is in no package, as no function is built",
                        hint="for a layer name them in its own table: [tool.wherry.layers.NAME.hooks]",
                    )
                )
        made = {}
        for recipe in self.request.recipes:
            bundle = shared if recipe.kind == "function" else Bundle()
            own = recipe.settings.hooks
            if own.before:
                found = self._generated(own.before, own, recipe)
                # Of two files the package's own counts.
                bundle = Bundle.of(
                    {entry.path: entry for each in (bundle, found) for entry in each}.values()
                )
            made[recipe.name] = bundle
        return made

    def after(self, composition: Composition, recipes: Sequence[Recipe]) -> Composition:
        """Run what is to run after bundling, on each package: the composition of what it leaves.

        Args:
            composition: all packages.
            recipes: of the packages, by their final names.

        Raises:
            HookError: a command fails, or leaves what cannot be packaged.
        """
        by_name = {recipe.name: recipe for recipe in recipes}
        packages = tuple(
            self._after(package, by_name[package.name]) for package in composition.packages
        )
        return replace(composition, packages=packages)

    def _after(self, package: Package, recipe: Recipe) -> Package:
        own = recipe.settings.hooks
        lists = [(own.after, own), (self._project.after, self._project)]
        if not any(commands for commands, _ in lists):
            return package
        what = f"{package.kind} `{package.name}`"
        with self._package_folder(recipe, package.bundle) as (root, unpacked):
            for commands, settings in lists:
                if commands:
                    self._run(f"after bundling {what}", commands, settings, root, recipe)
            bundle = read_folder(
                root, owner=HOOKS, what=what, store=self.context.store, before=unpacked
            )
        if package.bundle.entries and not bundle.entries:
            raise HookError(f"the commands after bundling left nothing in {what}")
        return replace(package, bundle=bundle, distributions=_present(package, bundle))

    def _generated(
        self, commands: Sequence[Command], settings: HookSettings, recipe: Recipe | None = None
    ) -> Bundle:
        """The files that commands before bundling leave: those of a recipe, or of the project."""
        what = "the packages" if recipe is None else f"`{recipe.name}`"
        when = "before bundling" if recipe is None else f"before bundling {what}"
        with self._package_folder(recipe, Bundle()) as (root, _):
            self._run(when, commands, settings, root, recipe)
            return read_folder(root, owner=HOOKS, what=what, store=self.context.store, before={})

    @contextmanager
    def _package_folder(
        self, recipe: Recipe | None, bundle: Bundle
    ) -> Iterator[tuple[Path, Unpacked]]:
        """A folder with the files of a package, beside room for a log."""
        with temporary_folder("hooks") as name:
            # On macOS the folder for temporary files is a link.
            root = name.resolve() / "package"
            (root / self._output(recipe)).mkdir(parents=True)
            yield root, unpack(bundle, root)

    def _run(
        self,
        when: str,
        commands: Sequence[Command],
        settings: HookSettings,
        root: Path,
        recipe: Recipe | None,
    ) -> None:
        context = self.context
        where = settings.where or self._project.where or "host"
        if where not in self._places:
            self._places[where] = (
                Container(run_script=context.builders.container().run_shell)
                if where == "container"
                else Host()
            )
        facts = {} if recipe is None else {"WHERRY_NAME": recipe.name}
        work = Work(
            when=when,
            commands=commands,
            input=self.request.root,
            root=root,
            output=self._output(recipe),
            facts={
                **facts,
                "WHERRY_RUNTIME": context.target.runtime.name,
                "WHERRY_ARCHITECTURE": str(context.target.architecture),
            },
        )
        run_commands(
            work,
            self._places[where],
            log=root.with_name("log"),
            store=context.store,
            reporter=context.reporter,
        )

    def _output(self, recipe: Recipe | None) -> str:
        """The folder of a package where code lies."""
        if recipe is not None and isinstance(recipe.settings, LayerSettings):
            return code_folder(recipe.settings.layout, self.context.target)
        return ""


def _present(package: Package, bundle: Bundle) -> tuple[Distribution, ...]:
    """The distributions that still have a file in the package, and what commands have added."""
    owners = {entry.owner for entry in bundle}
    found = [one for one in package.distributions if one.own or one.name in owners]
    if HOOKS in owners and all(one.name != HOOKS for one in found):
        found.append(Distribution(name=HOOKS, version=None, bundle=Bundle()))
    return tuple(sorted(found, key=lambda one: (one.name, one.version or "")))
