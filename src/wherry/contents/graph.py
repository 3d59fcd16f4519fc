"""The import graph: what a handler's module reaches, when it is loaded, and which imports lead nowhere.

Packages may make submodules up at run time (``six.moves``): one that is missing is told where its package is a folder
without code, or has no text that could do so.
"""

from __future__ import annotations

from collections import deque
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from wherry.contents.imports import Flag, When
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from wherry.contents.imports import Import, ModuleFacts
    from wherry.contents.modules import Module, ModuleTable

__all__ = ["ImportGraph", "Missing", "Reached", "absolute_name"]


class Reached(NamedTuple):
    """A module that is reached.

    Attributes:
        when: ``INIT`` if loading the handler loads it for certain, ``GUARDED`` if it may, ``LAZY`` if only calls of
            functions do.
        importer: the module that imports it first; empty for a root.
    """

    module: Module
    when: When
    importer: str
    line: int


class Missing(Struct, frozen=True, kw_only=True):
    """An import that leads nowhere.

    Attributes:
        name: of the module: a top-level one; or a dotted one that its package lacks, or of which there are only files
            for another Python or system; or the name after the dots of a relative import out of all packages, with them.
        when: it would be loaded.
        instead: the top-level module in place of which it is imported, as that is nowhere, too; empty if there is none.
    """

    name: str
    importer: str
    line: int
    when: When
    instead: str = ""


