"""The importable files of a package, in parts that several packages share, and which of two files for one path ships."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

from wherry.bundle.bundle import Bundle
from wherry.bundle.patterns import compile_patterns
from wherry.compose.choose import PathChoice, in_both
from wherry.events import Note

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from wherry.bundle.entry import Entry
    from wherry.compose.choose import Unmatched
    from wherry.compose.model import Distribution
    from wherry.compose.recipe import Recipe
    from wherry.events import Event


__all__ = ["Code", "CodeParts", "Part", "side_by_side"]

# Documents that are never imported, and that several distributions put beside their packages.
_DOCUMENT = re.compile(
    r"""(?xi)
    (?: licen[cs]e | copying | copyright | notice | readme | changes | changelog | history | news | authors
      | contributors | contributing | security | thanks | todo | code_of_conduct | release_?notes )
    (?: (?! .* \.py[cdiow]? $ ) [-_.] [^/]* )?
    """
)


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

    ``conflicts`` has the owners that win paths with different files, by path or pattern.
    """

    def __init__(self, conflicts: Mapping[str, str]) -> None:
        self._winners = _Winners(conflicts)
        self._own: set[str] = set()
        # The objects behind these ids are kept alive by the supplies or by these mappings.
        self._chosen: dict[tuple[int, PathChoice], Bundle] = {}
        self._merged: dict[tuple[int, ...], Part] = {}
        self._renamed: dict[tuple[int, PathChoice], Part] = {}
        self._missed: dict[tuple[tuple[int, ...], PathChoice], tuple[Unmatched, ...]] = {}

    def code(
        self, distributions: Sequence[Distribution], recipe: Recipe
    ) -> tuple[Code, tuple[Unmatched, ...]]:
        """The files of the distributions that the recipe chooses, and its patterns that match none.

        Raises:
            ConflictError: two different files for one path, and no winner is set.
            SettingsError: the recipe renames what is not there.
        """
        choice = PathChoice.of(recipe.settings)
        self._own |= {dist.name for dist in distributions if dist.own}
        # The functions of a project share their dependencies, but not always their own code.
        groups = [
            group
            for own in (False, True)
            if (group := [dist.bundle for dist in distributions if dist.own is own])
        ]
        # Files that do not ship cannot conflict.
        parts = [self._merge(group, choice) for group in groups]
        if len(parts) > 1 and (choice.renames or parts[0].top_names & parts[1].top_names):
            parts = [self._merge([dist.bundle for dist in distributions], choice)]
        unmatched = self._unmatched(groups[0], choice) if groups else choice.unmatched(())
        for group in groups[1:]:
            unmatched = in_both(unmatched, self._unmatched(group, choice))
        return Code([self._rename(part, choice, recipe) for part in parts]), unmatched

    def settle(self, path: str, owners: frozenset[str]) -> str | None:
        """The owner that wins a path by the settings, or by what kind of file it is."""
        return self._winners.of(path, owners, own=self._own)

    @property
    def remarks(self) -> Sequence[Event]:
        """Notes about files of which one was taken although no setting says so."""
        return self._winners.remarks

    def _merge(self, bundles: Sequence[Bundle], choice: PathChoice) -> Part:
        chosen = [self._choose(bundle, choice) for bundle in bundles]
        key = tuple(map(id, chosen))
        if key not in self._merged:
            self._merged[key] = Part(Bundle().merge(*chosen, settle=self.settle))
        return self._merged[key]

    def _choose(self, bundle: Bundle, choice: PathChoice) -> Bundle:
        # Files that are renamed are chosen alike.
        choice = choice._replace(renames=())
        if choice.is_everything:
            return bundle
        key = id(bundle), choice
        if key not in self._chosen:
            self._chosen[key] = choice.chosen(bundle)
        return self._chosen[key]

    def _unmatched(self, bundles: Sequence[Bundle], choice: PathChoice) -> tuple[Unmatched, ...]:
        if choice.is_everything:
            return ()
        key = tuple(map(id, bundles)), choice
        if key not in self._missed:
            paths = [entry.path for bundle in bundles for entry in bundle]
            self._missed[key] = choice.unmatched(paths)
        return self._missed[key]

    def _rename(self, part: Part, choice: PathChoice, recipe: Recipe) -> Part:
        if not choice.renames:
            return part
        key = id(part), choice
        if key not in self._renamed:
            self._renamed[key] = Part(choice.renamed(part.bundle, recipe.table))
        return self._renamed[key]


def side_by_side(bundles: Sequence[Bundle]) -> Bundle:
    """Merge bundles that have no folder in common, without looking for conflicts."""
    filled = [bundle for bundle in bundles if bundle.entries]
    if len(filled) < 2:
        return filled[0] if filled else Bundle()
    entries = (entry for bundle in filled for entry in bundle.entries)
    return Bundle(tuple(sorted(entries, key=lambda entry: entry.path)))


class _Winners:
    """Chooses owners: by the settings, and for documents at the top by name.

    Attributes:
        remarks: notes about documents.
    """

    def __init__(self, conflicts: Mapping[str, str]) -> None:
        """Take the owners by path or gitignore pattern, of which the last that matches counts."""
        self._paths = conflicts
        self._patterns = [
            (compiled, owner)
            for key, owner in reversed(list(conflicts.items()))
            if (key.endswith("/") or not {"*", "?", "["}.isdisjoint(key))
            and (compiled := compile_patterns([key], where="`conflicts`")) is not None
        ]
        self.remarks: list[Event] = []

    def of(self, path: str, owners: frozenset[str], *, own: Collection[str]) -> str | None:
        """The owner that wins a path with different files, or None; documents of the project (``own``) win."""
        settled = self._paths.get(path)
        if settled in owners:
            return settled
        for pattern, owner in self._patterns:
            if owner in owners and pattern.match(path):
                return owner
        if "/" in path or not _DOCUMENT.fullmatch(path):
            return None
        winner, *others = sorted(owners, key=lambda owner: (owner not in own, owner))
        names = ", ".join(f"`{owner}`" for owner in others)
        note = Note(text=f"`{path}` is that of `{winner}`, and not that of {names}")
        if note not in self.remarks:
            self.remarks.append(note)
        return winner
