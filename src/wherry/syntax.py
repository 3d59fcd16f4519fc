"""The syntax of Python source that is read and never run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ast

__all__ = ["parse_python", "syntax_error"]


def parse_python(source: bytes | str, version: tuple[int, int] | None = None) -> ast.Module | None:
    """The syntax tree of a module; None where this Python, or an older one that is named, does not understand it."""
    try:
        return _parse(source, version)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


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
