"""What imports will find in a deployment package, asked before anything is written or run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

__all__ = ["Module", "Package"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Module:
    """A module of the package.

    Attributes:
        name: dotted.
        is_package: whether relative imports in it begin at itself.
        source: its text; None for one that is compiled, which tells nothing.
    """

    name: str
    is_package: bool
    source: bytes | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Package:
    """A function and its layers, as the interpreter on Lambda sees them.

    Attributes:
        lookup: the bytes of a file, None where there is none. Paths are relative to the folder that is on
            the interpreter's path: what is in a layer is asked for without ``python/`` or
            ``python/lib/pythonX.Y/site-packages/``.
        paths: the paths of all files; asked only for what ``lookup`` cannot tell.
        complete: False when there are files besides, of a layer that is not at hand.
    """

    lookup: Callable[[str], bytes | None]
    paths: Callable[[], Collection[str]]
    complete: bool = True

    def find(self, name: str) -> Module | None:
        """The module of that name, None when there is none."""
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
        # A folder without `__init__.py` is a namespace package: nothing is defined in it.
        return Module(name=name, is_package=True, source=b"") if folder else None

    def modules(self) -> list[str]:
        """The names of all modules that could be meant by somebody who misspelt one."""
        found = set()
        for path in self.paths():
            if path.endswith(".py"):
                name = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
                found.add(name)
        return sorted(found)
