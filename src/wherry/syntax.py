"""The syntax of Python source that is read and never run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ast

__all__ = ["error_in_python", "parse_python"]


def parse_python(source: bytes | str, version: tuple[int, int] | None = None) -> ast.Module | None:
    """The syntax tree of a module; None for one that this Python does not understand.

    Args:
        source: its text.
        version: of an older Python that is to understand it, too, as far as this one can tell.
    """
    try:
        return _parse(source, version)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def error_in_python(source: bytes | str, version: tuple[int, int]) -> SyntaxError | None:
    """The mistake in a module for which a version of Python does not understand it; None if none is known."""
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
