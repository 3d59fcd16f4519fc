"""Composing packages from recipes and supplies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.bundle.bundle import Bundle
from wherry.compose.choose import PathChoice, choose_names, excluded_names, in_both
from wherry.compose.code import Code, CodeParts, Part
from wherry.compose.model import EXTRA_PATHS, HOOKS, Composition, Distribution, Package
from wherry.compose.needs import Requirements
from wherry.compose.portable import require_compiled_for_all
from wherry.compose.provided import missing_remarks, without_provided
from wherry.compose.stack import ComposedLayers, LayerTrees, code_folder, rest_warnings
from wherry.errors import ConflictError, SettingsError
from wherry.events import Note, Warned
from wherry.settings.model import FunctionSettings, LayerSettings

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from wherry.bundle.entry import Entry
    from wherry.compose.model import Supplies
    from wherry.compose.recipe import Recipe
    from wherry.compose.stack import Rest, Stack
    from wherry.events import Event
    from wherry.settings.model import Settings
    from wherry.target import Target

__all__ = ["compose"]


def compose(
    recipes: Sequence[Recipe], supplies: Supplies, target: Target, *, settings: Settings
) -> Composition:
    """Compose packages, unwritten.

    A layer holds what its recipe chooses, without what the layers that it depends on hold. A function holds what its
    recipe chooses, without what its layers hold where Python finds it: a function and its layers together are what
    one package would be. The recipe of a layer comes before those that depend on it.

    Raises:
        ConflictError: two different files for one path, and no winner is set.
        SettingsError: the settings choose what is not there.
    """
    composer = _Composer(supplies, target, settings)
    for recipe in recipes:
        composer.add(recipe)
    composer.remarks.extend(rest_warnings(composer.rests))
    return Composition(
        target=target,
        packages=tuple(composer.packages),
        remarks=tuple(dict.fromkeys(composer.remarks)),
    )


class _Composer:
    def __init__(self, supplies: Supplies, target: Target, settings: Settings) -> None:
        self.packages: list[Package] = []
        self.remarks: list[Event] = []
        self.rests: list[tuple[str, Sequence[str], Rest]] = []
        self._supplies = supplies
        self._target = target
        self._settings = settings
        self._requirements = Requirements(target)
        self._parts = CodeParts(settings.conflicts)
        self._layers = ComposedLayers(target)
        self._laid_out = LayerTrees(target)

    def add(self, recipe: Recipe) -> None:
        chosen, provided = self._choose(recipe)
        laid_out = Bundle()
        if isinstance(recipe.settings, LayerSettings):
            chosen, laid_out = self._laid_out.split(chosen, recipe.settings)
        code, unmatched = self._parts.code(chosen, recipe)
        self.remarks.extend(self._parts.remarks)
        if isinstance(recipe.settings, LayerSettings):
            extra = self._extra(recipe, code_folder(recipe.settings.layout, self._target))
            if laid_out.entries:
                kept = PathChoice.of(recipe.settings).without_excluded(laid_out)
                extra = kept.merge(extra, settle=_extra_wins)
            self._add_layer(recipe, recipe.settings, chosen, code, extra)
        else:
            extra = self._extra(recipe, "")
            self._add_function(recipe, chosen, code, extra, provided)
        if unmatched and recipe.settings.extra_paths:
            # A pattern may be meant for the extra paths.
            paths = [
                entry.path
                for extra_path in recipe.settings.extra_paths
                for entry in self._supplies.extra_paths[extra_path]
            ]
            unmatched = in_both(unmatched, PathChoice.of(recipe.settings).unmatched(paths))
        self.remarks.extend(pattern.remark(recipe.table) for pattern in unmatched)

    def _choose(self, recipe: Recipe) -> tuple[tuple[Distribution, ...], tuple[Distribution, ...]]:
        """The distributions to ship, and those that the runtime provides instead."""
        supply = self._supplies.distributions[recipe.supply]
        own_name = next((dist.name for dist in supply if dist.own), None)
        by_name = {dist.name: dist for dist in supply if not dist.own}
        names = choose_names(recipe, by_name.keys(), self.remarks, own=own_name)
        if extra := recipe.settings.extra_distributions:
            # What is added by name comes with all that it needs.
            added = self._requirements.all_of(extra, by_name)
            names |= added - excluded_names(recipe.settings, added)
        # The folder of a layer may hold a lock and no code.
        with_own = recipe.with_project and (
            recipe.kind == "function" or any(dist.own and dist.bundle.entries for dist in supply)
        )
        chosen = sorted(
            (dist for dist in supply if (with_own if dist.own else dist.name in names)),
            key=_by_name,
        )
        provided_names = (*self._settings.provided, *recipe.settings.provided)
        held = self._layers.held(self._layers.written(recipe.layers))
        if recipe.kind == "function":
            present = {dist.name for dist in chosen} | held.keys()
            self.remarks.extend(missing_remarks(provided_names, supply, present))
        shipped, provided = without_provided(
            chosen, supply, provided_names, held=held, recipe=recipe, needs=self._requirements
        )
        self._warn_of_missing_needs(recipe, shipped, by_name, held.keys() | {*provided_names})
        return shipped, provided

    def _warn_of_missing_needs(
        self,
        recipe: Recipe,
        shipped: Iterable[Distribution],
        by_name: Mapping[str, Distribution],
        elsewhere: Collection[str],
    ) -> None:
        """Warn of what was included by name without all that it needs."""
        settings = recipe.settings
        if (
            recipe.kind == "layer"
            or "*" in settings.include
            or any(layer.startswith("arn:") for layer in recipe.layers)
        ):
            return
        elsewhere = self._requirements.all_of(elsewhere, by_name)
        names = {dist.name for dist in shipped}
        for dist in shipped:
            missing = (self._requirements.of(dist) & by_name.keys()) - names - elsewhere
            missing -= excluded_names(settings, missing)
            if missing and not dist.own:
                needed = ", ".join(f"`{name}`" for name in sorted(missing))
                self.remarks.append(
                    Warned(
                        text=f"{recipe.table}.include: `{dist.name}` needs {needed}, which neither the package nor "
                        "a layer of it holds",
                        hint="include it too, or name it in `exclude` if it is not used",
                    )
                )

    def _add_layer(
        self,
        recipe: Recipe,
        settings: LayerSettings,
        chosen: Sequence[Distribution],
        code: Code,
        extra: Bundle,
    ) -> None:
        bundle = code.bundle.prefix(code_folder(settings.layout, self._target))
        if extra.entries:
            bundle = bundle.merge(extra, settle=_extra_wins)
        bundle = self._layers.stack(recipe.layers).beyond(bundle)
        if not bundle.entries:
            self.remarks.append(
                Note(
                    text=f"layer `{recipe.name}` is empty: it is not written, and no function takes it"
                )
            )
            return
        require_compiled_for_all(recipe.name, settings, bundle)
        layer = Package(
            name=recipe.name,
            kind="layer",
            bundle=bundle,
            distributions=_present(chosen, extra, bundle),
            layers=self._layers.written(recipe.layers),
            runtimes=settings.runtimes or (self._target.runtime.name,),
            architectures=settings.architectures or (str(self._target.architecture),),
        )
        self._layers.add(layer)
        self.packages.append(layer)

    def _add_function(
        self,
        recipe: Recipe,
        chosen: Sequence[Distribution],
        code: Code,
        extra: Bundle,
        provided: tuple[Distribution, ...],
    ) -> None:
        layers = self._layers.written(recipe.layers)
        stack = self._layers.stack(layers)
        if extra.entries:
            code = Code([Part(code.bundle.merge(extra, settle=_extra_wins))])
            rest = stack.rest(code.bundle, always={entry.path for entry in extra})
        else:
            rest = self._layers.rest(code, layers)
        self.rests.append((recipe.name, layers, rest))
        bundle = rest.bundle
        handler, added, notes = _entry_point(recipe, code, stack, self._supplies, self._target)
        self.remarks.extend(Note(text=note) for note in notes)
        if added:
            bundle = bundle.merge(*(dist.bundle for dist in added), settle=self._parts.settle)
        self.packages.append(
            Package(
                name=recipe.name,
                kind="function",
                bundle=bundle,
                distributions=_present((*chosen, *added), extra, bundle),
                handler=handler,
                layers=layers,
                runtimes=(self._target.runtime.name,),
                architectures=(str(self._target.architecture),),
                provided=provided,
            )
        )

    def _extra(self, recipe: Recipe, folder: str) -> Bundle:
        """The files of extra paths and of commands, at their paths in the zip archive.

        ``folder`` is that of the package's code, at which relative extra paths start.
        """
        choice = PathChoice.of(recipe.settings)
        bundles = []
        for extra_path in recipe.settings.extra_paths:
            bundle = choice.without_excluded(self._supplies.extra_paths[extra_path])
            rooted = extra_path.to is not None and extra_path.to.startswith("/")
            bundles.append(bundle if rooted else bundle.prefix(folder))
        try:
            merged = Bundle().merge(*bundles)
        except ConflictError as error:
            raise SettingsError(
                f"{recipe.table}.extra-paths: {error.message}",
                where=error.where,
                hint='set the path of each in the package: {path = "…", to = "…"}',
            ) from error
        generated = self._supplies.generated.get(recipe.name, Bundle())
        return merged.merge(generated, settle=_extra_wins) if generated.entries else merged


def _by_name(dist: Distribution) -> tuple[str, str]:
    return dist.name, dist.version or ""


def _extra_wins(path: str, owners: frozenset[str]) -> str | None:  # noqa: ARG001
    # Files that were made or named on purpose override those of distributions.
    return next((owner for owner in (HOOKS, EXTRA_PATHS) if owner in owners), None)


def _present(
    distributions: Iterable[Distribution], extra: Bundle, bundle: Bundle
) -> tuple[Distribution, ...]:
    """The distributions that have a file in the package, and the project's own code."""
    owners = {entry.owner for entry in bundle}
    present = [dist for dist in distributions if dist.own or dist.name in owners]
    present.extend(
        Distribution(name=owner, version=None, bundle=extra)
        for owner in (EXTRA_PATHS, HOOKS)
        if owner in owners
    )
    return tuple(sorted(present, key=_by_name))


