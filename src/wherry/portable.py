"""Layers for several runtimes or architectures: whether their content is the same for all of them.

What a lock gives depends on the target. A layer may name several only when each of them would be given the
very same files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.compose.choose import matching_names
from wherry.errors import IncompatibleError, LockError, SelectionError, SettingsError, TargetError
from wherry.settings.model import LayerSettings
from wherry.target import RUNTIMES, Target, find_architecture, find_runtime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from wherry.compose.recipe import Recipe
    from wherry.target import Runtime
    from wherry.wheels.select import Selected

    Select = Callable[[Target, Callable[[str], bool]], Sequence[Selected]]

__all__ = ["other_targets", "require_built_portably", "require_compatible", "require_portable"]


def other_targets(
    recipe: Recipe, target: Target, runtimes: Mapping[str, Runtime]
) -> Iterator[Target]:
    """The targets that a layer names besides the one that it is built for."""
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
    """Refuse a layer that is said to be for other targets only.

    Raises:
        SettingsError: it is.
    """
    settings = recipe.settings
    if not isinstance(settings, LayerSettings):
        return
    for key, said, mine in (
        ("runtimes", settings.runtimes, target.runtime.name),
        ("architectures", settings.architectures, str(target.architecture)),
    ):
        if said and mine not in said:
            raise SettingsError(
                f"layer `{recipe.name}` is not for {target}",
                where=[f"layers.{recipe.name}.{key} names {', '.join(said)}"],
                hint=f"add `{mine}` there, or build for another target",
            )


def require_portable(
    recipe: Recipe,
    target: Target,
    selected: Sequence[Selected],
    select: Select,
    runtimes: Mapping[str, Runtime],
) -> None:
    """Refuse a layer whose content would be other files for another target that it names.

    Args:
        recipe: of the layer; that of a function is left alone.
        target: what it is built for.
        selected: what the lock gives for ``target``.
        select: what the lock gives for another target, of the distributions that are asked for: that others
            do not run there is no matter.
        runtimes: the settings' own runtimes.

    Raises:
        SettingsError: it would; every distribution that differs is named.
    """

    def wanted(name: str) -> bool:
        return bool(matching_names(recipe.settings, {name}))

    mine = {one.name: one for one in selected if wanted(one.name)}
    for other in other_targets(recipe, target, runtimes):
        try:
            theirs = {one.name: one for one in select(other, wanted)}
        except (LockError, SelectionError, TargetError) as error:
            raise SettingsError(
                f"layer `{recipe.name}` cannot be for {other}",
                where=[error.message, *error.where],
                hint=error.hint,
            ) from error
        different = [
            _difference(name, mine.get(name), theirs.get(name), target, other)
            for name in sorted({*mine, *theirs})
            if mine.get(name) != theirs.get(name)
        ]
        if different:
            raise SettingsError(
                f"layer `{recipe.name}` is not the same for {target} and {other}",
                where=different,
                hint="make a layer for each of them, or leave these distributions out",
            )


def require_built_portably(
    recipe: Recipe,
    target: Target,
    built: Mapping[str, str],
    prove: Callable[[str, Target], None],
    runtimes: Mapping[str, Runtime],
) -> None:
    """Refuse a layer with what was compiled for the target and does not run on another that the layer names.

    Args:
        recipe: of the layer; that of a function is left alone.
        target: what it is built for.
        built: the digests of distributions that were built from source, by name.
        prove: raises ``IncompatibleError`` where what has a digest does not run on a target.
        runtimes: the settings' own runtimes.

    Raises:
        SettingsError: there is some; every such distribution is named.
    """
    mine = matching_names(recipe.settings, built.keys())
    for other in other_targets(recipe, target, runtimes):
        different = []
        for name in sorted(mine):
            try:
                prove(built[name], other)
            except IncompatibleError:
                different.append(f"`{name}` was compiled for {target}")
        if different:
            raise SettingsError(
                f"layer `{recipe.name}` is not the same for {target} and {other}",
                where=different,
                hint="make a layer for each of them, or leave these distributions out",
            )


def _difference(
    name: str, mine: Selected | None, theirs: Selected | None, target: Target, other: Target
) -> str:
    if mine is None or theirs is None:
        return f"`{name}` is wanted for {target if theirs is None else other} alone"
    files = [getattr(one.source, "filename", None) for one in (mine, theirs)]
    if files[0] and files[1]:
        return f"`{name}` is {files[0]} for one and {files[1]} for the other"
    return f"`{name}` comes from different sources"
