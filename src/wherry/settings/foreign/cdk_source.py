"""The source texts of an application of the AWS CDK, in Python or TypeScript: constructs, and what their texts tell."""

from __future__ import annotations

import os
import posixpath
import re
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from wherry.bundle.default_excludes import VIRTUALENV_MARK, is_excluded_by_default
from wherry.files import walk_folders
from wherry.settings.foreign.expressions import (
    Call,
    Expression,
    Items,
    Joined,
    Name,
    Table,
    Text,
    Token,
    read_expression,
    tokenize,
)
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from wherry.files import ProjectFiles

__all__ = ["Construct", "Source", "read_sources"]

_SUFFIXES = (".py", ".ts", ".mts")
_SKIPPED = frozenset({"node_modules", "cdk.out", "test", "tests"})
_MOST_FILES = 2000
_LARGEST = 256 * 1024
_MOST = 300
"""Constructs of a file."""
_DEEPEST = 30
_KINDS = re.compile(r"\w*(?:Function|LayerVersion)")
_MAKES = re.compile(r"(?:Function|LayerVersion)\(")
# Words before a name that is defined there, and not called.
_DEFINES = frozenset({"class", "def", "function", "extends"})
_DECLARES = frozenset({"const", "let", "var", "readonly"})
# Functions whose value is the path that they are given.
_SAME = frozenset(
    {"Path", "PurePath", "abspath", "fspath", "fileURLToPath", "normpath", "realpath", "str"}
)
_HOLE = re.compile(r"\$?\{\s*([\w.]+)\s*\}")


class Construct(Struct, frozen=True, kw_only=True):
    """A call that makes a function or a layer.

    Attributes:
        kind: the name of its class.
        id: its identifier in its scope; None where the text does not tell.
        properties: its arguments by name, in the words of Python.
        line: the line that it begins in.
    """

    kind: str
    id: str | None
    properties: Mapping[str, Expression]
    line: int


class Source:
    """A source text of the application."""

    def __init__(
        self, path: str, text: str, others: Callable[[], Mapping[str, Expression]]
    ) -> None:
        """Keep the text of the file at a path, relative to the folder of the application.

        Args:
            path: of the file.
            text: its text.
            others: gives what is assigned to names in all files of the application.
        """
        self.path = path
        self._text = text
        self._others = others

    @cached_property
    def _tokens(self) -> list[Token]:
        return tokenize(self._text, python=self.path.endswith(".py"))

    @cached_property
    def names(self) -> Mapping[str, Expression]:
        """The values that are assigned to names and attributes, where it is once."""
        return dict(_assigned(self._tokens, python=self.path.endswith(".py")))

    def constructs(self) -> Iterator[Construct]:
        """The functions and layers that the text makes."""
        found = 0
        if not _MAKES.search(self._text):
            return
        for place, token in enumerate(self._tokens):
            if token.kind != "word" or not _KINDS.fullmatch(token.text) or found >= _MOST:
                continue
            before = self._tokens[place - 1].text if place else ""
            call, _ = read_expression(self._tokens, place)
            if isinstance(call, Call) and before not in _DEFINES:
                found += 1
                yield self.construct(call, token.text, token.line)

    def construct(self, call: Call, kind: str, line: int = 0) -> Construct:
        """The function or layer that a call makes."""
        values = self.table(call.named)
        for argument in call.arguments:
            if isinstance(argument, Table):
                values |= {_plain(key): each for key, each in self.table(argument).items()}
        own = call.arguments[1] if len(call.arguments) > 1 else values.get("id")
        return Construct(kind=kind, id=self.text(own), properties=values, line=line)

    def table(self, value: Expression, depth: int = 0) -> dict[str, Expression]:
        """The keys and values of a table, with those of the tables that it takes over."""
        value = self._known(value, depth)
        if isinstance(value, Call):
            value = value.named  # dict(key=value)
        if not isinstance(value, Table) or depth > _DEEPEST:
            return {}
        values: dict[str, Expression] = {}
        for other in value.spread:
            values |= self.table(other, depth + 1)
        return values | value.values

    def items(self, value: Expression) -> tuple[Expression, ...]:
        """The items of a list."""
        value = self._known(value, 0)
        return value.items if isinstance(value, Items) else ()

    def call(self, value: Expression) -> tuple[str, Call] | None:
        """A call, and the name of what is called."""
        value = self._known(value, 0)
        if isinstance(value, Call) and isinstance(value.function, Name):
            return value.function.name, value
        return None

    def name(self, value: Expression) -> str | None:
        """The last name of an attribute, such as ``PYTHON_3_13`` of ``Runtime.PYTHON_3_13``."""
        value = self._known(value, 0)
        return value.name if isinstance(value, Name) else None

    def text(self, value: Expression, depth: int = 0) -> str | None:
        """The string that an expression gives; a path in the project is relative to the application's folder."""
        if depth > _DEEPEST:
            return None
        value = self._known(value, depth)
        match value:
            case Text(text, False):
                return text
            case Text(text, True):
                return self._filled(text, depth)
            case Name("__dirname"):
                return posixpath.dirname(self.path) or "."
            case Name("__file__" | "__filename"):
                return self.path
            case Name("parent", of):
                return _joined([self.text(of, depth + 1), ".."])
            case Joined(operator, left, right):
                both = [self.text(left, depth + 1), self.text(right, depth + 1)]
                return _joined(both) if operator == "/" else _added(both)
            case Call(Name(name, of), arguments, named):
                return self._called(name, of, [*arguments, *named.values.values()], depth + 1)
            case _:
                return None

    def _called(
        self, name: str, of: Expression, arguments: list[Expression], depth: int
    ) -> str | None:
        texts = [self.text(each, depth) for each in arguments]
        if name in {"cwd", "getcwd"}:
            return "."
        if name == "join" and not self.path.endswith(".py"):
            # Node's takes `/x` after the first part for `x`.
            texts[1:] = [each and each.lstrip("/") for each in texts[1:]]
        if name in {"join", "resolve", "joinpath"} and texts:
            return _joined([self.text(of, depth), *texts] if name == "joinpath" else texts)
        if name == "dirname":
            return _joined([*texts, ".."])
        if name in _SAME:
            return _joined(texts)
        # Methods of a path that do not change where it leads.
        return self.text(of, depth) if name in {"absolute", "as_posix", "resolve"} else None

    def _filled(self, text: str, depth: int) -> str | None:
        """A template with the values of the names in it."""
        parts = _HOLE.split(text)
        values = [self.text(Name(each.rpartition(".")[2], None), depth + 1) for each in parts[1::2]]
        if "{" in "".join(parts[::2]):
            return None
        parts[1::2] = [each or "\0" for each in values]
        return None if "\0" in parts else "".join(parts)

    def _known(self, value: Expression, depth: int) -> Expression:
        """The value that is assigned to a name, in this file or once in all others."""
        for _ in range(_DEEPEST - depth):
            if not isinstance(value, Name):
                break
            found = self.names.get(value.name)
            if found is None and (found := self._others().get(value.name)) is None:
                break
            value = found
        return value


