"""What of the compiler of modules decides the bytes of packages."""

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
    settings = request.settings
    if all(settings.chosen("bytecode", each.settings) == "off" for each in request.recipes):
        return None
    from wherry.interpreters import build_python

    return build_python(context).release
