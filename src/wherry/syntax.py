"""The syntax of Python source that is read and never run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ast

__all__ = ["parse_python", "syntax_error"]


def parse_python(source: bytes | str) -> ast.Module | None:
    """The syntax tree of a module; None for one that this Python does not understand."""
    import ast
    import warnings

    with warnings.catch_warnings():
        # Such as those about invalid escapes.
        warnings.simplefilter("ignore")
        try:
            return ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def syntax_error(source: bytes | str, python: tuple[int, int]) -> SyntaxError | None:
    """The reason why a version of Python cannot parse a module; None where it can, or where this Python cannot tell.

    An older Python cannot tell a mistake from what came later.
    """
    import ast
    import sys
    import warnings

    here = sys.version_info[:2]
    if python > here:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(source, feature_version=python if python < here else None)
        except SyntaxError as error:
            return error
        except (ValueError, RecursionError, MemoryError):
            pass
    return None