def read_sources(root: Path, files: ProjectFiles) -> tuple[Source, ...]:
    """The source texts in the folder of an application."""
    sources: list[Source] = []

    @cache
    def everywhere() -> Mapping[str, Expression]:
        names: dict[str, Expression] = {}
        twice: set[str] = set()
        for source in sources:
            twice |= names.keys() & source.names.keys()
            names |= source.names
        return {name: value for name, value in names.items() if name not in twice}

    for path in _paths(root):
        try:
            if (root / path).stat().st_size <= _LARGEST:
                text = files.read(root / path).decode("utf-8-sig")
                sources.append(Source(path, text, everywhere))
        except (OSError, ValueError):
            continue
    return tuple(sources)


def _paths(root: Path) -> Iterator[str]:
    left = _MOST_FILES
    for folder, inside, names in walk_folders(root):
        if VIRTUALENV_MARK in names:
            inside.clear()
            continue
        at_root = Path(folder) == root
        inside[:] = sorted(
            name
            for name in inside
            if name not in _SKIPPED and not is_excluded_by_default(name, at_root=at_root)
        )
        for name in sorted(names):
            if name.endswith(_SUFFIXES) and not name.endswith(".d.ts"):
                left -= 1
                if left < 0:
                    return
                yield Path(os.path.relpath(folder, root), name).as_posix()


def _assigned(tokens: list[Token], *, python: bool) -> Iterator[tuple[str, Expression]]:
    """The values that are assigned to names and attributes, once in the text."""
    values: dict[str, Expression] = {}
    twice: set[str] = set()
    depth = 0
    for place, token in enumerate(tokens):
        if token.kind == "sign":
            depth += (token.text in "([{") - (token.text in ")]}")
        if token.kind != "word" or place + 1 >= len(tokens):
            continue
        equals = _equals(tokens, place)
        first = _first(tokens, place)
        declared = first > 0 and tokens[first - 1].text in _DECLARES
        if equals is None or not (declared or (tokens[first].begins and not (python and depth))):
            continue
        if token.text in values:
            twice.add(token.text)
        values[token.text] = read_expression(tokens, equals + 1)[0]
    return ((name, value) for name, value in values.items() if name not in twice)


def _first(tokens: list[Token], place: int) -> int:
    """The place of the first name before the dots before a name."""
    while place >= 2 and tokens[place - 1].text == "." and tokens[place - 2].kind == "word":
        place -= 2
    return place


def _equals(tokens: list[Token], place: int) -> int | None:
    """The place of the sign that assigns to a name, which may have a type."""
    for here in range(place + 1, min(place + 10, len(tokens))):
        text = tokens[here].text
        if text == "=" and tokens[here].kind == "sign":
            return here
        if (here == place + 1 and text != ":") or tokens[here].begins or text in "(){},;":
            return None
    return None


def _plain(key: str) -> str:
    """A property of TypeScript in the words of Python: ``functionName`` is ``function_name``."""
    return re.sub(r"(?<=[a-z0-9])[A-Z]", lambda match: f"_{match[0].lower()}", key)


def _joined(parts: list[str | None]) -> str | None:
    """A path of parts; None where one is not known, or is absolute."""
    known = [part for part in parts if part is not None]
    if len(known) < len(parts) or any(part.startswith("/") for part in known) or not known:
        return None
    return posixpath.normpath(posixpath.join(*known))


def _added(parts: list[str | None]) -> str | None:
    known = [part for part in parts if part is not None]
    return "".join(known) if len(known) == len(parts) else None
