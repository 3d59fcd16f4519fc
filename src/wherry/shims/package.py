"""A deployment package as imports see it, before it is written or run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

__all__ = ["Module", "Package"]


class Module(Struct, frozen=True, kw_only=True):
    """A module of the package by its dotted name; it has no source if it is compiled."""

    name: str
    is_package: bool
    source: bytes | None

    @property
    def parent(self) -> str:
        """The package that relative imports in it begin at."""
        return self.name if self.is_package else self.name.rpartition(".")[0]


class Package(Struct, frozen=True, kw_only=True):
    """A function and its layers, as the interpreter on Lambda sees them.

    Attributes:
        lookup: returns the bytes of a file, or None. Paths are relative to the folder on the interpreter's
            path: those in a layer are without ``python/`` or ``python/lib/pythonX.Y/site-packages/``.
        paths: returns the paths of all files; called only if ``lookup`` is not enough.
        complete: False if there are other files, of a layer that is not known.
        python: the version of the runtime; None where it is not known.
    """

    lookup: Callable[[str], bytes | None]
    paths: Callable[[], Collection[str]]
    complete: bool = True
    python: tuple[int, int] | None = None

    def find(self, name: str) -> Module | None:
        """The module of that name; None if there is none."""
        base = name.replace(".", "/")
        if (source := self.lookup(f"{base}/__init__.py")) is not None:
            return Module(name=name, is_package=True, source=source)
        if (source := self.lookup(f"{base}.py")) is not None:
            return Module(name=name, is_package=False, source=source)
        folder = False
        for path in self.paths():
            if not path.startswith(base):
                continue
            rest = path[len(base) :]
            if rest.startswith((".", "/__init__.")) and rest.endswith((".so", ".pyc")):
                return Module(name=name, is_package=rest.startswith("/"), source=None)
            folder = folder or rest.startswith("/")
        # A folder without `__init__.py` is a namespace package, which defines nothing.
        return Module(name=name, is_package=True, source=b"") if folder else None

    def modules(self) -> list[str]:
        """The names of all modules in source form."""
        names = set()
        for path in self.paths():
            if path.endswith(".py"):
                name = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
                names.add(name)
        return sorted(names)
