"""Layers, unpacked over one another at ``/opt``, and what a function has to hold besides.

Lambda unpacks layers in their order into one folder, so that of two files at one path the later stays.
The interpreter then looks into ``/var/task``, the ``site-packages`` of ``/opt/python`` and ``/opt/python``,
in this order, and takes a regular package (a folder with ``__init__.py``) from the first place alone: what
the other places have of it is never seen. So files are shared one by one, but a regular package and a
``.dist-info`` folder are shared whole or not at all.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

from wherry.bundle.algebra import Bundle
from wherry.bundle.content import read_all, same_content

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from wherry.bundle.entry import Entry
    from wherry.target import Target

__all__ = ["Rest", "Stack", "code_folder"]


def code_folder(layout: str, target: Target) -> str:
    """Where code lies in a layer of this layout."""
    if layout == "site-packages":
        return f"python/lib/{target.runtime.name}/site-packages"
    return "python"


class Rest(NamedTuple):
    """What a function has to hold.

    Attributes:
        bundle: its files.
        whole: packages and folders that it holds although its layers hold some of it: they hold another part
            or version.
        hidden: files that cannot be imported, because a layer has the package that they are in.
    """

    bundle: Bundle
    whole: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()


class Stack:
    """Layers, in the order in which Lambda unpacks them."""

    def __init__(self, layers: Iterable[Bundle], target: Target) -> None:
        """Take the layers' content, as it lies in their zip archives."""
        self._files = {entry.path: entry for layer in layers for entry in layer}
        site, plain = (f"{code_folder(each, target)}/" for each in ("site-packages", "python"))
        places: tuple[dict[str, Entry], dict[str, Entry]] = ({}, {})
        for path, entry in self._files.items():
            if path.startswith(site):
                places[0][path.removeprefix(site)] = entry
            elif path.startswith(plain):
                places[1][path.removeprefix(plain)] = entry
        self._places = [place for place in places if place]

    def find(self, path: str) -> Entry | None:
        """The file that stands at this path below the folders where Python looks."""
        for place in self._places:
            if found := place.get(path):
                return found
        return None

    def paths(self) -> Iterator[str]:
        """All paths that ``find`` knows."""
        for place in self._places:
            yield from place

    def beyond(self, layer: Bundle) -> Bundle:
        """What of another layer's content these do not hold; it is unpacked after them."""
        if not self._files:
            return layer
        return layer.filter(lambda entry: not _same(self._files.get(entry.path), entry))

    def rest(self, code: Bundle, *, always: Collection[str] = ()) -> Rest:
        """What of a function's code these do not hold.

        Args:
            code: all that is to be there, at the paths that imports see.
            always: paths that are to be in the function itself, whatever layers hold.
        """
        if not self._files:
            return Rest(code)
        entries = code.entries
        held = [
            entry.path not in always and _same(self.find(entry.path), entry) for entry in entries
        ]
        paths = [entry.path for entry in entries]
        # All of what these hold alone: functions often have nothing of their own but a few files.
        units = _Units(code)
        torn: dict[str, None] = {}
        hidden: list[str] = []
        for path, is_held in zip(paths, held, strict=True):
            if is_held:
                if len(self._places) > 1:
                    unit = units.of(path)
                    if unit is not None and self._is_spread(unit, path):
                        torn.setdefault(unit)
                continue
            unit = units.of(path)
            if unit is None:
                if self._hides(path):
                    hidden.append(path)
            elif unit not in torn:
                start, end = _range(paths, unit)
                if any(held[start:end]):
                    torn.setdefault(unit)
        for unit in torn:
            start, end = _range(paths, unit)
            held[start:end] = [False] * (end - start)
        self._keep_libraries(entries, held)
        rest = Bundle(
            tuple(entry for entry, is_held in zip(entries, held, strict=True) if not is_held)
        )
        return Rest(rest, tuple(torn), tuple(hidden))

    def _hides(self, path: str) -> bool:
        """Whether a layer has a regular package where the function has only a folder."""
        folder = path.rpartition("/")[0]
        while folder:
            found = self.find(f"{folder}/__init__.py")
            if found is not None and not _extends(found):
                return True
            folder = folder.rpartition("/")[0]
        return False

    def _is_spread(self, unit: str, path: str) -> bool:
        """Whether a file lies at another place than where Python would find its package."""
        first = next((p for p in self._places if f"{unit}/__init__.py" in p), None)
        place = next(p for p in self._places if path in p)
        return first is not None and first is not place

    def _keep_libraries(self, entries: tuple[Entry, ...], held: list[bool]) -> None:
        """Shared libraries of a wheel (``NAME.libs``) are found beside what was compiled against them."""
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
    """The outermost folders of some code that are found whole or not at all."""

    def __init__(self, code: Bundle) -> None:
        self._entries = {entry.path: entry for entry in code}
        self._known: dict[str, str | None] = {}

    def of(self, path: str) -> str | None:
        """The unit that a file is in; None for one that stands for itself."""
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
        found = self._entries.get(f"{folder}/__init__.py")
        return found is not None and not _extends(found)


def _extends(module: Entry) -> bool:
    """Whether a package's ``__init__.py`` looks for its other parts itself, by ``pkgutil.extend_path``."""
    payload = module.payload
    return 0 < payload.size < 4096 and b"extend_path(" in read_all(payload)


def _range(paths: list[str], folder: str) -> tuple[int, int]:
    """Where what is in the folder begins and ends; ``0`` is the character after ``/``."""
    return bisect_left(paths, f"{folder}/"), bisect_left(paths, f"{folder}0")


def _same(held: Entry | None, entry: Entry) -> bool:
    if held is None or held.executable != entry.executable:
        return False
    return held.payload is entry.payload or same_content(held.payload, entry.payload)
