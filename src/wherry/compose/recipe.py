"""Which packages there are to make, of what, and in which order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wherry.errors import SettingsError
from wherry.settings.model import FunctionSettings, LayerSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from wherry.settings.model import ContentSettings, Settings

__all__ = ["Recipe", "SupplyKey", "recipes", "with_handler"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SupplyKey:
    """What decides which distributions a package can choose from. Packages with equal keys share them.

    Attributes:
        package: the member of the workspace; None for the project itself.
        groups: dependency groups beyond the default ones.
        extras: extras of the project.
        requirements: what is wanted beyond the lock.
    """

    package: str | None = None
    groups: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """How one package is made.

    Attributes:
        name: of the package.
        settings: its table of the settings.
        supply: what it chooses from.
        layers: names and ARNs of all layers it takes or stands on, in the order in which Lambda unpacks them.
        implicit: no function or layer is in the settings: it is the one package that there is.
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
    def table(self) -> str:
        """What messages call its table of the settings."""
        return f"{self.kind}s.{self.name}"


def recipes(
    settings: Settings,
    *,
    name: str,
    names: Sequence[str] = (),
    groups: Sequence[str] = (),
    extras: Sequence[str] = (),
    package: str | None = None,
) -> tuple[Recipe, ...]:
    """The packages to make, each layer before what stands on it.

    Args:
        settings: of the project.
        name: what the package is called where the settings name none.
        names: the functions and layers that are wanted, all when empty; layers that they need come too.
        groups: dependency groups wanted besides, for all packages.
        extras: extras wanted besides, for all packages.
        package: the member of the workspace, where a package does not name its own.

    Raises:
        SettingsError: a name is not that of a function or layer.
    """
    layers, functions = settings.layers, settings.functions
    implicit = not layers and not functions
    if implicit:
        functions = {name: FunctionSettings()}
    wanted = _wanted(names, functions, layers)

    def recipe(each: str, content: FunctionSettings | LayerSettings) -> Recipe:
        return Recipe(
            name=each,
            settings=content,
            supply=SupplyKey(
                package=content.package or package,
                groups=_together(
                    settings.groups if content.groups is None else content.groups, groups
                ),
                extras=_together(
                    settings.extras if content.extras is None else content.extras, extras
                ),
                requirements=content.extra_distributions,
            ),
            layers=_stack(content, layers),
            implicit=implicit,
        )

    needed = {
        layer for each in wanted for layer in _stack(functions.get(each) or layers[each], layers)
    }
    chosen_layers = [each for each in _bottom_up(layers) if each in needed or each in wanted]
    return (
        *(recipe(each, layers[each]) for each in chosen_layers),
        *(recipe(each, content) for each, content in functions.items() if each in wanted),
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
    """The settings with a function's app or handler as it was said outside of them.

    Args:
        settings: of the project.
        name: what the function is called where the settings name none.
        names: the functions that are asked for: where that is one, it is meant.
        app: the web application.
        handler: the function to call.
        interface: of the app.

    Raises:
        SettingsError: there are several functions, so that it is not known which is meant.
    """
    if app is None and handler is None and interface is None:
        return settings
    functions = {
        each: function
        for each, function in settings.functions.items()
        if not names or each in names
    }
    if len(functions) > 1 or (not functions and (settings.functions or settings.layers)):
        said = ", ".join(f"`{each}`" for each in settings.functions) or "none"
        raise SettingsError(
            "an app or handler was given, and it is not clear for which function",
            where=[f"the settings have these functions: {said}"],
            hint="name the function, or say it in the settings: [tool.wherry.functions.NAME]",
        )
    each, function = next(iter(functions.items()), (name, FunctionSettings()))
    if app is not None or handler is not None:
        function = replace(function, app=app, handler=handler, interface=interface)
    else:
        function = replace(function, interface=interface)
    if function.interface and not function.app:
        raise SettingsError(
            f"`{function.interface}` is the interface of an app, and none is said",
            hint="name it: --app module:object",
        )
    return replace(settings, functions={**settings.functions, each: function})


def _together(settings: Sequence[str], options: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*settings, *options)))


def _wanted(
    names: Iterable[str], functions: Mapping[str, object], layers: Mapping[str, object]
) -> set[str]:
    known = [*functions, *layers]
    wanted = set(names)
    if unknown := sorted(wanted - set(known)):
        from difflib import get_close_matches

        nearest = get_close_matches(unknown[0], known, n=1)
        raise SettingsError(
            f"there is no function or layer `{unknown[0]}`",
            where=[f"there are {', '.join(f'`{each}`' for each in known)}"],
            hint=f"did you mean `{nearest[0]}`?" if nearest else None,
        )
    return wanted or set(known)


def _stack(content: ContentSettings, layers: Mapping[str, LayerSettings]) -> tuple[str, ...]:
    """The layers of a package and those that they stand on: what is stood on is unpacked before."""
    found: dict[str, None] = {}

    def add(name: str) -> None:
        if name in layers:
            for below in layers[name].layers:
                add(below)
        found.setdefault(name)

    for name in content.layers:
        add(name)
    return tuple(found)


def _bottom_up(layers: Mapping[str, LayerSettings]) -> list[str]:
    ordered: dict[str, None] = {}
    for name, layer in layers.items():
        for below in _stack(layer, layers):
            ordered.setdefault(below)
        ordered.setdefault(name)
    return list(ordered)
