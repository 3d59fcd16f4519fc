"""The compiler of modules, as far as it decides the bytes of packages."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wherry.context import Context
    from wherry.pipeline.request import BuildRequest

__all__ = ["compiler"]


def compiler(request: BuildRequest, context: Context) -> str | None:
    """The release of the Python that compiles modules; None where none does.

    Another patch level may compile a few modules otherwise.
    """
    if all(mode == "off" for mode in request.chosen("bytecode")):
        return None
    from wherry.interpreters import build_python

    return build_python(context).release
