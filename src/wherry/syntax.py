"""The syntax of Python source that is read and never run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ast

__all__ = ["parse_python", "parse_statements", "syntax_error"]

# Where a statement at the top level may begin, and the first line of a function.
_STATEMENT = re.compile(rb"(?m)^(?=[^\s#)\]}'\"])")
_MOST_STATEMENTS = 5000
_HEADER = re.compile(rb"(?m)^(?:async )?def\s+\w+\s*\((?:[^()]|\([^()]*\))*+\)[^:\n]*+:")


def parse_python(source: bytes | str, version: tuple[int, int] | None = None) -> ast.Module | None:
    """The syntax tree of a module; None where this Python, or an older one that is named, does not understand it."""
    try:
        return _parse(source, version)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def parse_statements(source: bytes) -> ast.Module:
    """The syntax tree of a module, or of those of its statements that this Python understands.

    Of a function with a text that it does not understand, such as that of a newer Python, there is the first line.
    """
    tree = parse_python(source)
    if tree is not None:
        return tree
    import ast

    body: list[ast.stmt] = []
    decorators = b""
    for statement in _STATEMENT.split(source, _MOST_STATEMENTS):
        if statement.startswith(b"@"):
            decorators += statement
            continue
        text, decorators = decorators + statement, b""
        header = _HEADER.search(text)
        part = parse_python(text) or (header and parse_python(text[: header.end()] + b" ..."))
        body += part.body if part else ()
    return ast.Module(body=body, type_ignores=[])


def syntax_error(source: bytes | str, version: tuple[int, int]) -> SyntaxError | None:
    """Why a version of Python does not understand a module; None where it does, or where this Python cannot tell.

    An older Python cannot tell a mistake from what came later.
    """
    import sys

    if version > sys.version_info[:2]:
        return None
    try:
        _parse(source, version)
    except SyntaxError as error:
        return error
    except (ValueError, RecursionError, MemoryError):
        pass
    return None


def _parse(source: bytes | str, version: tuple[int, int] | None) -> ast.Module:
    import ast
    import sys
    import warnings

    older = version if version is not None and version < sys.version_info[:2] else None
    with warnings.catch_warnings():
        # Such as those about invalid escapes.
        warnings.simplefilter("ignore")
        return ast.parse(source, feature_version=older)
