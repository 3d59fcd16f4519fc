"""Measuring the packages of a function and its layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from wherry.contents.imports import When
from wherry.contents.model import File, Part, is_compiled_name
from wherry.contents.read import Contents
from wherry.inspect.model import OWN_FILES, FileSize, Inspected, InspectedDistribution, Loaded
from wherry.inspect.retained import find_dominators, retained_sizes
from wherry.target.provided import provided_modules
from wherry.target.standard_library import standard_library

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from wherry.contents.modules import Module

__all__ = ["Measured"]

_ORDER: tuple[Loaded, ...] = ("init", "lazy", "unreached")
_WHEN: Mapping[When, Loaded] = {When.INIT: "init", When.GUARDED: "init", When.LAZY: "lazy"}


class Measured:
    """The packages of a function with its layers, or of layers alone, measured."""

    def __init__(self, contents: Contents, own_name: str = "") -> None:
        self.contents = contents
        self.own_name = own_name or _own_name(contents)
        self._loaded = self._times()
        self.requirements = self._edges()
        self._states = self._distribution_times()
        self._alone: dict[str, Contents] = {}

    def packages(self) -> Iterator[Inspected]:
        """Each of the packages, that of the function first."""
        names = {self.owner(file) for part in self.contents.parts for file in part.files}
        dominators = find_dominators(names, self.requirements, self.own_name)
        for part in self.contents.parts:
            yield self._package(part, dominators)

    def alone(self, package: Inspected) -> Contents:
        """The contents by which settings of a package are judged: a layer alone, as any function can take it."""
        if package.kind != "layer" or len(self.contents.parts) == 1:
            return self.contents
        if package.name not in self._alone:
            parts = [part for part in self.contents.parts if part.name == package.name]
            options = replace(self.contents.options, handler=None)
            self._alone[package.name] = Contents(parts, self.contents.target, options)
        return self._alone[package.name]

    def owner(self, file: File) -> str:
        """The name of the distribution that a file counts to."""
        return self.contents.owner_of(file.place) or self.own_name

    def module_owner(self, name: str) -> str:
        """The name of what a module belongs to, by its dotted name: a distribution, the standard library or the runtime.

        It is empty for what only exists at run time. A module that is made by its package belongs to the package.
        """
        parts = name.split(".")
        for number in range(len(parts), 0, -1):
            found = self.contents.modules.find(".".join(parts[:number]))
            if found is not None and found.file is not None:
                return self.owner(found.file)
        runtime = self.contents.target.runtime
        if parts[0] in standard_library(runtime):
            return "standard library"
        return "runtime" if parts[0] in provided_modules(runtime) else ""

    def _package(self, part: Part, dominators: Mapping[str, str]) -> Inspected:
        files = tuple(
            FileSize(
                path=file.path,
                owner=self.owner(file),
                size=file.zipped,
                unzipped_size=file.size,
                crc=_crc(file),
                loaded=self._loaded.get(file.place),
            )
            for file in sorted(part.files, key=lambda each: each.path)
        )
        groups: dict[str, list[FileSize]] = {}
        for file in files:
            groups.setdefault(file.owner, []).append(file)
        sizes = {name: sum(file.size for file in group) for name, group in groups.items()}
        retained = retained_sizes(dominators, sizes)
        distributions = [
            InspectedDistribution(
                name=name,
                version=self._version(name, part),
                size=sizes[name],
                unzipped_size=sum(file.unzipped_size for file in group),
                retained_size=retained[name],
                files=len(group),
                loaded=self._states.get(name, "unreached"),
            )
            for name, group in groups.items()
        ]
        return Inspected(
            name=part.name,
            kind=part.kind,
            size=part.size,
            overhead=part.overhead,
            unzipped_size=part.unzipped_size,
            distributions=tuple(sorted(distributions, key=lambda each: (-each.size, each.name))),
            files=files,
            requirements=self.requirements,
            certain=self.contents.is_certain,
        )

    def _version(self, name: str, part: Part) -> str:
        versions = [
            each.version
            for each in self.contents.distributions
            if each.part == part.name and self._known(each.name) == name
        ]
        return versions[0] if versions else ""

    def _known(self, name: str) -> str:
        """The name that a distribution counts to: own ones count to one."""
        return self.own_name if name in self.contents.own else name

    def _times(self) -> Mapping[str, Loaded]:
        """When each module, and each library that an extension module needs, is loaded, by place."""
        contents = self.contents
        loaded: dict[str, Loaded] = {
            module.file.place: "unreached" for module in contents.modules if module.file is not None
        }
        for each in contents.graph.reached.values():
            if each.module.file is not None:
                self._note(loaded, each.module, _WHEN[each.when])
        return loaded

    def _note(self, loaded: dict[str, Loaded], module: Module, when: Loaded) -> None:
        assert module.file is not None  # noqa: S101
        places: Iterable[str] = (module.file.place,)
        if is_compiled_name(module.file.name):
            places = self.contents.compiled.needed_by(module.file)
        for place in places:
            loaded[place] = min(loaded.get(place, when), when, key=_ORDER.index)

    def _edges(self) -> Mapping[str, tuple[str, ...]]:
        """Who needs whom: by metadata, and of own code also by imports."""
        edges: dict[str, dict[str, None]] = {}
        for installed, _, name in self.contents.requirements:
            source, target = self._known(installed.name), self._known(name)
            if source != target:
                edges.setdefault(source, {})[target] = None
        own = edges.setdefault(self.own_name, {})
        for each in self.contents.graph.reached.values():
            file = each.module.file
            if file is not None and self.contents.owner_of(file.place) is None:
                own.update(dict.fromkeys(self._imported(each.module)))
        return {name: tuple(sorted(targets)) for name, targets in edges.items()}

    def _imported(self, module: Module) -> Iterator[str]:
        """The distributions whose modules a module names in its imports."""
        modules = self.contents.modules
        for each in self.contents.imports(module).imports:
            if each.level or each.when is When.NEVER:
                continue
            parts = each.module.split(".")
            names = [".".join(parts[:number]) for number in range(1, len(parts) + 1)]
            # A namespace package has no owner, what is in it has.
            for name in (*names, *(f"{each.module}.{name}" for name in each.names)):
                found = modules.find(name)
                if found is not None and found.file is not None:
                    owner = self.contents.owner_of(found.file.place)
                    if owner is not None:
                        yield owner
                    break

    def _distribution_times(self) -> Mapping[str, Loaded]:
        """When each distribution is loaded first. What is required by one that is loaded may be loaded by compiled code."""
        states: dict[str, Loaded] = {}
        for place, when in self._loaded.items():
            name = self.owner(self.contents.files[place])
            states[name] = min(states.get(name, when), when, key=_ORDER.index)
        pending = [name for name, when in states.items() if when != "unreached"]
        for name in pending:  # grows meanwhile
            for target in self.requirements.get(name, ()):
                if states.get(target, "unreached") == "unreached":
                    states[target] = "lazy"
                    pending.append(target)
        return states


def _crc(file: File) -> int:
    """The CRC-32 of a file's content, as the directory of its archive has it."""
    return int(getattr(file.payload, "crc", 0))


def _own_name(contents: Contents) -> str:
    """The name of the only own distribution that is installed, or of that with the handler, if there is one."""
    names = {each.name for each in contents.distributions} & contents.own
    if not names and contents.handler_module is not None:
        module = contents.modules.find(contents.handler_module)
        if module is not None and module.file is not None:
            names = {contents.owners.get(module.file.place, OWN_FILES)}
    return names.pop() if len(names) == 1 else OWN_FILES
