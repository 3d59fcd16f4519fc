"""The contents of a function with its layers, or of layers alone, as Lambda and its Python see them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from wherry.contents.applications import find_applications
from wherry.contents.distributions import (
    absent_requirements,
    active_requirements,
    find_distributions,
    owners_of,
)
from wherry.contents.graph import ImportGraph
from wherry.contents.imports import Flag, ModuleFacts, When
from wherry.contents.links import follow_links
from wherry.contents.model import TASK, is_compiled_name
from wherry.contents.modules import ModuleTable
from wherry.contents.sources import service_facts, source_facts, syntax_facts
from wherry.structs import Struct
from wherry.target.provided import provided_modules
from wherry.target.standard_library import standard_library

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from packaging.requirements import Requirement

    from wherry.contents.applications import Application
    from wherry.contents.compiled import Compiled
    from wherry.contents.distributions import Installed
    from wherry.contents.facts import Facts
    from wherry.contents.model import File, Part
    from wherry.contents.modules import Module
    from wherry.contents.services import ServiceUse
    from wherry.store import Store
    from wherry.target import Target

__all__ = ["Contents", "Options"]

T = TypeVar("T")


class Options(Struct, frozen=True, kw_only=True):
    """Knowledge of a package besides its files.

    Attributes:
        handler: of the function, as AWS means it; None if it is not known.
        own: the normalized names of distributions that are the project's own code.
        complete: False if there are other layers, whose files are not known.
        store: remembers what was parsed; None parses again each time.
        label: a name for the project's own files that stays the same when they change.
    """

    handler: str | None = None
    own: frozenset[str] = frozenset()
    complete: bool = True
    store: Store | None = None
    label: str = ""


class Contents:
    """The contents of a function with its layers, or of layers alone.

    Everything is found out when it is first asked for. ``parts`` are the function's package, if there is one, and the
    layers in the order in which Lambda unpacks them.
    """

    def __init__(self, parts: Sequence[Part], target: Target, options: Options = Options()) -> None:
        self.parts, self.target, self.options = tuple(parts), target, options
        self._remembering: list[Facts[Any]] = []

    @cached_property
    def files(self) -> Mapping[str, File]:
        """The files by their place on Lambda, those that links lead to among them; of layers, later ones win."""
        return follow_links({file.place: file for part in self.parts for file in part.files})

    @cached_property
    def distributions(self) -> tuple[Installed, ...]:
        """The installed distributions, in the order in which Python would find them."""
        return find_distributions(self.files, self.target)

    def distribution(self, name: str) -> Installed | None:
        """The first distribution of that normalized name."""
        return self._by_name.get(name)

    @cached_property
    def _by_name(self) -> Mapping[str, Installed]:
        return {each.name: each for each in reversed(self.distributions)}

    @cached_property
    def requirements(self) -> tuple[tuple[Installed, Requirement, str], ...]:
        """The requirements on the target: who requires, what, and the normalized name of it."""
        return tuple(active_requirements(self.distributions))

    @cached_property
    def absent(self) -> Mapping[str, tuple[str, ...]]:
        """The normalized names of distributions that are required and not there, by who requires them."""
        return absent_requirements(self.requirements, self._by_name, self.modules, self.target)

    @cached_property
    def owners(self) -> Mapping[str, str]:
        """The owner of each place that belongs to a distribution."""
        handlers = {f"{TASK}/{each.handler}.py": each.framework for each in self.applications}
        return {**owners_of(self.files, self.distributions), **handlers}

    def owner_of(self, place: str) -> str | None:
        """The normalized name of the distribution that a file belongs to; None for the project's own files."""
        owner = self.owners.get(place)
        return None if owner in self.own else owner

    @cached_property
    def own(self) -> frozenset[str]:
        """The names of the distributions that are the project's own code."""
        local = {
            each.name
            for each in self.distributions
            if each.local_source is not None and not each.local_source.endswith((".whl", ".gz"))
        }
        return self.options.own | local

    @cached_property
    def own_files(self) -> tuple[File, ...]:
        """The files that belong to no distribution but the project's own."""
        return tuple(file for file in self.files.values() if self.owner_of(file.place) is None)

    @cached_property
    def modules(self) -> ModuleTable:
        """Where Python finds each module."""
        return ModuleTable(self.files.values(), self.target)

    @cached_property
    def provided(self) -> frozenset[str]:
        """The names of top-level modules that the runtime brings."""
        runtime = self.target.runtime
        return standard_library(runtime) | provided_modules(runtime)

    @cached_property
    def handler_module(self) -> str | None:
        """The name of the module that the handler names; None if there is no handler."""
        if self.options.handler is None:
            return None
        # AWS splits at the last dot, and replaces slashes by dots.
        return self.options.handler.rpartition(".")[0].replace("/", ".")

    @cached_property
    def roots(self) -> tuple[str, ...]:
        """The modules that imports begin at.

        They are that of the handler; else own modules that define one; else every top-level module of distributions,
        as it is for layers.
        """
        if self.handler_module is not None:
            handlers: Iterable[str] = (self.handler_module,)
        else:
            handlers = {each.handler for each in self.applications} or self._handlers
        return (*handlers, *(each.module for each in self.applications)) or self._top_levels

    @cached_property
    def applications(self) -> tuple[Application, ...]:
        """The modules that the handler of a framework imports because a file says so."""
        return tuple(
            each
            for each in find_applications(self.files)
            if self.handler_module in {None, each.handler}
        )

    @cached_property
    def _handlers(self) -> tuple[str, ...]:
        """The own modules that define something whose name ends as those of handlers do."""
        own = {file.place for file in self.own_files}
        return tuple(
            module.name
            for module in self.modules
            if module.kind == "source"
            and module.file is not None
            and module.file.place in own
            and self.imports(module).flags & Flag.HANDLER
        )

    @cached_property
    def _top_levels(self) -> tuple[str, ...]:
        return tuple(
            module.name
            for module in self.modules
            if "." not in module.name and module.file is not None and module.name != "setup"
        )

    @property
    def is_certain(self) -> bool:
        """Whether it is known which module is loaded first."""
        return (
            self.handler_module is not None or bool(self.applications) or len(self._handlers) == 1
        )

    @cached_property
    def graph(self) -> ImportGraph:
        """The walk over all imports from the roots."""
        return self._walk(When.LAZY)

    @cached_property
    def init_graph(self) -> ImportGraph:
        """The walk over imports that are executed for certain: quicker, as fewer modules are parsed."""
        return self._walk(When.INIT)

    def _walk(self, until: When) -> ImportGraph:
        return ImportGraph(
            self.modules,
            self.roots,
            facts=self.imports,
            provided=self.provided,
            parses=self.parses,
            until=until,
        )

    def parses(self, module: Module) -> bool:
        """Whether this Python understands all of the text of a module; true of one that is compiled."""
        if module.kind != "source" or module.file is None:
            return True
        if self.owner_of(module.file.place) is None:
            return not self.imports(module).flags & Flag.UNKNOWN
        return self._syntax.of(module.file)

    def imports(self, module: Module) -> ModuleFacts:
        """The imports of a module; none for one that is compiled."""
        if module.kind != "source" or module.file is None:
            return ModuleFacts((), 0 if module.kind == "namespace" else Flag.UNKNOWN)
        return self._imports.of(module.file)

    def services(self, module: Module) -> tuple[ServiceUse, ...]:
        """The clients of services of AWS that a module makes; none for one that is compiled."""
        if module.kind != "source" or module.file is None:
            return ()
        return self._services.of(module.file)

    @cached_property
    def compiled(self) -> Compiled:
        """The compiled files and the libraries that they need."""
        from wherry.contents.compiled import Compiled, compiled_facts

        # Those of the project are few, and go by their content, too.
        files = (file for file in self.files.values() if is_compiled_name(file.name))
        facts = self._attached(compiled_facts(self.target), self._by_owner(files), {})
        return Compiled(self.files, self.target, facts.of)

    def remember(self) -> None:
        """Keep what was found out of files for the next time."""
        for facts in self._remembering:
            facts.remember()

    @cached_property
    def _imports(self) -> Facts[ModuleFacts]:
        facts = source_facts(self.target.runtime, lambda file: self.owner_of(file.place) is None)
        return self._attached(facts, self._sources, {"": self._label})

    @cached_property
    def _syntax(self) -> Facts[bool]:
        return self._attached(syntax_facts(self.target.runtime), self._sources, {"": self._label})

    @cached_property
    def _services(self) -> Facts[tuple[ServiceUse, ...]]:
        return self._attached(service_facts(), self._sources, {"": self._label})

    def _attached(
        self, facts: Facts[T], groups: Mapping[str, Sequence[File]], own: Mapping[str, str]
    ) -> Facts[T]:
        """Facts of files that are remembered if there is a store, as ``Facts.attach`` has it."""
        if self.options.store is not None:
            facts.attach(self.options.store, groups, own)
            self._remembering.append(facts)
        return facts

    @cached_property
    def _sources(self) -> Mapping[str, Sequence[File]]:
        return self._by_owner(file for place, file in self.files.items() if place.endswith(".py"))

    @property
    def _label(self) -> str:
        return self.options.label or "+".join(str(part.path or part.name) for part in self.parts)

    def _by_owner(self, files: Iterable[File]) -> Mapping[str, Sequence[File]]:
        groups: dict[str, list[File]] = {}
        for file in files:
            groups.setdefault(self.owner_of(file.place) or "", []).append(file)
        return groups
