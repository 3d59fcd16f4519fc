"""The module table: where Python on Lambda would find each module of a function and its layers.

The search path is ``/var/task``, then the two folders of layers. In a folder a package comes before an extension
module, that before a source file, and that before a ``.pyc`` file; folders without ``__init__`` are namespace packages.
What a regular package lacks is looked for in the other folders, too, as packages may extend their path: the table would
rather find a module too many than miss one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from wherry.contents.model import OPT, TASK
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from wherry.contents.model import File
    from wherry.target import Target

__all__ = ["Kind", "Module", "ModuleTable", "search_path"]

Kind: TypeAlias = Literal["source", "extension", "bytecode", "namespace"]

# The order in which Python prefers them; a package goes before all others.
_RANK: Mapping[Kind, int] = {"extension": 1, "source": 2, "bytecode": 3, "namespace": 9}
_COMPILED = (".so", ".pyd", ".dylib")


class Module(Struct, frozen=True):
    """A module.

    Attributes:
        name: dotted.
        file: that it is loaded from; None for a namespace package.
        is_package: whether it may have submodules.
        folder: of the search path, in which it is.
    """

    name: str
    kind: Kind
    file: File | None
    is_package: bool
    folder: str

    @property
    def parent(self) -> str:
        """The package that relative imports in it begin at."""
        return self.name if self.is_package else self.name.rpartition(".")[0]


def search_path(target: Target) -> tuple[str, ...]:
    """The folders of packages and layers in which Python looks for modules, in order."""
    return (TASK, f"{OPT}/python/lib/{target.runtime.name}/site-packages", f"{OPT}/python")


class ModuleTable:
    """All modules of a function and its layers by name."""

    def __init__(self, files: Iterable[File], target: Target) -> None:
        """Arrange files, of which no two have the same place."""
        self._folders = search_path(target)
        self._suffixes = _suffixes(target)
        # In each folder: modules, and files that only another Python or system would load.
        self._found: list[dict[str, Module]] = [{} for _ in self._folders]
        self.unusable: dict[str, list[File]] = {}
        """Compiled files of modules, by name, that this Python does not load: for another version or system."""
        for file in files:
            self._add(file)
        self._known: dict[str, Module | None] = {}

    def find(self, name: str) -> Module | None:
        """The module of that dotted name; None if there is none."""
        if name not in self._known:
            self._known[name] = self._search(name)
        return self._known[name]

    def __iter__(self) -> Iterator[Module]:
        """Every module that can be found, by name."""
        for name in sorted({name for found in self._found for name in found}):
            if (module := self.find(name)) is not None:
                yield module

    def folders_of(self, name: str) -> tuple[str, ...]:
        """The folders beyond the search path in which a top-level module of that name lies, but not in a package."""
        places = {
            module.name.rpartition(".")[0]
            for found in self._found
            for module in found.values()
            if module.name.endswith(f".{name}") and module.kind != "namespace"
        }
        return tuple(sorted(place for place in places if self._is_plain(place)))

    def _is_plain(self, name: str) -> bool:
        """Whether a folder, and each above it, is a namespace package."""
        parts = name.split(".")
        above = (self.find(".".join(parts[: number + 1])) for number in range(len(parts)))
        return all(module is not None and module.kind == "namespace" for module in above)

    def _search(self, name: str) -> Module | None:
        if name.endswith(".__init__"):
            # A second copy of a package, as Python sees it.
            package = self.find(name.removesuffix(".__init__"))
            return package if package is not None and package.is_package else None
        best: Module | None = None
        for found in self._found:
            module = found.get(name)
            # A namespace package only counts where no folder has another.
            if module is not None and (best is None or best.kind == "namespace"):
                best = module if best is None or module.kind != "namespace" else best
        return best

    def _add(self, file: File) -> None:
        for number, folder in enumerate(self._folders):
            if not file.place.startswith(f"{folder}/"):
                continue
            path = file.place[len(folder) + 1 :]
            above, _, last = path.rpartition("/")
            if "." in above or "__pycache__" in above:
                # `import` cannot name such a folder; that of layers' site-packages is another of the search path.
                return
            self._add_folders(above, number)
            stem, kind = self._split(last)
            if kind is not None:
                self._add_module(above, stem, kind, file, number)
            elif last.endswith(_COMPILED):
                name = f"{above}/{last.partition('.')[0]}".strip("/").replace("/", ".")
                self.unusable.setdefault(name.removesuffix(".__init__"), []).append(file)
            return

    def _add_module(self, above: str, stem: str, kind: Kind, file: File, number: int) -> None:
        is_package = stem == "__init__"
        name = (above if is_package else f"{above}/{stem}".lstrip("/")).replace("/", ".")
        if not name or "." in stem:
            return
        module = Module(name, kind, file, is_package, self._folders[number])
        found = self._found[number]
        other = found.get(name)
        if other is None or _rank(module) < _rank(other):
            found[name] = module

    def _add_folders(self, above: str, number: int) -> None:
        found = self._found[number]
        while above:
            name = above.replace("/", ".")
            if name in found and found[name].is_package:
                return
            if name not in found:
                found[name] = Module(
                    name, "namespace", None, is_package=True, folder=self._folders[number]
                )
            above = above.rpartition("/")[0]

    def _split(self, name: str) -> tuple[str, Kind | None]:
        if name.endswith(".py"):
            return name[:-3], "source"
        if name.endswith(".pyc"):
            return name[:-4], "bytecode"
        for suffix in self._suffixes:
            if name.endswith(suffix):
                stem = name[: -len(suffix)]
                # Any other tag before `.so` is part of no module's name.
                return (stem, "extension") if "." not in stem else (stem, None)
        return name, None


def _rank(module: Module) -> int:
    return 0 if module.is_package and module.file is not None else _RANK[module.kind]


def _suffixes(target: Target) -> tuple[str, ...]:
    """The suffixes of extension modules that the target's Python loads, as its ``EXTENSION_SUFFIXES`` has them."""
    major, minor = target.runtime.python
    machine = target.architecture.machine
    return (f".cpython-{major}{minor}-{machine}-linux-gnu.so", ".abi3.so", ".so")
