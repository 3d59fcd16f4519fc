"""The handler of a package that was written before."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from wherry.settings.model import FunctionSettings

__all__ = ["written_handler"]


def written_handler(settings: FunctionSettings, paths: Collection[str]) -> str | None:
    """The handler of a function; None if neither its settings nor a shim has one.

    Args:
        settings: of the function.
        paths: of the files in its package.
    """
    from wherry.shims import parse_handler
    from wherry.shims.shim import SHIM

    if settings.handler:
        reference = parse_handler(settings.handler)
        return f"{reference.module}.{reference.attribute}"
    if settings.app:
        # The shim of an app has the first name that was free.
        name = SHIM
        while f"{name}_/__init__.py" in paths:
            name += "_"
        if f"{name}/__init__.py" in paths:
            return f"{name}.handler"
    return None
