"""Modules that libraries import at their start and hardly use, loaded when they are first used.

``inspect`` and what it imports take as long to load as ``click`` itself, which asks it to clean texts; and
``msgspec`` needs nothing of ``typing_extensions`` on the Pythons that Wherry runs on. Only the command line does
this: a program that imports ``wherry`` gets its modules as they are.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

__all__ = ["defer_imports"]


def defer_imports() -> None:
    """Have ``click`` and ``msgspec`` load without the modules that they do not need."""
    if "inspect" not in sys.modules:
        sys.modules["inspect"] = _Inspect("inspect")
    if "typing_extensions" not in sys.modules:
        # Its import fails, as where it is not installed.
        sys.modules["typing_extensions"] = None  # type: ignore[assignment]
        import msgspec  # noqa: F401

        del sys.modules["typing_extensions"]


class _Inspect(ModuleType):
    """Stands in for ``inspect`` until another name of it is asked for, and has all of its names from then on."""

    def cleandoc(self, text: str) -> str:
        """Clean the text of an option, as ``inspect`` does; only one of several lines needs the module."""
        if "\n" not in text:
            return text.expandtabs().lstrip()
        cleaned: str = self.__getattr__("cleandoc")(text)
        return cleaned

    def __getattr__(self, name: str) -> Any:
        del sys.modules[self.__name__]
        module = import_module(self.__name__)
        self.__dict__.update(vars(module))
        return getattr(module, name)
