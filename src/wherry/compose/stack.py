"""Layers as Lambda unpacks them, and the files that a function has to hold in addition.

Lambda unpacks layers in their order into ``/opt``, so that of two files at one path the later stays. The
interpreter then searches ``/var/task``, the ``site-packages`` of ``/opt/python``, and ``/opt/python``, in this
order, and takes a regular package (a folder with ``__init__.py``) only from the first folder that has it. So
files are shared one by one, but a regular package and a ``.dist-info`` folder are shared as a whole or not at
all.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from wherry.bundle.bundle import Bundle
from wherry.bundle.content import read_all, same_content
from wherry.compose.code import side_by_side
from wherry.events import Warned

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from wherry.bundle.entry import Entry
    from wherry.compose.code import Code
    from wherry.compose.model import Distribution, Package
    from wherry.settings.model import LayerSettings
    from wherry.target import Target

__all__ = ["ComposedLayers", "LayerTrees", "Rest", "Stack", "code_folder", "rest_warnings"]


def code_folder(layout: str, target: Target) -> str:
    """The folder of code in a layer with this layout."""
    if layout == "site-packages":
        return f"python/lib/{target.runtime.name}/site-packages"
    return "python"


class Rest(NamedTuple):
    """The files that a function has to hold in addition to its layers.

    Attributes:
        whole: packages and folders that it repeats, because its layers hold another part or version.
        hidden: files that cannot be imported, because a layer has their package.
    """

    bundle: Bundle
    whole: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()


class Stack:
    """Layers, in the order in which Lambda unpacks them."""

    def __init__(self, layers: Iterable[Bundle], target: Target) -> None:
        """Take the content of the layers, at its paths in their zip archives."""
        self._files = {entry.path: entry for layer in layers for entry in layer}
        site, plain = (f"{code_folder(layout, target)}/" for layout in ("site-packages", "python"))
        folders: tuple[dict[str, Entry], dict[str, Entry]] = ({}, {})
        for path, entry in self._files.items():
            if path.startswith(site):
                folders[0][path.removeprefix(site)] = entry
            elif path.startswith(plain):
                folders[1][path.removeprefix(plain)] = entry
        self._folders = [folder for folder in folders if folder]

    def find(self, path: str) -> Entry | None:
        """The entry with this path in the folders that Python searches."""
        return next((folder[path] for folder in self._folders if path in folder), None)

    def paths(self) -> Iterator[str]:
        """All paths that ``find`` knows."""
        for folder in self._folders:
            yield from folder

    def beyond(self, layer: Bundle) -> Bundle:
        """The files of another layer, unpacked after these, that these do not hold."""
        if not self._files:
            return layer
        return layer.filter(lambda entry: not _same(self._files.get(entry.path), entry))

    def rest(self, code: Bundle, *, always: Collection[str] = ()) -> Rest:
        """The files of a function that these layers do not hold.

        ``code`` has the paths that imports see. The function itself must hold those in ``always``.
        """
        if not self._files:
            return Rest(code)
        entries = code.entries
        held = [
            entry.path not in always and _same(self.find(entry.path), entry) for entry in entries
        ]
        paths = [entry.path for entry in entries]
        # Functions often have only a few files that layers do not hold.
        units = _Units(code)
        repeated: dict[str, None] = {}
        hidden: list[str] = []
        for path, is_held in zip(paths, held, strict=True):
            if is_held:
                if len(self._folders) > 1:
                    unit = units.of(path)
                    if unit is not None and self._is_spread(unit, path):
                        repeated.setdefault(unit)
                continue
            unit = units.of(path)
            if unit is None:
                if self._hides(path):
                    hidden.append(path)
            elif unit not in repeated:
                start, end = _range(paths, unit)
                if any(held[start:end]):
                    repeated.setdefault(unit)
        for unit in repeated:
            start, end = _range(paths, unit)
            held[start:end] = [False] * (end - start)
        self._keep_libraries(entries, held)
        rest = Bundle(
            tuple(entry for entry, is_held in zip(entries, held, strict=True) if not is_held)
        )
        return Rest(rest, tuple(repeated), tuple(hidden))

    def _hides(self, path: str) -> bool:
        """Whether a layer has a regular package at a folder of this path."""
        folder = path.rpartition("/")[0]
        while folder:
            module = self.find(f"{folder}/__init__.py")
            if module is not None and not _extends(module):
                return True
            folder = folder.rpartition("/")[0]
        return False

    def _is_spread(self, unit: str, path: str) -> bool:
        """Whether a file is in another folder than the one in which Python finds its package."""
        of_unit = next((f for f in self._folders if f"{unit}/__init__.py" in f), None)
        of_file = next(f for f in self._folders if path in f)
        return of_unit is not None and of_unit is not of_file

    def _keep_libraries(self, entries: tuple[Entry, ...], held: list[bool]) -> None:
        """Keep the shared libraries of a wheel (``NAME.libs``) beside the files that were linked with them."""
        owners = {
            entry.owner
            for entry, is_held in zip(entries, held, strict=True)
            if not is_held and entry.path.endswith(".so") and not _is_library(entry.path)
        }
        if owners:
            for number, entry in enumerate(entries):
                if held[number] and entry.owner in owners:
                    held[number] = not _is_library(entry.path)


def _is_library(path: str) -> bool:
    return path.partition("/")[0].endswith(".libs")


class _Units:
    """The outermost folders of some code that are shared as a whole or not at all."""

    def __init__(self, code: Bundle) -> None:
        self._entries = {entry.path: entry for entry in code}
        self._known: dict[str, str | None] = {}

    def of(self, path: str) -> str | None:
        """The unit of a file; None for a file that is shared by itself."""
        return self._of_folder(path.rpartition("/")[0])

    def _of_folder(self, folder: str) -> str | None:
        if not folder:
            return None
        if folder not in self._known:
            above = folder.rpartition("/")[0]
            self._known[folder] = self._of_folder(above) or (
                folder if self._is_unit(folder) else None
            )
        return self._known[folder]

    def _is_unit(self, folder: str) -> bool:
        if folder.endswith(".dist-info") and "/" not in folder:
            return True
        module = self._entries.get(f"{folder}/__init__.py")
        return module is not None and not _extends(module)


def _extends(module: Entry) -> bool:
    """Whether a package's ``__init__.py`` finds its other parts itself, with ``pkgutil.extend_path``."""
    payload = module.payload
    return 0 < payload.size < 4096 and b"extend_path(" in read_all(payload)


