"""Patterns in the language of ``.gitignore``, as git reads them.

A library is not used, because a folder is walked level by level and each level needs git's own answer, and
because the libraries take longer to import than a small project takes to package. The tests compare with git.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.bundle.glob import Glob
from wherry.errors import SettingsError
from wherry.problems import Problems
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Patterns", "compile_patterns"]

_WILD = frozenset("*?[\\")


class _Pattern(Struct, frozen=True):
    """One line: its text without the marks that the other attributes stand for."""

    is_negated: bool
    folders_only: bool
    rooted: bool
    text: str


class Patterns:
    """A list of patterns; the last match decides.

    Names, paths and endings (``*.py``) are looked up, not tried one after the other. Other patterns are tried only
    if the first or last character that they spell out is that of the path.
    """

    def __init__(self, patterns: Iterable[_Pattern]) -> None:
        """Made by ``compile_patterns``."""
        self._patterns = tuple(patterns)
        self._folders: dict[str, bool] = {"": False}
        self._exact: dict[tuple[bool, str], list[int]] = {}
        self._endings: dict[str, list[int]] = {}
        self._globs: dict[tuple[bool, str, str], list[int]] = {}
        self._compiled: dict[int, Glob] = {}
        self._naming: Patterns | None = None
        for number, pattern in enumerate(self._patterns):
            rooted, text = pattern.rooted, pattern.text
            if _WILD.isdisjoint(text):
                self._exact.setdefault((rooted, text), []).append(number)
            elif not rooted and text[0] == "*" and _WILD.isdisjoint(text[1:]):
                self._endings.setdefault(text[1:], []).append(number)
            else:
                first, last = (
                    character if character not in _WILD else "" for character in (text[0], text[-1])
                )
                # What closes a bracket, or follows a backslash, may match something else.
                if last == "]" or text[-2:-1] == "\\" or rooted:
                    last = ""
                self._globs.setdefault((rooted, first, "" if first else last), []).append(number)
        self._ending_sizes = sorted(set(map(len, self._endings)))

    def decide(self, path: str) -> bool | None:
        """Whether a path matches: True, False if a ``!`` pattern negates it, None if no pattern matches.

        The caller must decide about the folders above it first: everything in a folder that matches does match, and
        cannot be negated. The path is relative to the folder of the patterns; that of a folder ends with a slash.
        """
        is_folder = path.endswith("/")
        path = path.rstrip("/")
        name = path.rpartition("/")[2]
        best = -1
        for numbers in self._lookups(path, name):
            for number in reversed(numbers):
                if number <= best:
                    break
                if is_folder or not self._patterns[number].folders_only:
                    best = number
                    break
        for numbers in self._candidates(path, name):
            for number in reversed(numbers):
                if number <= best:
                    break
                pattern = self._patterns[number]
                if (is_folder or not pattern.folders_only) and self._glob(number).matches(
                    path if pattern.rooted else name
                ):
                    best = number
                    break
        return None if best < 0 else not self._patterns[best].is_negated

    def _lookups(self, path: str, name: str) -> Iterator[list[int]]:
        """The numbers of patterns that are known to match, but for ``folders_only``."""
        for key in ((True, path), (False, name)):
            if (numbers := self._exact.get(key)) is not None:
                yield numbers
        for size in self._ending_sizes:
            if size > len(name):
                break
            if (numbers := self._endings.get(name[len(name) - size :])) is not None:
                yield numbers

    def _candidates(self, path: str, name: str) -> Iterator[list[int]]:
        """The numbers of the other patterns that may match."""
        if not self._globs or not path:
            return
        for key in (
            (True, path[0], ""),
            (True, "", ""),
            (False, name[0], ""),
            (False, "", name[-1]),
            (False, "", ""),
        ):
            if (numbers := self._globs.get(key)) is not None:
                yield numbers

    def _glob(self, number: int) -> Glob:
        glob = self._compiled.get(number)
        if glob is None:
            glob = Glob.parse(self._patterns[number].text)
            assert glob is not None  # noqa: S101
            self._compiled[number] = glob
        return glob

    def match(self, path: str) -> bool:
        """Whether the path, or a folder above it, matches."""
        return self._within(path.rstrip("/").rpartition("/")[0]) or bool(self.decide(path))

    def names(self, path: str) -> bool:
        """Whether the path itself matches, by a pattern of which the last name is more than ``*``."""
        if self._naming is None:
            self._naming = Patterns(
                pattern for pattern in self._patterns if pattern.text.rpartition("/")[2].strip("*")
            )
        return bool(self._naming.decide(path))

    def _within(self, folder: str) -> bool:
        """Whether a folder, or one above it, matches."""
        unknown: list[str] = []
        while folder not in self._folders:
            unknown.append(folder)
            folder = folder.rpartition("/")[0]
        matches = self._folders[folder]
        for below in reversed(unknown):
            matches = matches or bool(self.decide(below + "/"))
            self._folders[below] = matches
        return matches


def compile_patterns(lines: Iterable[str], *, where: str, lenient: bool = False) -> Patterns | None:
    """The patterns on these lines; None if there is none.

    Empty lines and comments (``#``) are ignored; if ``lenient``, so are lines that can match nothing, as by git.

    Raises:
        SettingsError: lines are not patterns; the error names all of them.
    """
    patterns: list[_Pattern] = []
    problems = Problems(SettingsError, f"{where} holds invalid gitignore patterns")
    for line in lines:
        text = _without_trailing_blanks(line)
        if not text or text.startswith("#"):
            continue
        pattern = _compile(text)
        if pattern is not None:
            patterns.append(pattern)
        else:
            problems.add(f"`{line}`", hint="patterns are written as in a `.gitignore` file")
    if not lenient:
        problems.raise_all()
    return Patterns(patterns) if patterns else None


def _without_trailing_blanks(line: str) -> str:
    text = line.rstrip(" ")
    # A backslash before a blank keeps the blank, unless the backslash is escaped.
    slashes = len(text) - len(text.rstrip("\\"))
    return line[: len(text) + 1] if slashes % 2 and len(text) < len(line) else text


def _compile(text: str) -> _Pattern | None:
    is_negated = text.startswith("!")
    text = text.removeprefix("!")
    folders_only = text.endswith("/")
    text = text.removesuffix("/")
    rooted = "/" in text
    text = text.removeprefix("/")
    if not text or (("[" in text or "\\" in text) and Glob.parse(text) is None):
        return None
    return _Pattern(is_negated, folders_only, rooted, text)
