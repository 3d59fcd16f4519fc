"""Readers of the kinds of values. Each returns the value, or raises ``ValueError`` with what it expected."""

from __future__ import annotations

import re
from posixpath import normpath
from typing import TYPE_CHECKING

from wherry.settings.model import ExtraPath, HookSettings
from wherry.settings.reader import (
    NOT_EMPTY,
    all_matching,
    boolean,
    choice,
    matching,
    number,
    portable_pattern,
    shaped,
    string,
    strings,
    table_of,
    table_of_strings,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wherry.settings.model import Command
    from wherry.settings.reader import Readers

__all__ = [
    "HOOKS_OF_A_PACKAGE",
    "all_matching",
    "boolean",
    "choice",
    "conflicts",
    "extra_paths",
    "file_patterns",
    "glibc",
    "hooks",
    "layer_names",
    "matching",
    "name_patterns",
    "names",
    "number",
    "project_path",
    "regular_expressions",
    "renames",
    "requirements",
    "share",
    "string",
    "strings",
    "stripped",
    "table_of_strings",
    "variable_names",
    "variables",
]


@shaped(
    {
        "anyOf": [
            {"type": "number", "minimum": 0, "maximum": 1},
            {"type": "string", **portable_pattern(r"\d+(\.\d+)? ?%")},
        ]
    }
)
def share(value: object) -> float:
    """A share of calls: a number from 0 to 1, or a percentage such as ``"5%"``."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?%", value) if isinstance(value, str) else None
    part = float(match[1]) / 100 if match else value
    if not isinstance(part, int | float) or isinstance(part, bool) or not 0 <= part <= 1:
        raise ValueError('expected a share of calls, such as "5%" or 0.05')
    return float(part)


_STRINGS_BY_NAME = table_of_strings("strings").shape
_NAME = r"[A-Za-z_][A-Za-z0-9_]*"

variable_names = all_matching(_NAME, "is not the name of a variable")
"""Names of variables of the environment."""


@shaped(
    {
        "type": "object",
        "propertyNames": portable_pattern(_NAME),
        "additionalProperties": {"anyOf": [{"type": "string"}, {"const": True}]},
    }
)
def variables(value: object) -> Mapping[str, str | bool]:
    """Variables of the environment: strings, or ``true`` for the value that one has on this machine."""
    expected = "expected a table of variables: a string, or `true` for the value of this machine"
    if not isinstance(value, dict):
        raise ValueError(expected)  # noqa: TRY004  one kind of error for all readers
    variable_names(list(value))
    if not all(isinstance(content, str) or content is True for content in value.values()):
        raise ValueError(expected)
    return value


@shaped({"type": "string", **portable_pattern(r"\d+\.\d+")})
def glibc(value: object) -> tuple[int, int]:
    """The version of the C library."""
    match = re.fullmatch(r"(\d+)\.(\d+)", value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('expected the version of the C library, such as "2.34"')
    return int(match[1]), int(match[2])


@shaped(_STRINGS_BY_NAME)
def conflicts(value: object) -> Mapping[str, str]:
    """Paths and patterns, and the distributions that win them."""
    from packaging.utils import canonicalize_name

    winners = table_of_strings("paths or patterns and the distributions that win them")(value)
    return {path: canonicalize_name(owner) for path, owner in winners.items()}


@shaped(NOT_EMPTY)
def project_path(value: object) -> str:
    """A path relative to the project's folder, normalized."""
    text = string(value)
    if text.startswith(("/", "~")) or "\\" in text or "\0" in text or re.match("[A-Za-z]:", text):
        raise ValueError(f"`{text}` is not a path relative to the project's folder, with `/` in it")
    return normpath(text)


@shaped(strings.shape)
def names(value: object) -> tuple[str, ...]:
    """Names of distributions, normalized (PEP 503)."""
    from packaging.utils import canonicalize_name

    return tuple(canonicalize_name(name) for name in strings(value))


@shaped(
    {
        "type": "array",
        "items": {"type": "string", **portable_pattern(r"[A-Za-z0-9._*-]+")},
    }
)
def name_patterns(value: object) -> tuple[str, ...]:
    """Names of distributions, in which ``*`` stands for any characters."""
    patterns = all_matching(
        r"[A-Za-z0-9._*-]+", "is not the name of a distribution; the only wildcard is `*`"
    )(value)
    # As PEP 503 normalizes names, but for the stars.
    return tuple(re.sub(r"[-_.]+", "-", pattern).lower() for pattern in patterns)


@shaped(strings.shape)
def file_patterns(value: object) -> tuple[str, ...]:
    """Patterns as in a ``.gitignore`` file."""
    from wherry.bundle.patterns import compile_patterns
    from wherry.errors import SettingsError

    patterns = strings(value)
    try:
        compile_patterns(patterns, where="it")
    except SettingsError as error:
        raise ValueError(f"{', '.join(error.where)} is not a gitignore pattern") from error
    return patterns


@shaped({"anyOf": [{"type": "boolean"}, strings.shape]})
def stripped(value: object) -> tuple[str, ...]:
    """True for everything, false for nothing, or patterns as in a ``.gitignore`` file."""
    if isinstance(value, bool):
        return ("*",) if value else ()
    try:
        return file_patterns(value)
    except ValueError as error:
        expected = "expected true, false or a list of patterns"
        raise ValueError(str(error) if isinstance(value, list) else expected) from error


@shaped(
    {
        "type": "array",
        "items": {
            "anyOf": [
                {"type": "string", "pattern": r"\S"},
                {"type": "array", "items": {"type": "string"}, "minItems": 1},
            ]
        },
    }
)
def commands(value: object) -> tuple[Command, ...]:
    """Lines for the shell, and lists of a program and its arguments."""
    expected = (
        'expected a list of commands: lines for the shell ("pytest -q"), or a program with its arguments '
        '(["cp", "a.txt", "{output}"])'
    )
    if not isinstance(value, list):
        raise ValueError(expected)  # noqa: TRY004
    parsed: list[Command] = []
    for item in value:
        words = item if isinstance(item, list) else [item]
        if not words or not all(isinstance(word, str) for word in words) or not words[0].strip():
            raise ValueError(expected)
        if any("\0" in word for word in words):
            raise ValueError("a command cannot contain a null byte")
        parsed.append(tuple(item) if isinstance(item, list) else item)
    return tuple(parsed)


HOOKS_OF_A_PACKAGE: Readers = {
    "before": commands,
    "after": commands,
    "where": choice("host", "container"),
}
"""The keys of the hooks of one function or layer."""


_hooks = table_of(HOOKS_OF_A_PACKAGE)


@shaped(_hooks.shape)
def hooks(value: object) -> HookSettings:
    """The table of a package's own hooks."""
    for key in ("inputs", "always"):
        if isinstance(value, dict) and key in value:
            raise ValueError(f"`{key}` applies to all packages: set it in [tool.wherry.hooks]")
    return HookSettings(**_hooks(value))


@shaped(strings.shape)
def regular_expressions(value: object) -> tuple[str, ...]:
    """Regular expressions of Python."""
    expressions = strings(value)
    for expression in expressions:
        try:
            re.compile(expression)
        except (re.error, RecursionError, OverflowError) as error:
            raise ValueError(f"`{expression}` is not a regular expression: {error}") from error
    return expressions


@shaped(strings.shape)
def layer_names(value: object) -> tuple[str, ...]:
    """Names of layers, and ARNs of versions of other layers."""
    layers = all_matching(
        r"(?s)(?!arn:).*|arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:layer:[A-Za-z0-9_-]+:\d+",
        "is not the ARN of a layer version (arn:aws:lambda:REGION:ACCOUNT:layer:NAME:VERSION)",
    )(value)
    if len(set(layers)) < len(layers):
        raise ValueError("a layer is listed twice")
    return layers


@shaped(_STRINGS_BY_NAME)
def renames(value: object) -> Mapping[str, str]:
    """Paths in the package, and their new names."""
    new_names = table_of_strings("paths in the package and their new names")(value)
    for path in [*new_names, *new_names.values()]:
        _require_inside(path)
    return {old.rstrip("/"): new.rstrip("/") for old, new in new_names.items()}


@shaped(
    {
        "type": "array",
        "items": {
            "anyOf": [
                NOT_EMPTY,
                {
                    "type": "object",
                    "properties": {"path": NOT_EMPTY, "to": {"type": "string"}},
                    "required": ["path"],
                    "additionalProperties": False,
                },
            ]
        },
    }
)
def extra_paths(value: object) -> tuple[ExtraPath, ...]:
    """Paths, and tables of ``path`` and ``to``."""
    expected = (
        'expected a list of paths, or of tables such as {path = "conf/prod.toml", to = "conf.toml"}'
    )
    if not isinstance(value, list):
        raise ValueError(expected)  # noqa: TRY004
    paths = []
    for item in value:
        table = {"path": item} if isinstance(item, str) else item
        if isinstance(table, dict) and (unknown := table.keys() - {"path", "to"}):
            raise ValueError(f"there is no setting `{min(unknown)}`: {expected}")
        if (
            not isinstance(table, dict)
            or not all(isinstance(text, str) for text in table.values())
            or not table.get("path")
        ):
            raise ValueError(expected)
        if table.get("to"):
            # In a layer, a path that begins with `/` starts at the layer's root, not at the folder of code.
            _require_inside(table["to"].removeprefix("/"))
        paths.append(ExtraPath(path=table["path"], to=table.get("to")))
    return tuple(paths)


def _require_inside(path: str) -> None:
    segments = path.rstrip("/").split("/")
    if "\\" in path or "" in segments or "." in segments or ".." in segments:
        raise ValueError(f"`{path}` is not a relative path in a package")


@shaped(strings.shape)
def requirements(value: object) -> tuple[str, ...]:
    """Requirements (PEP 508)."""
    from packaging.requirements import InvalidRequirement, Requirement

    texts = strings(value)
    for text in texts:
        try:
            Requirement(text)
        except InvalidRequirement as error:
            first = str(error).splitlines()[0]
            raise ValueError(f"`{text}` is not a requirement: {first}") from error
    return texts
