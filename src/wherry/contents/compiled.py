"""Compiled files of a package: what each needs, and where the dynamic linker of the runtime finds it.

The search is that of ld.so(8): RPATH of the file, unless it has a RUNPATH; ``LD_LIBRARY_PATH`` as the runtime sets it;
RUNPATH; the system's own libraries.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from wherry.bundle.content import read_content
from wherry.contents.facts import Facts
from wherry.contents.model import LARGEST_FILE, is_compiled_name
from wherry.elf.model import ElfError, is_elf
from wherry.elf.proof import Obstacle, find_obstacles
from wherry.elf.reader import read_elf
from wherry.elf.sparse import without_code
from wherry.target.libraries import LIBRARY_PATH, provision_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from wherry.contents.model import File
    from wherry.target import Target
    from wherry.target.libraries import Provision

__all__ = ["Compiled", "CompiledFacts", "Library", "compiled_facts"]

_FORMAT = 1
_MACH_O = (
    b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe",
)  # fmt: skip


class CompiledFacts(NamedTuple):
    """Facts of a compiled file.

    Attributes:
        format: ``elf``, ``mach-o``, ``pe``, ``other`` for files without machine code, or ``unknown`` for those that
            cannot be read.
        machine: of an ELF file, by its name in wheel tags.
        obstacles: why it does not run on the target.
        soname: the name that it gives itself; empty if it does not.
        rpath: folders that are searched first.
        runpath: folders that are searched late.
    """

    format: str
    machine: str = ""
    obstacles: tuple[Obstacle, ...] = ()
    needed: tuple[str, ...] = ()
    soname: str = ""
    rpath: tuple[str, ...] = ()
    runpath: tuple[str, ...] = ()


class Library(NamedTuple):
    """A library that a file is linked with.

    Attributes:
        name: such as ``libz.so.1``.
        file: of the package, that the linker finds; None for one of the runtime, or none at all.
        provision: whether there is one: ``there``, ``absent`` or ``unknown``.
    """

    name: str
    file: File | None
    provision: Provision


def _read(file: File, target: Target) -> CompiledFacts:
    """The facts of a file; ``unknown`` for one that is damaged or too large."""
    try:
        head = file.head(4)
        if head in _MACH_O:
            return CompiledFacts("mach-o")
        if head[:2] == b"MZ":
            return CompiledFacts("pe")
        if not is_elf(head):
            return CompiledFacts("other")
        if file.size > LARGEST_FILE:
            return CompiledFacts("unknown")
        with without_code(read_content(file.payload), file.size) as data:
            elf = read_elf(data)
    except ElfError as error:
        return CompiledFacts("unknown", "", (Obstacle("damaged", f"it is damaged: {error}"),))
    return CompiledFacts(
        "elf",
        elf.machine_name,
        find_obstacles(elf, target),
        elf.needed,
        elf.soname or "",
        elf.rpath,
        elf.runpath,
    )


class Compiled:
    """The compiled files of a function and its layers."""

    def __init__(
        self,
        files: Mapping[str, File],
        target: Target,
        facts: Callable[[File], CompiledFacts],
    ) -> None:
        self._files, self._target = files, target
        self.facts = facts
        self._names: dict[str, File] = {}
        for file in files.values():
            if is_compiled_name(file.name):
                self._names.setdefault(file.name, file)

    def libraries(self, file: File) -> Iterator[Library]:
        """The libraries that a file is linked with, and where each is found."""
        facts = self.facts(file)
        for name in facts.needed:
            found = self._find(name, file, facts)
            if found is not None:
                yield Library(name, found, "there")
                continue
            provision = provision_of(name, self._target.runtime)
            if provision != "there" and (name in self._names or name in self._sonames):
                # Code may load it by its path before it is asked for.
                provision = "unknown"
            yield Library(name, None, provision)

    def needed_by(self, file: File) -> Mapping[str, tuple[File, ...]]:
        """A file and the libraries of the package that it needs, by place: each with the chain from the file to it."""
        chains: dict[str, tuple[File, ...]] = {file.place: (file,)}
        queue = [file]
        for each in queue:  # grows meanwhile
            for library in self.libraries(each):
                found = library.file
                if found is not None and found.place not in chains:
                    chains[found.place] = (*chains[each.place], found)
                    queue.append(found)
        return chains

    @cached_property
    def _sonames(self) -> Collection[str]:
        """The names that compiled files give themselves: one that is loaded is not looked for any more."""
        return {self.facts(file).soname for file in self._names.values()}

    def _find(self, name: str, file: File, facts: CompiledFacts) -> File | None:
        origin = file.place.rpartition("/")[0]
        own = () if facts.runpath else facts.rpath
        for folder in (*own, *LIBRARY_PATH, *facts.runpath):
            path = _resolved(folder.replace("${ORIGIN}", origin).replace("$ORIGIN", origin))
            if (found := self._files.get(f"{path}/{name}")) is not None:
                return found
        return None


def _resolved(path: str) -> str:
    """A path without ``.`` and ``..``."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in {"", "."}:
            parts.append(part)
    return "/" + "/".join(parts)


def compiled_facts(target: Target) -> Facts[CompiledFacts]:
    """The facts of compiled files for a target, remembered."""
    return Facts(
        "compiled",
        f"{_FORMAT} {target!r}",
        lambda file: _read(file, target),
        encode=list,
        decode=_decode,
    )


def _decode(document: Any) -> CompiledFacts:
    form, machine, obstacles, *rest = document
    needed, soname, rpath, runpath = rest
    return CompiledFacts(
        form,
        machine,
        tuple(Obstacle(*each) for each in obstacles),
        tuple(needed),
        soname,
        tuple(rpath),
        tuple(runpath),
    )
