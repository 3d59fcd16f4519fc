"""From recipes and what there is to choose from to packages."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from wherry.bundle.algebra import Bundle
from wherry.bundle.content import read_all
from wherry.compose.choose import chosen_names
from wherry.compose.model import EXTRA_PATHS, HOOKS, Composition, Distribution, Package
from wherry.compose.paths import PathChoice, in_neither
from wherry.compose.provided import Needs, without_provided
from wherry.compose.stack import Rest, Stack, code_folder
from wherry.errors import ConflictError, SettingsError
from wherry.events import Note, Warned
from wherry.settings.model import FunctionSettings, LayerSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from wherry.bundle.entry import Entry
    from wherry.compose.paths import Unmatched
    from wherry.compose.recipe import Recipe, SupplyKey
    from wherry.events import Event
    from wherry.settings.model import ExtraPath, Settings
    from wherry.target import Target
    from wherry.wheels.pinned import PinnedFile

    Supplies: TypeAlias = Mapping[SupplyKey, Sequence[Distribution]]
    Adapters: TypeAlias = Callable[[Sequence[PinnedFile]], Sequence[Distribution]]

__all__ = ["compose"]


def compose(
    recipes: Sequence[Recipe],
    supplies: Supplies,
    target: Target,
    *,
    settings: Settings,
    extra_paths: Mapping[ExtraPath, Bundle] | None = None,
    generated: Mapping[str, Bundle] | None = None,
    adapters: Adapters | None = None,
) -> Composition:
    """The packages, unwritten.

    A layer holds what its recipe chooses, without what the layers that it stands on hold. A function holds
    what its recipe chooses, without what its layers hold where Python finds it: a function and its layers
    together are what one package would be.

    Args:
        recipes: each layer before what stands on it.
        supplies: the distributions that recipes choose from, the project's own code among them.
        target: what the distributions were selected for.
        settings: of the project.
        extra_paths: the files of every extra path that a recipe names, at their place below it.
        generated: by package, files that commands have made before, at their place in the zip archive.
        adapters: gives the distributions of pinned wheels, for web applications whose project has no adapter.

    Raises:
        ConflictError: two different files for one path, and no winner said.
        SettingsError: the settings choose what is not there.
    """
    composer = _Composer(supplies, target, settings, extra_paths or {}, generated or {}, adapters)
    for recipe in recipes:
        composer.add(recipe)
    return Composition(
        target=target,
        packages=tuple(composer.packages),
        remarks=tuple(dict.fromkeys(composer.remarks)),
    )


class _Part:
    """Files that many packages may share, and what is asked of them for one package after the other."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle

    @cached_property
    def files(self) -> Mapping[str, Entry]:
        return {entry.path: entry for entry in self.bundle}

    @cached_property
    def names(self) -> frozenset[str]:
        """What lies at the top."""
        return frozenset(entry.path.partition("/")[0] for entry in self.bundle)


class _Code:
    """All that is to be importable in a package: of several parts where these have no folder in common."""

    def __init__(self, parts: Sequence[_Part]) -> None:
        self.parts = parts

    @cached_property
    def bundle(self) -> Bundle:
        return _side_by_side([part.bundle for part in self.parts])

    def find(self, path: str) -> Entry | None:
        for part in self.parts:
            if found := part.files.get(path):
                return found
        return None


