"""Choosing distributions by name: full names, with ``*`` for any characters."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from wherry.errors import SettingsError
from wherry.events import Warned
from wherry.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from wherry.compose.recipe import Recipe
    from wherry.events import Event
    from wherry.settings.model import ContentSettings

__all__ = ["choose_names", "matching_names"]


def matching_names(settings: ContentSettings, names: Collection[str]) -> set[str]:
    """The names that ``include`` and ``exclude`` choose; other names in them are ignored."""
    included = _matching(settings.include, names)
    excluded = _matching(settings.exclude, names)
    return set().union(*included.values()) - set().union(*excluded.values())


def choose_names(
    recipe: Recipe, names: Collection[str], remarks: list[Event], *, own: str | None = None
) -> set[str]:
    """The names that the recipe's ``include`` and ``exclude`` choose.

    An unknown name in ``include`` is an error, because the package would lack something. In ``exclude`` it is
    a remark, as is a wildcard that matches nothing.

    Args:
        recipe: of the package.
        names: of all distributions except the project.
        remarks: receives the patterns that match nothing.
        own: the name of the project, which ``project`` chooses.

    Raises:
        SettingsError: ``include`` names what the lock does not have.
    """
    settings = recipe.settings
    table = recipe.table
    included = _matching(settings.include, names)
    excluded = _matching(settings.exclude, names)
    missing = [name for name, matches in included.items() if not matches and "*" not in name]
    if missing:
        raise SettingsError(
            f"{table}.include names what the lock does not have",
            where=[f"there is no distribution `{name}`" for name in missing],
            hint=_hint(missing, names, own) or "`wherry build --verbose` lists what there is",
        )
    for key, patterns in (("include", included), ("exclude", excluded)):
        for pattern, matches in patterns.items():
            if not matches and pattern != "*":
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
    return did_you_mean(*patterns, known=names)
