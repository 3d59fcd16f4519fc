"""The syntax of Python source that is read and never run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ast

__all__ = ["parse_python"]


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
