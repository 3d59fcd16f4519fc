"""The importable files of a package, in parts that several packages share."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from wherry.bundle.bundle import Bundle
from wherry.compose.choose import PathChoice, in_both

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wherry.bundle.entry import Entry
    from wherry.compose.choose import Unmatched
    from wherry.compose.model import Distribution
    from wherry.compose.recipe import Recipe

__all__ = ["Code", "CodeParts", "Part", "side_by_side"]


class Part:
    """Files that several packages may share, indexed once for all of them."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle

    @cached_property
    def files(self) -> Mapping[str, Entry]:
        """The entries by path."""
        return {entry.path: entry for entry in self.bundle}

    @cached_property
    def top_names(self) -> frozenset[str]:
        """The names of files and folders at the top."""
        return frozenset(entry.path.partition("/")[0] for entry in self.bundle)


class Code:
    """All importable files of a package: several parts if they have no folder in common."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = parts

    @cached_property
    def bundle(self) -> Bundle:
        """The files of all parts."""
        return side_by_side([part.bundle for part in self.parts])

    def find(self, path: str) -> Entry | None:
        """The entry with this path."""
        return next((part.files[path] for part in self.parts if path in part.files), None)


class CodeParts:
    """Makes the code of packages; what many of them choose alike is made once.

    Args:
        conflicts: the owners that win paths with different files.
    """

    def __init__(self, conflicts: Mapping[str, str]) -> None:
        self._conflicts = conflicts
        # The objects behind these ids are kept alive by the supplies or by these mappings.
        self._merged: dict[tuple[int, ...], Part] = {}
        self._picked: dict[tuple[int, PathChoice], tuple[Part, tuple[Unmatched, ...]]] = {}

    def code(
        self, distributions: Sequence[Distribution], recipe: Recipe
    ) -> tuple[Code, tuple[Unmatched, ...]]:
        """The files of the distributions that the recipe chooses, and its patterns that match none.

        Raises:
            ConflictError: two different files for one path, and no winner is set.
            SettingsError: the recipe renames what is not there.
        """
        choice = PathChoice.of(recipe.settings)
        # The functions of a project share their dependencies, but not always their own code.
        parts = [
            self._merge([dist for dist in distributions if dist.own is own])
            for own in (False, True)
            if any(dist.own is own for dist in distributions)
        ]
        if len(parts) > 1 and (choice.renames or parts[0].top_names & parts[1].top_names):
            parts = [self._merge(distributions)]
        picked = [self._pick(part, choice, recipe) for part in parts]
        unmatched = picked[0][1] if picked else choice.unmatched(())
        for _, others in picked[1:]:
            unmatched = in_both(unmatched, others)
        return Code([part for part, _ in picked]), unmatched

    def settle(self, path: str, owners: frozenset[str]) -> str | None:
        """The owner that wins a path by the settings."""
        winner = self._conflicts.get(path)
        return winner if winner in owners else None

    def _merge(self, distributions: Sequence[Distribution]) -> Part:
        key = tuple(id(dist.bundle) for dist in distributions)
        if key not in self._merged:
            bundles = (dist.bundle for dist in distributions)
            self._merged[key] = Part(Bundle().merge(*bundles, settle=self.settle))
        return self._merged[key]

    def _pick(
        self, part: Part, choice: PathChoice, recipe: Recipe
    ) -> tuple[Part, tuple[Unmatched, ...]]:
        if choice.is_everything:
            return part, ()
        key = id(part), choice
        if key not in self._picked:
            self._picked[key] = (
                Part(choice.apply(part.bundle, recipe.table)),
                choice.unmatched(list(part.files)),
            )
        return self._picked[key]


def side_by_side(bundles: Sequence[Bundle]) -> Bundle:
    """Merge bundles that have no folder in common, without looking for conflicts."""
    filled = [bundle for bundle in bundles if bundle.entries]
    if len(filled) < 2:
        return filled[0] if filled else Bundle()
    entries = (entry for bundle in filled for entry in bundle.entries)
    return Bundle(tuple(sorted(entries, key=lambda entry: entry.path)))