def _range(paths: list[str], folder: str) -> tuple[int, int]:
    """The indexes at which the content of a folder begins and ends; ``0`` is the character after ``/``."""
    return bisect_left(paths, f"{folder}/"), bisect_left(paths, f"{folder}0")


def _same(held: Entry | None, entry: Entry) -> bool:
    if held is None or held.executable != entry.executable:
        return False
    return held.payload is entry.payload or same_content(held.payload, entry.payload)


class ComposedLayers:
    """Layers by name. What functions with the same layers share is made once."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._layers: dict[str, Package] = {}
        # The objects behind these ids are kept alive by these mappings.
        self._stacks: dict[tuple[str, ...], Stack] = {}
        self._rests: dict[tuple[int, tuple[str, ...]], Rest] = {}
        self._joined: dict[tuple[int, ...], Bundle] = {}

    def add(self, layer: Package) -> None:
        """Add a layer; those that it depends on were added before."""
        self._layers[layer.name] = layer

    def written(self, names: Iterable[str]) -> tuple[str, ...]:
        """The names without those of empty layers, which are not written."""
        return tuple(name for name in names if name.startswith("arn:") or name in self._layers)

    def held(self, names: Iterable[str]) -> dict[str, str]:
        """The names of the distributions that these layers hold, with the layer of each."""
        return {
            distribution.name: name
            for name in names
            if name in self._layers
            for distribution in self._layers[name].distributions
        }

    def stack(self, names: tuple[str, ...]) -> Stack:
        """These layers as Lambda unpacks them."""
        if names not in self._stacks:
            self._stacks[names] = Stack(
                (self._layers[name].bundle for name in names if name in self._layers), self._target
            )
        return self._stacks[names]

    def rest(self, code: Code, names: tuple[str, ...]) -> Rest:
        """The code that these layers do not hold."""
        rests = []
        for part in code.parts:
            key = id(part), names
            if key not in self._rests:
                self._rests[key] = self.stack(names).rest(part.bundle)
            rests.append(self._rests[key])
        return Rest(
            self._join([rest.bundle for rest in rests]),
            tuple(unit for rest in rests for unit in rest.whole),
            tuple(path for rest in rests for path in rest.hidden),
        )

    def _join(self, bundles: Sequence[Bundle]) -> Bundle:
        # Packages with the same content share one bundle, which is written once and copied.
        key = tuple(id(bundle) for bundle in bundles)
        if key not in self._joined:
            self._joined[key] = side_by_side(bundles)
        return self._joined[key]


def rest_warnings(rests: Iterable[tuple[str, Sequence[str], Rest]]) -> Iterator[Warned]:
    """Warnings about files that functions and their layers do not share well; what is alike is told once.

    ``rests`` has names of functions, those of their layers, and what the functions hold.
    """
    whole: dict[tuple[str, str], list[str]] = {}
    hidden: dict[tuple[str, str], list[str]] = {}
    for function, layers, rest in rests:
        names = ", ".join(f"`{layer}`" for layer in layers if not layer.startswith("arn:"))
        for unit in rest.whole:
            whole.setdefault((unit, names), []).append(f"`{function}`")
        for path in rest.hidden[:1]:
            hidden.setdefault((path, names), []).append(f"`{function}`")
    for (unit, names), functions in whole.items():
        subject, verb = _subject(functions, "repeat")
        yield Warned(
            text=f"{subject} {verb} all of `{unit}`, of which {names} holds another part or version",
            hint="Python imports a package from one place only; leave the same files out of both, with "
            "`exclude-files`, or put all of it into the layer",
        )
    for (path, names), functions in hidden.items():
        subject, verb = _subject(functions, "hold")
        yield Warned(
            text=f"{subject} {verb} `{path}`, which cannot be imported: its package is in {names}",
            hint="put all files of a package into one place",
        )


def _subject(functions: Sequence[str], verb: str) -> tuple[str, str]:
    if len(functions) == 1:
        return f"function {functions[0]}", f"{verb}s"
    return f"functions {', '.join(functions)}", verb


class LayerTrees:
    """Splits the code of layers with a ``root`` that is laid out as a layer; each folder once."""

    def __init__(self, target: Target) -> None:
        self._target = target
        # Others remember bundles by their ids: those of this mapping stay alive as long as the composer.
        self._known: dict[tuple[int, str], tuple[Bundle, Bundle]] = {}

    def split(
        self, chosen: Sequence[Distribution], settings: LayerSettings
    ) -> tuple[tuple[Distribution, ...], Bundle]:
        """The distributions, at the paths that imports see, and files at their paths in the layer."""
        own = next((one for one in chosen if one.own), None)
        paths = [] if own is None else [entry.path for entry in own.bundle]
        if (
            own is None
            or settings.root is None
            or "python/__init__.py" in paths
            or not any(path.startswith("python/") for path in paths)
        ):
            return tuple(chosen), Bundle()
        folder = f"{code_folder(settings.layout, self._target)}/"
        key = id(own.bundle), folder
        if key not in self._known:
            code = own.bundle.filter(lambda entry: entry.path.startswith(folder))
            moved = Bundle.of(
                entry._replace(path=entry.path.removeprefix(folder)) for entry in code
            )
            beside = own.bundle.filter(lambda entry: not entry.path.startswith(folder))
            self._known[key] = moved, beside
        moved, beside = self._known[key]
        return tuple(replace(one, bundle=moved) if one is own else one for one in chosen), beside
