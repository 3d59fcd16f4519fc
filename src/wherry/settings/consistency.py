"""Settings that are right by themselves and do not fit together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.target import RUNTIMES, Architecture

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wherry.problems import Problems
    from wherry.settings.model import LayerSettings, Settings

__all__ = ["check_consistency"]


def check_consistency(settings: Settings, problems: Problems) -> None:
    """Add the problems that show only when settings are compared with one another."""
    _check_file_names(settings, problems)
    for name, function in settings.functions.items():
        if function.app and function.handler:
            problems.add(f"functions.{name}", "`app` and `handler` exclude each other")
        if function.interface and not function.app:
            problems.add(
                f"functions.{name}.interface", "it is the interface of an `app`, and none is set"
            )
    for name, layer in settings.layers.items():
        _check_targets(f"layers.{name}", layer, settings, problems)
        _check_lower_layers(f"layers.{name}.layers", layer, settings, problems)
    for kind, packages in (("functions", settings.functions), ("layers", settings.layers)):
        for name, package in packages.items():
            for layer_name in package.layers:
                if not layer_name.startswith("arn:") and layer_name not in settings.layers:
                    problems.add(f"{kind}.{name}.layers", f"there is no layer `{layer_name}`")
                    problems.suggest(layer_name, settings.layers)
    if cycle := _cycle(settings.layers):
        problems.add(
            f"layers.{cycle[0]}.layers", f"layers depend on each other: {' → '.join(cycle)}"
        )


def _check_file_names(settings: Settings, problems: Problems) -> None:
    files: dict[str, str] = {}
    for kind, names in (("functions", settings.functions), ("layers", settings.layers)):
        for name in names:
            key = f"{kind}.{name}"
            # Some file systems do not distinguish upper and lower case.
            other = files.setdefault(name.lower(), key)
            if other != key:
                problems.add(key, f"it would be written to the same file as `{other}`")


def _check_targets(key: str, layer: LayerSettings, settings: Settings, problems: Problems) -> None:
    if layer.layout == "site-packages" and len(layer.runtimes) > 1:
        problems.add(
            f"{key}.layout", "`site-packages` is for one runtime; use `python` for several"
        )
    known: tuple[tuple[str, tuple[str, ...], list[str]], ...] = (
        ("architecture", layer.architectures, list(Architecture)),
        ("runtime", layer.runtimes, [*RUNTIMES, *settings.runtimes]),
    )
    for noun, names, names_known in known:
        for name in names:
            if name not in names_known:
                problems.add(f"{key}.{noun}s", f"there is no {noun} `{name}`")
                problems.suggest(name, names_known)


def _check_lower_layers(
    key: str, layer: LayerSettings, settings: Settings, problems: Problems
) -> None:
    for name in layer.layers:
        if name.startswith("arn:"):
            problems.add(key, f"a function takes `{name}`; a layer cannot")
        elif name in settings.layers and settings.layers[name].layout != layer.layout:
            problems.add(
                key,
                f"`{name}` has another layout, and Python would look into one before the other",
            )


def _cycle(layers: Mapping[str, LayerSettings]) -> list[str]:
    """The names along a cycle of layers that depend on each other; empty if there is none."""
    done: set[str] = set()

    def walk(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done or name not in layers:
            return []
        for lower in layers[name].layers:
            if cycle := walk(lower, [*path, name]):
                return cycle
        done.add(name)
        return []

    for name in layers:
        if cycle := walk(name, []):
            return cycle
    return []
