"""Whether a compiled file runs on a target, judged by its content and not by the tag of its wheel.

A file runs if it is for the same machine, and if the runtime's glibc and compiler libraries have every version
of a symbol that it needs. Messages name the symbols, which lead to the line of code, or the option of the
compiler, that made them necessary.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from wherry.elf.model import Elf, ElfError, is_elf
from wherry.elf.reader import read_elf
from wherry.sizes import first

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from wherry.elf.model import VersionNeed
    from wherry.target import Runtime, Target

__all__ = ["Obstacle", "ObstacleKind", "find_obstacles", "missing_libraries", "obstacles"]

ObstacleKind: TypeAlias = Literal["damaged", "machine", "musl", "version"]

# The versions of symbols in GCC's libraries on AWS's systems: those of GCC 7 and of GCC 11, as GCC's
# documentation lists them (libstdc++ manual, "ABI Policy and Guidelines"). As of 2026-11-01.
_GCC_7 = {"GLIBCXX": (3, 4, 24), "CXXABI": (1, 3, 11), "GCC": (7, 0, 0)}
_GCC_11 = {"GLIBCXX": (3, 4, 29), "CXXABI": (1, 3, 13), "GCC": (11, 0, 0)}
_GCC = {"Amazon Linux 2": _GCC_7, "Amazon Linux 2023": _GCC_11}

# Versions without a number, and the glibc that introduced them.
_UNNUMBERED = {"GLIBC_ABI_DT_RELR": (2, 36), "GLIBC_ABI_GNU_TLS": (2, 42)}
_VERSION = re.compile(r"(GLIBC|GLIBCXX|CXXABI|GCC)_(\d+(?:\.\d+)*)")

# The libraries of every Linux with glibc, and so of the runtimes (PEP 600's policies allow them).
_PROVIDED = re.compile(
    r"ld-linux[\w.-]*\.so\.\d+|lib(c|m|dl|rt|pthread|util|resolv|nsl|anl|BrokenLocale)\.so\.\d+"
    r"|lib(gcc_s|stdc\+\+)\.so\.\d+|libpython3[\w.]*\.so[\d.]*"
)
_ET_REL = 1


class Obstacle(NamedTuple):
    """A reason why a file does not run: its kind, and a sentence about the file."""

    kind: ObstacleKind
    text: str


def obstacles(data: bytes, target: Target) -> tuple[str, ...]:
    """The reasons why a file does not run on the target; empty if it runs.

    A file that is not ELF, or that no linker loads, has none.
    """
    if not is_elf(data[:4]):
        return ()
    try:
        return tuple(obstacle.text for obstacle in find_obstacles(read_elf(data), target))
    except ElfError as error:
        return (f"it cannot be understood: {error}",)


def find_obstacles(elf: Elf, target: Target) -> tuple[Obstacle, ...]:
    """The reasons why an ELF file does not run on the target; empty for one that no linker loads."""
    if elf.header.type == _ET_REL:
        return ()
    machine = target.architecture.machine
    if elf.machine_name != machine:
        return (Obstacle("machine", f"it is for {elf.machine_name}, not for {machine}"),)
    if elf.header.bits != 64:
        bits = f"{elf.machine_name} of {elf.header.bits} bits"
        return (Obstacle("machine", f"it is for {bits}, not for {machine}"),)
    musl = [name for name in (*elf.needed, elf.interpreter or "") if "musl" in name]
    other = [
        Obstacle("musl", f"it is linked with musl (`{name}`), and the runtime has glibc")
        for name in musl[:1]
    ]
    return (*other, *(Obstacle("version", text) for text in _too_new(elf, target.runtime)))


def missing_libraries(data: bytes, *, beside: Collection[str]) -> tuple[str, ...]:
    """The libraries that a file is linked with, and that neither the runtime nor its own wheel has.

    ``beside`` are the names of the files in its wheel.
    """
    try:
        elf = read_elf(data)
    except ElfError:
        return ()
    return tuple(
        name for name in elf.needed if not _PROVIDED.fullmatch(name) and name not in beside
    )


def _too_new(elf: Elf, runtime: Runtime) -> Iterator[str]:
    runtime_versions: Mapping[str, tuple[int, ...]] = {
        "GLIBC": runtime.glibc,
        **_GCC.get(runtime.system, {}),
    }
    # Only the newest missing version of each library is reported: libraries with it have the older ones.
    newest: dict[tuple[str, str], tuple[tuple[int, ...], VersionNeed]] = {}
    for need in elf.version_needs:
        if need.name == "GLIBC_PRIVATE":
            yield (
                f"it needs{_symbols(need.symbols)} GLIBC_PRIVATE, which is internal to glibc and differs between versions"
            )
            continue
        library, version = _version(need.name)
        limit = runtime_versions.get(library)
        if limit is None or version <= limit:
            continue
        key = (need.library, library)
        if key not in newest or newest[key][0] < version:
            newest[key] = (version, need)
    for (_, library), (_, need) in newest.items():
        yield (
            f"it needs{_symbols(need.symbols)} `{need.name}` of {need.library}, "
            f"and {runtime.name} has {library}_{'.'.join(map(str, runtime_versions[library]))}"
        )


def _version(name: str) -> tuple[str, tuple[int, ...]]:
    if name in _UNNUMBERED:
        return "GLIBC", _UNNUMBERED[name]
    match = _VERSION.fullmatch(name)
    if match is None:
        return name, ()
    return match[1], tuple(int(part) for part in match[2].split("."))


def _symbols(symbols: tuple[str, ...]) -> str:
    return f" {first([f'`{symbol}`' for symbol in symbols], 3)} in" if symbols else ""
