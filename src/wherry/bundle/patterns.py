"""Patterns in the language of ``.gitignore``, as git reads them.

A library is not used, because a folder is walked level by level and each level needs git's own answer, and
because the libraries take longer to import than a small project takes to package. The tests compare with git.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from wherry.errors import SettingsError
from wherry.problems import Problems

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Patterns", "compile_patterns"]

_WILD = frozenset("*?[\\")
# The POSIX classes that brackets may name, as the content of Python's brackets.
_CLASSES = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "blank": " \\t",
    "cntrl": "\\x00-\\x1f\\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": "!-/:-@\\[-`{-~",
    "space": " \\t\\n\\r\\f\\v",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}


class _Pattern(NamedTuple):
    """One line.

    ``literal`` is the whole name, ``ending`` the end of it; if both are None, ``expression`` matches the name,
    or the whole path for ``rooted`` patterns.
    """

    is_negated: bool
    folders_only: bool
    rooted: bool
    literal: str | None
    ending: str | None
    expression: re.Pattern[str] | None

    def matches(self, path: str, name: str) -> bool:
        if self.literal is not None:
            return (path if self.rooted else name) == self.literal
        if self.ending is not None:
            return name.endswith(self.ending)
        assert self.expression is not None  # noqa: S101
        return self.expression.fullmatch(path if self.rooted else name) is not None


class Patterns:
    """A list of patterns; the last match decides."""

    def __init__(self, patterns: Iterable[_Pattern]) -> None:
        """Made by ``compile_patterns``."""
        self._patterns = tuple(patterns)[::-1]
        self._folders: dict[str, bool] = {"": False}

    def decide(self, path: str) -> bool | None:
        """Whether a path matches: True, False if a ``!`` pattern negates it, None if no pattern matches.

        The caller must decide about the folders above it first: everything in a folder that matches does
        match, and cannot be negated.

        Args:
            path: relative to the folder of the patterns, with forward slashes; a folder ends with one.
        """
        folder = path.endswith("/")
        path = path.rstrip("/")
        name = path.rpartition("/")[2]
        for pattern in self._patterns:
            if (folder or not pattern.folders_only) and pattern.matches(path, name):
                return not pattern.is_negated
        return None

    def match(self, path: str) -> bool:
        """Whether the path, or a folder above it, matches."""
        return self._within(path.rstrip("/").rpartition("/")[0]) or bool(self.decide(path))

    def _within(self, folder: str) -> bool:
        known = self._folders.get(folder)
        if known is None:
            known = self._within(folder.rpartition("/")[0]) or bool(self.decide(folder + "/"))
            self._folders[folder] = known
        return known


def compile_patterns(lines: Iterable[str], *, where: str, lenient: bool = False) -> Patterns | None:
    """The patterns on these lines; None if there is none.

    Args:
        lines: one pattern each; empty lines and comments (``#``) are ignored.
        where: where the lines come from, for messages.
        lenient: ignore lines that can match nothing, as git does.

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
    if not text:
        return None
    literal = ending = expression = None
    if _WILD.isdisjoint(text):
        literal = text
    elif not rooted and text[0] == "*" and _WILD.isdisjoint(text[1:]):
        ending = text[1:]
    else:
        translated = _translate(text)
        if translated is None:
            return None
        expression = re.compile(translated, re.DOTALL)
    return _Pattern(is_negated, folders_only, rooted, literal, ending, expression)


def _translate(text: str) -> str | None:
    """The regular expression of a pattern; None if it can match nothing."""
    result: list[str] = []
    position = 0
    while position < len(text):
        character = text[position]
        if character == "*":
            piece, position = _stars(text, position)
        elif character == "?":
            piece, position = "[^/]", position + 1
        elif character == "[":
            bracket = _bracket(text, position + 1)
            if bracket is None:
                return None
            piece, position = bracket
        elif character == "\\":
            if position + 1 == len(text):
                return None
            piece, position = re.escape(text[position + 1]), position + 2
        else:
            piece, position = re.escape(character), position + 1
        result.append(piece)
    return "".join(result)


def _stars(text: str, start: int) -> tuple[str, int]:
    end = start
    while text[end : end + 1] == "*":
        end += 1
    opens = start == 0 or text[start - 1] == "/"
    closes = end == len(text) or text[end] == "/"
    if end - start == 1 or not (opens and closes):
        return "[^/]*", end
    if end == len(text):
        return ".*", end
    return "(?:.*/)?", end + 1


def _bracket(text: str, start: int) -> tuple[str, int] | None:
    """The regular expression of a bracket, and the position after it; None if the bracket does not end."""
    position = start
    negated = text[position : position + 1] in {"!", "^"}
    if negated:
        position += 1
    first = position
    items: list[str] = []
    while True:
        if position >= len(text):
            return None
        if text[position] == "]" and position > first:
            break
        if text.startswith("[:", position):
            end = text.find("]", position + 2)
            if end < 0:
                return None
            if end > position + 2 and text[end - 1] == ":":
                known = _CLASSES.get(text[position + 2 : end - 1])
                if known is None:
                    return None
                items.append(known)
                position = end + 1
                continue
        low = _character(text, position)
        if low is None:
            return None
        position = low[1]
        # The lower end always matches, even in a range that is reversed.
        items.append(re.escape(low[0]))
        if text[position : position + 1] == "-" and text[position + 1 : position + 2] not in {
            "",
            "]",
        }:
            after = _character(text, position + 1)
            if after is None:
                return None
            position = after[1]
            if low[0] <= after[0]:
                items.append(f"{re.escape(low[0])}-{re.escape(after[0])}")
    inside = "".join(items)
    if negated:
        return f"[^/{inside}]", position + 1
    return (f"(?!/)[{inside}]" if inside else "(?!)"), position + 1


def _character(text: str, position: int) -> tuple[str, int] | None:
    if text[position] != "\\":
        return text[position], position + 1
    if position + 1 >= len(text):
        return None
    return text[position + 1], position + 2
