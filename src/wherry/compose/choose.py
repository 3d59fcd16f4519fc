"""Choosing distributions by name: full names, with ``*`` for any characters."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from wherry.bundle.bundle import Bundle
from wherry.bundle.entry import check_path
from wherry.bundle.patterns import compile_patterns
from wherry.errors import ConflictError, SettingsError
from wherry.events import Warned
from wherry.problems import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from wherry.bundle.entry import Entry
    from wherry.compose.recipe import Recipe
    from wherry.events import Event
    from wherry.settings.model import ContentSettings

    Matches = Callable[[str], bool]

__all__ = ["PathChoice", "Unmatched", "choose_names", "excluded_names", "in_both", "matching_names"]


def matching_names(settings: ContentSettings, names: Collection[str]) -> set[str]:
    """The names that ``include`` and ``exclude`` choose; other names in them are ignored."""
    included = _matching(settings.include, names)
    return set().union(*included.values()) - excluded_names(settings, names)


def excluded_names(settings: ContentSettings, names: Collection[str]) -> set[str]:
    """The names that ``exclude`` matches."""
    return set().union(*_matching(settings.exclude, names).values())


def choose_names(
    recipe: Recipe, names: Collection[str], remarks: list[Event], *, own: str | None = None
) -> set[str]:
    """The names that the recipe's ``include`` and ``exclude`` choose.

    An unknown name in ``include`` is an error, because the package would lack something. In ``exclude`` it is a
    remark, as is a wildcard that matches nothing. ``names`` are those of all distributions except the project, which
    has the name ``own``.

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
            hint=_hint(missing, names, own) or "`wherry build --verbose` lists them",
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


class Unmatched(NamedTuple):
    """A pattern or regular expression that matches no file, with its key and a hint."""

    key: str
    pattern: str
    hint: str | None = None

    def remark(self, table: str) -> Warned:
        """The warning about it; ``table`` is that of the package's settings."""
        return Warned(text=f"{table}.{self.key}: `{self.pattern}` matches no file", hint=self.hint)


def in_both(first: Sequence[Unmatched], second: Sequence[Unmatched]) -> tuple[Unmatched, ...]:
    """The patterns that are unmatched in both sequences."""
    hints = {(pattern.key, pattern.pattern): pattern.hint for pattern in second}
    return tuple(
        pattern._replace(hint=pattern.hint or hints[pattern.key, pattern.pattern])
        for pattern in first
        if (pattern.key, pattern.pattern) in hints
    )


class PathChoice(NamedTuple):
    """The files of a package to include, and their new names.

    Packages with equal choices and equal content share the result.
    """

    include_files: tuple[str, ...]
    exclude_files: tuple[str, ...]
    include_regex: tuple[str, ...]
    exclude_regex: tuple[str, ...]
    renames: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, settings: ContentSettings) -> PathChoice:
        """The choice that the settings make."""
        return cls(
            settings.include_files,
            settings.exclude_files,
            settings.include_regex,
            settings.exclude_regex,
            tuple(settings.rename.items()),
        )

    @property
    def is_everything(self) -> bool:
        """Whether all files are included under their own names."""
        return not any(self)

    def chosen(self, code: Bundle) -> Bundle:
        """The included files.

        If there are patterns to include, nothing else is included; what is excluded never is.
        """
        if self.include_files or self.include_regex:
            included = _any_of(self.include_files, self.include_regex)
            code = code.filter(lambda entry: included(entry.path))
        return self.without_excluded(code)

    def renamed(self, code: Bundle, table: str) -> Bundle:
        """The files, all that ``chosen`` gives, under their new names.

        Raises:
            SettingsError: a path to rename does not exist, or its new name is taken.
        """
        return _renamed(code, dict(self.renames), table) if self.renames else code

    def without_excluded(self, bundle: Bundle) -> Bundle:
        """The files that are not excluded."""
        if not self.exclude_files and not self.exclude_regex:
            return bundle
        excluded = _any_of(self.exclude_files, self.exclude_regex)
        return bundle.filter(lambda entry: not excluded(entry.path))

    def unmatched(self, paths: Sequence[str]) -> tuple[Unmatched, ...]:
        """The patterns and expressions that match none of these paths."""
        unmatched: list[Unmatched] = []
        for key, patterns in (
            ("include-files", self.include_files),
            ("exclude-files", self.exclude_files),
        ):
            unmatched.extend(
                Unmatched(key, pattern)
                for pattern in patterns
                if not any(map(_any_of((pattern.removeprefix("!"),), ()), paths))
            )
        for key, expressions in (
            ("include-regex", self.include_regex),
            ("exclude-regex", self.exclude_regex),
        ):
            for expression in expressions:
                compiled = re.compile(expression)
                if any(map(compiled.match, paths)):
                    continue
                hint = None
                if any(map(compiled.search, paths)):
                    hint = "it is matched at the start of the path: begin it with `.*` to match anywhere"
                unmatched.append(Unmatched(key, expression, hint))
        return tuple(unmatched)


def _renamed(bundle: Bundle, renames: Mapping[str, str], table: str) -> Bundle:
    used: set[str] = set()

    def rename(entry: Entry) -> Entry:
        # The longest prefix: the rename of a file has precedence over that of its folder.
        old = entry.path
        while old and old not in renames:
            old = old.rpartition("/")[0]
        if not old:
            return entry
        used.add(old)
        path = check_path(renames[old] + entry.path[len(old) :], owner=entry.owner)
        return entry._replace(path=path)

    entries = [rename(entry) for entry in bundle]
    if unused := [old for old in renames if old not in used]:
        raise SettingsError(
            f"{table}.rename names what is not in the package",
            where=[f"there is no file or folder `{old}`" for old in unused],
            hint="paths are those in the package, such as `shop/api.py`",
        )
    try:
        return Bundle.of(entries)
    except ConflictError as error:
        raise SettingsError(
            f"{table}.rename: {error.message}",
            where=error.where,
            hint="choose another new name, or leave one of them out with `exclude-files`",
        ) from error


def _any_of(patterns: Sequence[str], expressions: Sequence[str]) -> Matches:
    compiled = compile_patterns(patterns, where="the settings")
    # Each is compiled separately, because the groups of one must not refer to those of another.
    matchers = [re.compile(expression).match for expression in expressions]

    def matches(path: str) -> bool:
        if compiled is not None and compiled.match(path):
            return True
        return any(match(path) for match in matchers)

    return matches
