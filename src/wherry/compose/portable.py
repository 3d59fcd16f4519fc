"""Layers for several runtimes or architectures, whose content must be the same for all of them.

What a lock gives depends on the target. A layer may name several targets only if all of them have the same
files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.compose.choose import matching_names
from wherry.errors import IncompatibleError, LockError, SelectionError, SettingsError, TargetError
from wherry.settings.model import LayerSettings
from wherry.target import RUNTIMES, Target, find_architecture, find_runtime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from wherry.bundle.bundle import Bundle
    from wherry.compose.recipe import Recipe
    from wherry.target import Runtime
    from wherry.wheels.select import Selected

    Select = Callable[[Target, Callable[[str], bool]], Sequence[Selected]]

__all__ = [
    "require_built_portably",
    "require_compatible",
    "require_compiled_for_all",
    "require_portable",
]


def _other_targets(
    recipe: Recipe, target: Target, runtimes: Mapping[str, Runtime]
) -> Iterator[Target]:
    """The targets of a layer other than the one that it is built for."""
    settings = recipe.settings
    if isinstance(settings, LayerSettings):
        known = {**RUNTIMES, **runtimes}
        for runtime in settings.runtimes or (target.runtime.name,):
            for architecture in settings.architectures or (str(target.architecture),):
                other = Target(
                    runtime=find_runtime(runtime, runtimes=known),
                    architecture=find_architecture(architecture),
                )
                if other != target:
                    yield other


def require_compatible(recipe: Recipe, target: Target) -> None:
    """Refuse a layer that is for other targets only.

    Raises:
        SettingsError: the layer names other targets only.
    """
    settings = recipe.settings
    if not isinstance(settings, LayerSettings):
        return
    for key, named, own in (
        ("runtimes", settings.runtimes, target.runtime.name),
        ("architectures", settings.architectures, str(target.architecture)),
    ):
        if named and own not in named:
            raise SettingsError(
                f"layer `{recipe.name}` is not for {target}",
                where=[f"layers.{recipe.name}.{key} names {', '.join(named)}"],
                hint=f"add `{own}` there, or build for another target",
            )


def require_portable(
    recipe: Recipe,
    target: Target,
    selected: Sequence[Selected],
    select: Select,
    runtimes: Mapping[str, Runtime],
) -> None:
    """Refuse a layer that would have other files for another of its targets.

    ``select`` gives what the lock has for another target, of the distributions that a predicate accepts; others need
    not run there. The recipe of a function is accepted.

    Raises:
        SettingsError: distributions differ; the error names all of them.
    """

    def is_chosen(name: str) -> bool:
        return bool(matching_names(recipe.settings, {name}))

    own = {item.name: item for item in selected if is_chosen(item.name)}
    for other in _other_targets(recipe, target, runtimes):
        try:
            others = {item.name: item for item in select(other, is_chosen)}
        except (LockError, SelectionError, TargetError) as error:
            raise SettingsError(
                f"layer `{recipe.name}` cannot be for {other}",
                where=[error.message, *error.where],
                hint=error.hint,
            ) from error
        different = [
            _difference(name, own.get(name), others.get(name), target, other)
            for name in sorted({*own, *others})
            if own.get(name) != others.get(name)
        ]
        _refuse_difference(recipe, target, other, different)


def require_built_portably(
    recipe: Recipe,
    target: Target,
    built: Mapping[str, str],
    prove: Callable[[str, Target], None],
    runtimes: Mapping[str, Runtime],
) -> None:
    """Refuse a layer with distributions that were compiled here and do not run on another of its targets.

    ``built`` has the digests of distributions that were built from source, by name; ``prove`` raises
    ``IncompatibleError`` if one does not run on a target. The recipe of a function is accepted.

    Raises:
        SettingsError: there are such distributions; the error names all of them.
    """
    names = matching_names(recipe.settings, built.keys())
    for other in _other_targets(recipe, target, runtimes):
        different = []
        for name in sorted(names):
            try:
                prove(built[name], other)
            except IncompatibleError:
                different.append(f"`{name}` was compiled for {target}")
        _refuse_difference(recipe, target, other, different)


def _refuse_difference(
    recipe: Recipe, target: Target, other: Target, differences: Sequence[str]
) -> None:
    if differences:
        raise SettingsError(
            f"layer `{recipe.name}` is not the same for {target} and {other}",
            where=differences,
            hint="make a layer for each of them, or leave these distributions out",
        )


def require_compiled_for_all(name: str, settings: LayerSettings, bundle: Bundle) -> None:
    """Refuse a layer for several targets with files that were compiled for one of them.

    Raises:
        SettingsError: there are such files.
    """
    several = [
        " and ".join(names)
        for names in (settings.architectures, settings.runtimes)
        if len(names) > 1
    ]
    if not several:
        return
    compiled: dict[str, str] = {}
    for entry in bundle:
        file_name = entry.path.rpartition("/")[2]
        if not file_name.endswith(".so") and ".so." not in file_name:
            continue
        # A file for the stable ABI runs on every runtime of its architecture.
        if len(settings.architectures) > 1 or ".cpython-" in file_name:
            compiled.setdefault(entry.owner, entry.path)
    if compiled:
        raise SettingsError(
            f"layer `{name}` cannot be for {', '.join(several)}",
            where=[
                f"`{owner}` is compiled for one of them: `{path}`"
                for owner, path in sorted(compiled.items())
            ],
            hint="make a layer for each, or leave these distributions out",
        )


def _difference(
    name: str, own: Selected | None, others: Selected | None, target: Target, other: Target
) -> str:
    if own is None or others is None:
        return f"`{name}` is needed for {target if others is None else other} only"
    files = [getattr(item.source, "filename", None) for item in (own, others)]
    if files[0] and files[1]:
        return f"`{name}` is {files[0]} for one and {files[1]} for the other"
    return f"`{name}` comes from different sources"
