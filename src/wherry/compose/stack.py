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

from wherry.bundle.bundle import Bundle
from wherry.bundle.content import read_all, same_content

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from wherry.bundle.entry import Entry
    from wherry.target import Target

__all__ = ["Rest", "Stack", "code_folder"]


def code_folder(layout: str, target: Target) -> str:
    """The folder of code in a layer with this layout."""
    if layout == "site-packages":
        return f"python/lib/{target.runtime.name}/site-packages"
    return "python"


class Rest(NamedTuple):
    """The files that a function has to hold in addition to its layers.

    Attributes:
        bundle: the files.
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
        for folder in self._folders:
            if entry := folder.get(path):
                return entry
        return None

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

        Args:
            code: all of its files, at the paths that imports see.
            always: paths that the function itself must hold.
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
