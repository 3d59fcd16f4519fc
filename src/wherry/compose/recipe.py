"""Recipes: the packages to make, what they choose from, and their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import field
from msgspec.structs import replace

from wherry.errors import SettingsError
from wherry.problems import did_you_mean
from wherry.settings.model import FunctionSettings, LayerSettings
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from wherry.settings.model import ContentSettings, Settings

__all__ = ["Recipe", "SupplyKey", "SupplyOptions", "recipes", "with_handler"]


class SupplyKey(Struct, frozen=True, kw_only=True):
    """Decides which distributions a package can choose from. Packages with equal keys share them.

    Attributes:
        project: the folder of the project that says what is needed, relative to that of the settings.
        code: the folder of the code, relative to that of the settings; None for the code of the project, or of
            the member of its workspace.
        lock: the lock file that was named, relative to the folder of the settings; None for the one that is found.
        package: the member of the workspace; None for the project itself.
        groups: dependency groups beyond the default ones.
        requirements: requirements beyond the lock.
    """

    project: str = "."
    code: str | None = None
    lock: str | None = None
    package: str | None = None
    groups: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()

    @property
    def needs(self) -> SupplyKey:
        """The same without the code: keys that differ in it alone have the same dependencies."""
        return replace(self, code=None)


class SupplyOptions(Struct, frozen=True, kw_only=True):
    """The options of what packages choose from, for all packages.

    Attributes:
        groups: additional dependency groups.
        extras: additional extras.
        package: the member of the workspace, if a package names neither its own nor a folder.
        lock: the lock file, in place of those of the settings.
        is_project: whether a folder of the settings is a project of its own, which says what its code needs.
    """

    groups: Sequence[str] = ()
    extras: Sequence[str] = ()
    package: str | None = None
    lock: str | None = None
    is_project: Callable[[str], bool] = field(default=lambda root: root == ".")

    def supply(self, content: ContentSettings, settings: Settings) -> SupplyKey:
        """The supply of a function or layer of these settings."""
        root, package = content.root, content.package
        project = root if root is not None and self.is_project(root) else "."
        if root is None:
            package = package or self.package
        elif package is not None and project == root:
            # The code is the member's.
            root = None
        # The settings of the project are not those of another one.
        main = project == "."
        return SupplyKey(
            project=project,
            code=root,
            lock=self.lock or content.lock or (settings.lock if main else None),
            package=package,
            groups=_together(content.groups, settings.groups if main else (), self.groups),
            extras=_together(content.extras, settings.extras if main else (), self.extras),
            requirements=content.extra_distributions,
        )


class Recipe(Struct, frozen=True, kw_only=True):
    """How to make one package.

    Attributes:
        layers: names and ARNs of all layers it takes or depends on, in the order in which Lambda unpacks them.
        implicit: whether the settings have no function or layer, so that this is the only package.
    """

    name: str
    settings: FunctionSettings | LayerSettings
    supply: SupplyKey
    layers: tuple[str, ...]
    implicit: bool = False

    @property
    def kind(self) -> str:
        """``function`` or ``layer``."""
        return "layer" if isinstance(self.settings, LayerSettings) else "function"

    @property
    def with_project(self) -> bool:
        """Whether the project's own code is shipped: by default in functions, and in layers with a folder of their own."""
        chosen = self.settings.project
        by_default = self.kind == "function" or self.settings.root is not None
        return by_default if chosen is None else chosen

    @property
    def table(self) -> str:
        """The name of its settings in messages."""
        return f"{self.kind}s.{self.name}"


def recipes(
    settings: Settings,
    *,
    name: str,
    names: Sequence[str] = (),
    options: SupplyOptions = SupplyOptions(),
) -> tuple[Recipe, ...]:
    """The packages to make, each layer before those that depend on it.

    ``names`` are the functions and layers to make, with the layers that they need; all if empty. ``name`` is that of
    the package if the settings name none.

    Raises:
        SettingsError: a name is not that of a function or layer.
    """
    layers, functions = settings.layers, settings.functions
    implicit = not layers and not functions
    if implicit:
        functions = {name: FunctionSettings()}
    chosen = _chosen(names, functions, layers)
    packages: dict[str, FunctionSettings | LayerSettings] = {
        layer: layers[layer] for layer in _stack(layers, layers) if layer in layers
    }
    packages.update(functions)
    stacks = {name: _stack(content.layers, layers) for name, content in packages.items()}
    needed = chosen.union(*(stacks[name] for name in chosen))
    return tuple(
        Recipe(
            name=name,
            settings=content,
            supply=options.supply(content, settings),
            layers=stacks[name],
            implicit=implicit,
        )
        for name, content in packages.items()
        if name in needed
    )


def with_handler(
    settings: Settings,
    *,
    name: str,
    names: Sequence[str] = (),
    app: str | None = None,
    handler: str | None = None,
    interface: str | None = None,
) -> Settings:
    """The settings with the app or handler of a function that the user gave outside of them.

    If the user asks for one function in ``names``, that one is meant; ``name`` is that of the function if the
    settings name none.

    Raises:
        SettingsError: there are several functions, so that it is unclear which is meant.
    """
    if app is None and handler is None and interface is None:
        return settings
    functions = {
        key: function for key, function in settings.functions.items() if not names or key in names
    }
    if len(functions) > 1 or (not functions and (settings.functions or settings.layers)):
        known = ", ".join(f"`{key}`" for key in settings.functions) or "none"
        raise SettingsError(
            "an app or handler was given, and it is not clear for which function",
            where=[f"the settings have these functions: {known}"],
            hint="name the function, or set it in the settings: [tool.wherry.functions.NAME]",
        )
    key, function = next(iter(functions.items()), (name, FunctionSettings()))
    if app is not None or handler is not None:
        function = replace(function, app=app, handler=handler, interface=interface)
    else:
        function = replace(function, interface=interface)
    if function.interface and not function.app:
        raise SettingsError(
            f"`{function.interface}` is the interface of an app, and none is set",
            hint="name it: --app module:object",
        )
    return replace(settings, functions={**settings.functions, key: function})


def _together(
    own: Sequence[str] | None, default: Sequence[str], options: Sequence[str]
) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*(default if own is None else own), *options)))


def _chosen(
    names: Iterable[str], functions: Mapping[str, object], layers: Mapping[str, object]
) -> set[str]:
    known = [*functions, *layers]
    chosen = set(names)
    if unknown := sorted(chosen - set(known)):
        raise SettingsError(
            f"there is no function or layer `{unknown[0]}`",
            where=[f"there are {', '.join(f'`{name}`' for name in known)}"],
            hint=did_you_mean(unknown[0], known=known),
        )
    return chosen or set(known)


def _stack(names: Iterable[str], layers: Mapping[str, LayerSettings]) -> tuple[str, ...]:
    """These layers and those that they depend on, which are unpacked before."""
    ordered: dict[str, None] = {}

    def add(name: str) -> None:
        if name in layers:
            for lower in layers[name].layers:
                add(lower)
        ordered.setdefault(name)

    for name in names:
        add(name)
    return tuple(ordered)
