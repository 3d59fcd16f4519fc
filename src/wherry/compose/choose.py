"""Choosing distributions by name: whole names, with ``*`` for any characters, never by how they begin."""

from __future__ import annotations

from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from wherry.errors import SettingsError
from wherry.events import Warned

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from wherry.compose.recipe import Recipe
    from wherry.events import Event
    from wherry.settings.model import ContentSettings

__all__ = ["chosen_names", "matching_names"]


def matching_names(settings: ContentSettings, names: Collection[str]) -> set[str]:
    """The names that ``include`` and ``exclude`` choose, whatever else they name."""
    included = _matching(settings.include, names)
    excluded = _matching(settings.exclude, names)
    return set().union(*included.values()) - set().union(*excluded.values())


def chosen_names(
    recipe: Recipe, names: Collection[str], remarks: list[Event], *, own: str | None = None
) -> set[str]:
    """The names that the recipe's ``include`` and ``exclude`` choose.

    A name in ``include`` that is not there is an error, as something is missing from the package then; in
    ``exclude`` it is only remarked, as is a wildcard that matches nothing.

    Args:
        recipe: of the package.
        names: of all distributions that there are, without the project.
        remarks: hears of patterns that match nothing.
        own: the project's own name, which is chosen by ``project``.

    Raises:
        SettingsError: ``include`` names what the lock does not have.
    """
    settings = recipe.settings
    table = recipe.table
    included = _matching(settings.include, names)
    excluded = _matching(settings.exclude, names)
    missing = [each for each, found in included.items() if not found and "*" not in each]
    if missing:
        raise SettingsError(
            f"{table}.include names what the lock does not have",
            where=[f"there is no distribution `{each}`" for each in missing],
            hint=_hint(missing, names, own) or "`wherry build --verbose` lists what there is",
        )
    for key, matches in (("include", included), ("exclude", excluded)):
        for pattern, found in matches.items():
            if not found and pattern != "*":
                remarks.append(
                    Warned(
                        text=f"{table}.{key}: `{pattern}` matches no distribution",
                        hint=_hint([pattern], names, own),
                    )
                )
    return matching_names(settings, names)


def _matching(patterns: Sequence[str], names: Collection[str]) -> dict[str, set[str]]:
    return {
        pattern: {name for name in names if fnmatchcase(name, pattern)}
        if "*" in pattern
        else {pattern} & set(names)
        for pattern in patterns
    }


def _hint(patterns: Sequence[str], names: Collection[str], own: str | None) -> str | None:
    if own in patterns:
        return "the project's own code is chosen by `project = true` or `false`"
    nearest = {near: None for each in patterns for near in get_close_matches(each, names, n=1)}
    return f"did you mean {', '.join(f'`{near}`' for near in nearest)}?" if nearest else None
