"""Modules that libraries import at their start and hardly use, loaded when they are needed.

``inspect`` and what it imports take as long to load as ``click`` itself, which asks it to clean texts; ``gettext`` looks
for translations of ``click``, which has none; ``platform`` only tells ``uuid`` the name of the system; ``pathlib``,
``urllib`` and ``msgspec`` import modules for a few of their functions; and ``msgspec`` needs nothing of
``typing_extensions`` on the Pythons that Wherry runs on. Only the command line does this: a program
that imports ``wherry`` gets its modules as they are.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

__all__ = ["defer_imports"]


def defer_imports() -> None:
    """Have libraries load without the modules that they hardly use."""
    _stand_in("inspect", cleandoc=_clean)
    _stand_in(
        "gettext",
        gettext=lambda message: message,
        ngettext=lambda one, many, number: one if number == 1 else many,
    )
    for name in ("fnmatch", "ipaddress", "msgspec.inspect", "ntpath", "textwrap"):
        _stand_in(name)
    if sys.platform == "linux":
        _stand_in("platform", system=lambda: "Linux")
    if "typing_extensions" not in sys.modules:
        # Its import fails, as where it is not installed.
        sys.modules["typing_extensions"] = None  # type: ignore[assignment]
        import msgspec  # noqa: F401

        del sys.modules["typing_extensions"]


def _stand_in(name: str, **known: object) -> None:
    if name not in sys.modules:
        sys.modules[name] = module = _StandIn(name)
        vars(module).update(known)


class _StandIn(ModuleType):
    """Stands in for a module until a name is asked for that it lacks, and has all of its names from then on."""

    def __getattr__(self, name: str) -> Any:
        if name == "__path__":
            # Every import of a name asks for it; none of these is a package.
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        module = import_module(self.__name__)
        vars(self).update(vars(module))
        return getattr(module, name)


def _clean(text: str) -> str:
    """Clean the text of an option, as ``inspect.cleandoc`` does; only one of several lines needs the module."""
    if "\n" not in text:
        return text.expandtabs().lstrip()
    import inspect

    # A name that its stand-in lacks has it loaded.
    _ = inspect.isclass
    return inspect.cleandoc(text)