def _entry_point(
    recipe: Recipe, code: Code, stack: Stack, supplies: Supplies, target: Target
) -> tuple[str | None, Sequence[Distribution], Sequence[str]]:
    """The handler of a function, if any, the distributions that it needs, and notes for the user."""
    settings = recipe.settings
    if not isinstance(settings, FunctionSettings) or not (settings.app or settings.handler):
        return None, (), ()
    from wherry.shims.package import Package
    from wherry.shims.shim import AppOptions, check_handler, plan_shim

    def find(path: str) -> Entry | None:
        return code.find(path) or stack.find(path)

    def lookup(path: str) -> bytes | None:
        entry = find(path)
        return None if entry is None else supplies.read(entry.payload)

    package = Package(
        lookup=lookup,
        paths=lambda: [*(entry.path for entry in code.bundle), *stack.paths()],
        # The files of layers of others are not known.
        complete=not any(layer.startswith("arn:") for layer in recipe.layers),
        python=target.runtime.python,
    )
    try:
        if settings.handler:
            return check_handler(settings.handler, package), (), ()
        assert settings.app is not None  # noqa: S101
        shim = plan_shim(
            settings.app,
            package,
            interface=settings.interface,
            distributions={
                dist.name: dist.version or ""
                for dist in supplies.distributions[recipe.supply]
                if any(find(entry.path) for entry in dist.bundle)
            },
            target=target,
            options=AppOptions(
                base_path=settings.base_path,
                stage_in_path=settings.stage_in_path,
                text_types=settings.text_types,
                events=settings.events,
            ),
        )
    except SettingsError as error:
        raise SettingsError(
            f"{recipe.table}: {error.message}", where=error.where, hint=error.hint
        ) from error
    added = list(supplies.adapters(shim.files)) if shim.files and supplies.adapters else []
    owner = shim.entries[0].owner
    added.append(Distribution(name=owner, version=None, bundle=Bundle.of(shim.entries)))
    return shim.handler, added, [f"{recipe.table}: {note}" for note in shim.notes]