class _Composer:
    def __init__(
        self,
        supplies: Supplies,
        target: Target,
        settings: Settings,
        extra_paths: Mapping[ExtraPath, Bundle],
        generated: Mapping[str, Bundle],
        adapters: Adapters | None,
    ) -> None:
        self.packages: list[Package] = []
        self.remarks: list[Event] = []
        self._supplies = supplies
        self._target = target
        self._settings = settings
        self._extra_paths = extra_paths
        self._generated = generated
        self._adapters = adapters
        self._needs = Needs(target)
        self._layers: dict[str, Package] = {}
        # Many functions choose the same distributions and paths, and stand on the same layers: what they
        # share is made once. What an id is of is kept alive by the supplies, or by these themselves.
        self._merged: dict[tuple[int, ...], _Part] = {}
        self._picked: dict[tuple[int, PathChoice], tuple[_Part, tuple[Unmatched, ...]]] = {}
        self._stacks: dict[tuple[str, ...], Stack] = {}
        self._rests: dict[tuple[int, tuple[str, ...]], Rest] = {}
        self._joined: dict[tuple[int, ...], Bundle] = {}

    def add(self, recipe: Recipe) -> None:
        chosen, provided = self._chosen(recipe)
        code, unmatched = self._code(chosen, recipe)
        if isinstance(recipe.settings, LayerSettings):
            extra = self._extra(recipe, code_folder(recipe.settings.layout, self._target))
            self._add_layer(recipe, recipe.settings, chosen, code, extra)
        else:
            extra = self._extra(recipe, "")
            self._add_function(recipe, recipe.settings, chosen, code, extra, provided)
        if unmatched and recipe.settings.extra_paths:
            # A pattern may be there for what was added besides.
            paths = [
                entry.path
                for each in recipe.settings.extra_paths
                for entry in self._extra_paths[each]
            ]
            also = PathChoice.of(recipe.settings).unmatched(paths)
            unmatched = in_neither(unmatched, also)
        self.remarks.extend(each.remark(recipe.table) for each in unmatched)

    def _chosen(self, recipe: Recipe) -> tuple[tuple[Distribution, ...], tuple[Distribution, ...]]:
        """The distributions that go in, and those that the runtime has instead."""
        supply = self._supplies[recipe.supply]
        own = next((one.name for one in supply if one.own), None)
        names = chosen_names(
            recipe, {one.name for one in supply if not one.own}, self.remarks, own=own
        )
        with_project = recipe.settings.project
        if with_project is None:
            with_project = recipe.kind == "function"
        chosen = [one for one in supply if (with_project if one.own else one.name in names)]
        shipped, provided = without_provided(
            sorted(chosen, key=_by_name),
            supply,
            (*self._settings.provided, *recipe.settings.provided),
            held={
                one.name: layer
                for layer in self._written(recipe.layers)
                if layer in self._layers
                for one in self._layers[layer].distributions
            },
            recipe=recipe,
            needs=self._needs,
            remarks=self.remarks,
        )
        return shipped, provided

    def _code(
        self, chosen: Sequence[Distribution], recipe: Recipe
    ) -> tuple[_Code, tuple[Unmatched, ...]]:
        """What the recipe takes of the distributions' files; and its patterns that match none of them."""
        choice = PathChoice.of(recipe.settings)
        # The functions of a project have their dependencies in common, and perhaps not their own code.
        parts = [
            self._merge([one for one in chosen if one.own is own])
            for own in (False, True)
            if any(one.own is own for one in chosen)
        ]
        if len(parts) > 1 and (choice.renames or parts[0].names & parts[1].names):
            parts = [self._merge(chosen)]
        picked = [self._pick(part, choice, recipe) for part in parts]
        unmatched = picked[0][1] if picked else choice.unmatched(())
        for _, also in picked[1:]:
            unmatched = in_neither(unmatched, also)
        return _Code([part for part, _ in picked]), unmatched

    def _merge(self, distributions: Sequence[Distribution]) -> _Part:
        key = tuple(id(one.bundle) for one in distributions)
        if key not in self._merged:
            self._merged[key] = _Part(
                Bundle().merge(*(one.bundle for one in distributions), settle=self._settle)
            )
        return self._merged[key]

    def _pick(
        self, part: _Part, choice: PathChoice, recipe: Recipe
    ) -> tuple[_Part, tuple[Unmatched, ...]]:
        if choice.is_everything:
            return part, ()
        key = id(part), choice
        if key not in self._picked:
            self._picked[key] = (
                _Part(choice.apply(part.bundle, recipe.table)),
                choice.unmatched(list(part.files)),
            )
        return self._picked[key]

    def _settle(self, path: str, owners: frozenset[str]) -> str | None:
        winner = self._settings.conflicts.get(path)
        return winner if winner in owners else None

    def _add_layer(
        self,
        recipe: Recipe,
        settings: LayerSettings,
        chosen: Sequence[Distribution],
        code: _Code,
        extra: Bundle,
    ) -> None:
        bundle = code.bundle.prefix(code_folder(settings.layout, self._target))
        if extra.entries:
            bundle = bundle.merge(extra, settle=_extra_wins)
        bundle = self._stack(recipe.layers).beyond(bundle)
        if not bundle.entries:
            self.remarks.append(
                Note(
                    text=f"layer `{recipe.name}` is empty: it is not written, and no function takes it"
                )
            )
            return
        _require_portable(recipe, settings, bundle)
        package = Package(
            name=recipe.name,
            kind="layer",
            bundle=bundle,
            distributions=_present(chosen, extra, bundle),
            layers=self._written(recipe.layers),
            runtimes=settings.runtimes or (self._target.runtime.name,),
            architectures=settings.architectures or (str(self._target.architecture),),
        )
        self._layers[recipe.name] = package
        self.packages.append(package)

    def _add_function(
        self,
        recipe: Recipe,
        settings: FunctionSettings,
        chosen: Sequence[Distribution],
        code: _Code,
        extra: Bundle,
        provided: tuple[Distribution, ...],
    ) -> None:
        layers = self._written(recipe.layers)
        if extra.entries:
            code = _Code([_Part(code.bundle.merge(extra, settle=_extra_wins))])
            rest = self._stack(layers).rest(code.bundle, always={entry.path for entry in extra})
        else:
            rest = self._rest(code, layers)
        self.remarks.extend(_said_of(rest, recipe, layers))
        bundle, handler = rest.bundle, None
        added: Sequence[Distribution] = ()
        if settings.app or settings.handler:
            handler, added = self._entry_point(recipe, settings, code, layers)
            if added:
                bundle = bundle.merge(*(one.bundle for one in added), settle=self._settle)
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

    def _entry_point(
        self,
        recipe: Recipe,
        settings: FunctionSettings,
        code: _Code,
        layers: tuple[str, ...],
    ) -> tuple[str, Sequence[Distribution]]:
        """The handler, and what a web application needs besides to have one."""
        from wherry.shims import Package as Importable
        from wherry.shims import check_handler, plan_shim

        stack = self._stack(layers)

        def lookup(path: str) -> bytes | None:
            entry = code.find(path) or stack.find(path)
            return None if entry is None else read_all(entry.payload)

        importable = Importable(
            lookup=lookup,
            paths=lambda: [*(entry.path for entry in code.bundle), *stack.paths()],
            # What is in a layer of somebody else's cannot be seen.
            complete=not any(layer.startswith("arn:") for layer in layers),
        )
        try:
            if settings.handler:
                return check_handler(settings.handler, importable), ()
            assert settings.app is not None  # noqa: S101
            shim = plan_shim(
                settings.app,
                importable,
                interface=settings.interface,
                distributions={
                    one.name: one.version or ""
                    for one in self._supplies[recipe.supply]
                    if any(code.find(entry.path) or stack.find(entry.path) for entry in one.bundle)
                },
                target=self._target,
            )
        except SettingsError as error:
            raise SettingsError(
                f"{recipe.table}: {error.message}", where=error.where, hint=error.hint
            ) from error
        self.remarks.extend(Note(text=f"{recipe.table}: {note}") for note in shim.notes)
        added = list(self._adapters(shim.files)) if shim.files and self._adapters else []
        owner = shim.entries[0].owner
        added.append(Distribution(name=owner, version=None, bundle=Bundle.of(shim.entries)))
        return shim.handler, added

    def _extra(self, recipe: Recipe, folder: str) -> Bundle:
        """The files of the extra paths, at their place in the zip archive; ``folder`` is that of the code.

        Those that commands have made are among them, and win.

        Raises:
            SettingsError: two of them put different files at one place.
        """
        choice = PathChoice.of(recipe.settings)
        bundles = []
        for extra in recipe.settings.extra_paths:
            found = choice.without_excluded(self._extra_paths[extra])
            rooted = extra.to is not None and extra.to.startswith("/")
            bundles.append(found if rooted else found.prefix(folder))
        try:
            together = Bundle().merge(*bundles)
        except ConflictError as error:
            raise SettingsError(
                f"{recipe.table}.extra-paths: {error.message}",
                where=error.where,
                hint='say where each is to lie: {path = "…", to = "…"}',
            ) from error
        made = self._generated.get(recipe.name, Bundle())
        return together.merge(made, settle=_extra_wins) if made.entries else together

    def _written(self, layers: Iterable[str]) -> tuple[str, ...]:
        """Without the layers that came out empty."""
        return tuple(layer for layer in layers if layer.startswith("arn:") or layer in self._layers)

    def _stack(self, layers: tuple[str, ...]) -> Stack:
        if layers not in self._stacks:
            self._stacks[layers] = Stack(
                (self._layers[layer].bundle for layer in layers if layer in self._layers),
                self._target,
            )
        return self._stacks[layers]

    def _join(self, bundles: Sequence[Bundle]) -> Bundle:
        # Packages of the same content have the very same bundle, which is then written once and copied.
        key = tuple(id(bundle) for bundle in bundles)
        if key not in self._joined:
            self._joined[key] = _side_by_side(bundles)
        return self._joined[key]

    def _rest(self, code: _Code, layers: tuple[str, ...]) -> Rest:
        """What of the code the layers do not hold."""
        rests = []
        for part in code.parts:
            key = id(part), layers
            if key not in self._rests:
                self._rests[key] = self._stack(layers).rest(part.bundle)
            rests.append(self._rests[key])
        return Rest(
            self._join([rest.bundle for rest in rests]),
            tuple(unit for rest in rests for unit in rest.whole),
            tuple(path for rest in rests for path in rest.hidden),
        )


