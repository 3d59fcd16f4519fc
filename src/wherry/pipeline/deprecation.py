"""Notes about the patch levels of runtimes, which AWS chooses, and about those that it no longer patches."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from wherry.events import Note
from wherry.settings.model import LayerSettings
from wherry.target import RUNTIMES, admits, admits_any, is_deprecated, parse_requires_python

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from wherry.compose.recipe import Recipe
    from wherry.settings.model import Settings
    from wherry.target import Target

__all__ = ["deprecation_notes", "patch_level_notes"]


def patch_level_notes(target: Target, requires_python: str | None) -> Iterator[Note]:
    """A note if ``requires-python`` limits the patch level of the runtime's interpreter, which AWS chooses."""
    if requires_python is None:
        return
    requirement, runtime = parse_requires_python(requires_python), target.runtime
    if admits(requirement, runtime) and not admits_any(requirement, runtime, (runtime.patch, 99)):
        yield Note(
            text=f"requires-python is `{requires_python}`, and AWS chooses the patch level of {runtime.name}"
        )


def deprecation_notes(
    target: Target, recipes: Iterable[Recipe], settings: Settings
) -> Iterator[Note]:
    """A note for each runtime of the target and of layers that is past its deprecation date today."""
    names = dict.fromkeys([target.runtime.name])
    for recipe in recipes:
        if isinstance(recipe.settings, LayerSettings):
            names |= dict.fromkeys(recipe.settings.runtimes)
    runtimes = {**RUNTIMES, **settings.runtimes}
    for name in names:
        runtime = runtimes.get(name)
        if runtime is not None and is_deprecated(runtime, on=date.today()):  # noqa: DTZ011
            yield Note(
                text=f"{name} was deprecated on {runtime.deprecation}: AWS no longer patches it"
            )
