"""Readers of the kinds of values. Each returns the value, or raises ``ValueError`` with what it expected."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from wherry.settings.model import ExtraPath, HookSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wherry.settings.model import Command

__all__ = [
    "HOOKS_OF_A_PACKAGE",
    "boolean",
    "choice",
    "conflicts",
    "extra_paths",
    "file_patterns",
    "hooks",
    "layer_names",
    "matching",
    "name_patterns",
    "names",
    "number",
    "regular_expressions",
    "renames",
    "requirements",
    "string",
    "strings",
    "stripped",
]

ARN = re.compile(r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:layer:[A-Za-z0-9_-]+:\d+")


def string(value: object) -> str:
    """A string that is not empty."""
    if not isinstance(value, str) or not value:
        raise ValueError("expected a string")
    return value


def strings(value: object) -> tuple[str, ...]:
    """A list of strings that are not empty."""
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise ValueError("expected a list of strings")
    return tuple(value)


def boolean(value: object) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ValueError("expected true or false")  # noqa: TRY004  one kind of error for all readers
    return value


def choice(*choices: str) -> Callable[[object], str]:
    """A reader of one of these strings."""

    def read(value: object) -> str:
        if value not in choices or not isinstance(value, str):
            raise ValueError(f"expected one of {', '.join(choices)}")
        return value

    return read


def matching(pattern: str, noun: str) -> Callable[[object], str]:
    """A reader of strings that a regular expression matches as a whole; ``noun`` says what they are."""

    def read(value: object) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise ValueError(f"expected {noun}")
        return value

    return read


def number(least: int) -> Callable[[object], int]:
    """A reader of whole numbers that are not below ``least``."""

    def read(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise ValueError(f"expected a number of at least {least}")
        return value

    return read


def conflicts(value: object) -> Mapping[str, str]:
    """Paths, and the distributions that win them."""
    from packaging.utils import canonicalize_name

    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise ValueError("expected a table of paths and the distributions that win them")
    return {path: canonicalize_name(owner) for path, owner in value.items()}


def names(value: object) -> tuple[str, ...]:
    """Names of distributions, normalized (PEP 503)."""
    from packaging.utils import canonicalize_name

    return tuple(canonicalize_name(name) for name in strings(value))


def name_patterns(value: object) -> tuple[str, ...]:
    """Names of distributions, in which ``*`` stands for any characters."""
    patterns = strings(value)
    for pattern in patterns:
        if not re.fullmatch(r"[A-Za-z0-9._*-]+", pattern):
            raise ValueError(
                f"`{pattern}` is not the name of a distribution; the only wildcard is `*`"
            )
    # As PEP 503 normalizes names, but for the stars.
    return tuple(re.sub(r"[-_.]+", "-", pattern).lower() for pattern in patterns)


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


def stripped(value: object) -> tuple[str, ...]:
    """True for everything, false for nothing, or patterns as in a ``.gitignore`` file."""
    if isinstance(value, bool):
        return ("*",) if value else ()
    try:
        return file_patterns(value)
    except ValueError as error:
        expected = "expected true, false or a list of patterns"
        raise ValueError(str(error) if isinstance(value, list) else expected) from error


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


def hooks(value: object) -> HookSettings:
    """The table of a package's own hooks."""
    keys = ", ".join(HOOKS_OF_A_PACKAGE)
    if not isinstance(value, dict):
        raise ValueError(f"expected a table: {keys}")  # noqa: TRY004
    attributes: dict[str, Any] = {}
    for key, item in value.items():
        if key in {"inputs", "always"}:
            raise ValueError(f"`{key}` applies to all packages: set it in [tool.wherry.hooks]")
        if key not in HOOKS_OF_A_PACKAGE:
            raise ValueError(f"there is no setting `{key}`: expected {keys}")
        try:
            attributes[key] = HOOKS_OF_A_PACKAGE[key](item)
        except ValueError as error:
            raise ValueError(f"{key}: {error}") from error
    return HookSettings(**attributes)


HOOKS_OF_A_PACKAGE: Mapping[str, Callable[[object], Any]] = {
    "before": commands,
    "after": commands,
    "where": choice("host", "container"),
}
"""The keys of the hooks of one function or layer."""


def regular_expressions(value: object) -> tuple[str, ...]:
    """Regular expressions of Python."""
    expressions = strings(value)
    for expression in expressions:
        try:
            re.compile(expression)
        except (re.error, RecursionError, OverflowError) as error:
            raise ValueError(f"`{expression}` is not a regular expression: {error}") from error
    return expressions


def layer_names(value: object) -> tuple[str, ...]:
    """Names of layers, and ARNs of versions of other layers."""
    layers = strings(value)
    for layer in layers:
        if layer.startswith("arn:") and not ARN.fullmatch(layer):
            raise ValueError(
                f"`{layer}` is not the ARN of a layer version (arn:aws:lambda:REGION:ACCOUNT:layer:NAME:VERSION)"
            )
    if len(set(layers)) < len(layers):
        raise ValueError("a layer is listed twice")
    return layers


def renames(value: object) -> Mapping[str, str]:
    """Paths in the package, and their new names."""
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise ValueError("expected a table of paths in the package and their new names")
    for path in [*value, *value.values()]:
        _require_inside(path)
    return {old.rstrip("/"): new.rstrip("/") for old, new in value.items()}


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