def _side_by_side(bundles: Sequence[Bundle]) -> Bundle:
    """Bundles that have no folder in common: no conflict is to be looked for."""
    filled = [bundle for bundle in bundles if bundle.entries]
    if len(filled) < 2:
        return filled[0] if filled else Bundle()
    entries = (entry for bundle in filled for entry in bundle.entries)
    return Bundle(tuple(sorted(entries, key=lambda entry: entry.path)))


def _by_name(one: Distribution) -> tuple[str, str]:
    return one.name, one.version or ""


def _extra_wins(path: str, owners: frozenset[str]) -> str | None:  # noqa: ARG001
    # What is made on purpose, or said file by file, goes before what comes with everything.
    return next((owner for owner in (HOOKS, EXTRA_PATHS) if owner in owners), None)


def _said_of(rest: Rest, recipe: Recipe, layers: Sequence[str]) -> Iterable[Event]:
    of_layers = ", ".join(f"`{layer}`" for layer in layers if not layer.startswith("arn:"))
    for unit in rest.whole:
        yield Warned(
            text=f"function `{recipe.name}` repeats all of `{unit}`, of which {of_layers} holds another "
            "part or version",
            hint="Python imports a package from one place alone; leave the same files out of both, with "
            "`exclude-files`, or put all of it into the layer",
        )
    for path in rest.hidden[:1]:
        yield Warned(
            text=f"function `{recipe.name}` holds `{path}`, which cannot be imported: its package is in "
            f"{of_layers}",
            hint="put all files of a package into one place",
        )