class ImportGraph:
    """The walk over imports from some modules.

    Roots that are not there are passed over. ``provided`` are the top-level modules that the runtime brings;
    ``parses`` tells whether the whole text of a module is understood; no later imports than ``until`` are followed.
    """

    def __init__(
        self,
        table: ModuleTable,
        roots: Sequence[str],
        *,
        facts: Callable[[Module], ModuleFacts],
        provided: Collection[str],
        parses: Callable[[Module], bool],
        until: When = When.LAZY,
    ) -> None:
        self._table, self._roots = table, roots
        self._facts, self._provided, self._until = facts, provided, until
        self._parses = parses
        self._missing: dict[tuple[str, str], Missing] = {}

    @cached_property
    def reached(self) -> Mapping[str, Reached]:
        """The modules that are reached, by name: first those that init loads, then those that it may, then the lazy."""
        reached: dict[str, Reached] = {}
        for when in (When.INIT, When.GUARDED, When.LAZY)[: self._until + 1]:
            queue: deque[str] = deque()
            if when is When.INIT:
                for root in self._roots:
                    self._reach(root, when, ("", 0), reached, queue)
            else:
                # What was reached before may import more under this condition.
                for name in list(reached):
                    self._follow(name, when, reached, queue)
            while queue:
                self._follow(queue.popleft(), when, reached, queue)
        return reached

    @cached_property
    def missing(self) -> tuple[Missing, ...]:
        """The imports that lead nowhere, certain ones first; none that are reached by way of a text that is not understood.

        Such a text may be meant for another version of Python, and its importer prepared for that.
        """
        reached = self.reached
        found = (
            each
            for each in self._missing.values()
            if all(self._parses(reached[name].module) for name in self.chain(each.importer))
        )
        return tuple(sorted(found, key=lambda each: (each.when, each.importer, each.name)))

    def chain(self, name: str) -> tuple[str, ...]:
        """The modules from a root to one that is reached."""
        names = [name]
        while (step := self.reached.get(names[-1])) is not None and step.importer:
            if step.importer in names:
                break
            names.append(step.importer)
        return tuple(reversed(names))

    def _follow(
        self, name: str, when: When, reached: dict[str, Reached], queue: deque[str]
    ) -> None:
        """Follow the imports of a module that are executed as early as ``when``."""
        module = reached[name].module
        for each in self._facts(module).imports:
            if each.module == name and not each.level and module.is_package:
                # A package that puts an extension module of its own name in its place, as `cv2` does.
                self._reach(f"{name}.{name}", when, (name, each.line), reached, queue)
            if (each.when > when and not self._failed(each, module)) or each.when is When.NEVER:
                continue
            for target, certain in self._targets(each, module):
                if not self._reach(target, when, (name, each.line), reached, queue) and certain:
                    self._miss(target.partition(".")[0], module, each, when)
                elif self._is_for_others(target):
                    self._miss(target, module, each, when)
                elif certain and (lost := self._lost(target)) is not None:
                    self._miss(lost, module, each, when)
            if absolute_name(each, module) is None and not self._facts(module).flags & Flag.FOLDERS:
                self._miss("." * each.level + each.module, module, each, when)

    def _failed(self, each: Import, module: Module) -> str:
        """The top-level module that is nowhere, so that an import in place of it is executed; empty if there is none."""
        for other in self._facts(module).imports if each.instead else ():
            top = other.module.partition(".")[0]
            if other.line == each.instead and not other.level:
                return "" if self._table.find(top) or top in self._provided else top
        return ""

    def _is_for_others(self, name: str) -> bool:
        """Whether there are only files of a module that this Python does not load; a folder with stubs is none."""
        if name not in self._table.unusable:
            return False
        module = self._table.find(name)
        return module is None or module.kind == "namespace"

    def _lost(self, name: str) -> str | None:
        """The first part of a dotted name that is nowhere; None if it may be made up at run time."""
        parts = name.split(".")
        above = self._table.find(parts[0])
        if above is None or self._is_runtimes_own(parts[0]):
            return None
        for number in range(2, len(parts) + 1):
            full = ".".join(parts[:number])
            module = self._table.find(full)
            if module is None:
                return full if self._is_closed(above) else None
            above = module
        return None

    def _is_closed(self, module: Module) -> bool:
        """Whether a package, or what is none, can have no submodules but those in its folders."""
        if module.kind == "namespace":
            return True
        other = Flag.UNKNOWN | Flag.PATH | Flag.MODULES | Flag.FOLDERS
        return module.kind == "source" and not self._facts(module).flags & other

    def _targets(self, each: Import, module: Module) -> Iterator[tuple[str, bool]]:
        """The modules that an import statement loads, and whether each must be there."""
        base = absolute_name(each, module)
        if base is None:
            return
        if base:
            yield base, True
        for name in each.names:
            target = f"{base}.{name}" if base else name
            if name != "*" and base:
                yield target, False

    def _reach(
        self,
        name: str,
        when: When,
        via: tuple[str, int],
        reached: dict[str, Reached],
        queue: deque[str],
    ) -> bool:
        """Reach a module and the packages that it is in; whether its top-level module is there.

        It is reached ``via`` the module that imports it, and the line.
        """
        parts = name.split(".")
        top = parts[0]
        if self._table.find(top) is None or self._is_runtimes_own(top):
            return top in self._provided
        for number in range(1, len(parts) + 1):
            full = ".".join(parts[:number])
            module = self._table.find(full)
            if module is None:
                break
            if full not in reached:
                reached[full] = Reached(module, when, *via)
                queue.append(full)
        return True

    def _is_runtimes_own(self, top: str) -> bool:
        """Whether a name is that of a folder without code, and of a module that the runtime has."""
        module = self._table.find(top)
        return module is not None and module.kind == "namespace" and top in self._provided

    def _miss(self, name: str, importer: Module, each: Import, when: When) -> None:
        key = (name, importer.name)
        if key not in self._missing:
            self._missing[key] = Missing(
                name=name,
                importer=importer.name,
                line=each.line,
                when=when,
                instead=self._failed(each, importer) if each.when > when else "",
            )


def absolute_name(each: Import, module: Module) -> str | None:
    """The absolute name of the module that an import names; None if it climbs out of the package."""
    if not each.level:
        return each.module
    parts = module.parent.split(".") if module.parent else []
    if len(parts) < each.level:
        return None
    kept = parts[: len(parts) - (each.level - 1)]
    return ".".join([*kept, *([each.module] if each.module else [])])