def _present(
    distributions: Iterable[Distribution], extra: Bundle, bundle: Bundle
) -> tuple[Distribution, ...]:
    """The distributions that have a file in the package, and the project's own code."""
    owners = {entry.owner for entry in bundle}
    found = [one for one in distributions if one.own or one.name in owners]
    found.extend(
        Distribution(name=owner, version=None, bundle=extra)
        for owner in (EXTRA_PATHS, HOOKS)
        if owner in owners
    )
    return tuple(sorted(found, key=_by_name))


def _require_portable(recipe: Recipe, settings: LayerSettings, bundle: Bundle) -> None:
    """Refuse to call content fit for several targets that was compiled for one."""
    several = [
        " and ".join(names)
        for names in (settings.architectures, settings.runtimes)
        if len(names) > 1
    ]
    if not several:
        return
    compiled: dict[str, str] = {}
    for entry in bundle:
        name = entry.path.rpartition("/")[2]
        if not name.endswith(".so") and ".so." not in name:
            continue
        # One for the stable ABI runs on every runtime of the architecture that it was compiled for.
        if len(settings.architectures) > 1 or ".cpython-" in name:
            compiled.setdefault(entry.owner, entry.path)
    if compiled:
        raise SettingsError(
            f"layer `{recipe.name}` is not for {', '.join(several)} alike",
            where=[
                f"`{owner}` is compiled for one of them: `{path}`"
                for owner, path in sorted(compiled.items())
            ],
            hint="make a layer for each, or leave these distributions out",
        )
