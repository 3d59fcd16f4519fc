"""Whether a compiled file runs on a target: by what the file says of itself, not by any wheel's tag.

A file runs where the machine is the same, and every version of a symbol that it wants from glibc or from the
compiler's libraries is one that the runtime's have. Names of the symbols are told, since they lead to the line
of code, or the option of the compiler, that made them necessary.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wherry.elf.reader import ET_REL, Elf, ElfError, is_elf, read_elf

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from wherry.elf.reader import VersionNeed
    from wherry.target import Runtime, Target

__all__ = ["missing_libraries", "obstacles"]

# The versions of symbols that GCC's libraries have on AWS's systems: those of GCC 7 and of GCC 11, as GCC's own
# documentation lists them (libstdc++ manual, "ABI Policy and Guidelines"). As of 2026-11-01.
_GCC_7 = {"GLIBCXX": (3, 4, 24), "CXXABI": (1, 3, 11), "GCC": (7, 0, 0)}
_GCC_11 = {"GLIBCXX": (3, 4, 29), "CXXABI": (1, 3, 13), "GCC": (11, 0, 0)}
_GCC = {"Amazon Linux 2": _GCC_7, "Amazon Linux 2023": _GCC_11}

# Versions that have no number, and the glibc that brought them.
_UNNUMBERED = {"GLIBC_ABI_DT_RELR": (2, 36), "GLIBC_ABI_GNU_TLS": (2, 42)}
_VERSION = re.compile(r"(GLIBC|GLIBCXX|CXXABI|GCC)_(\d+(?:\.\d+)*)")

# What every Linux with glibc brings, and with it the runtimes (PEP 600's policies allow as much).
_PROVIDED = re.compile(
    r"ld-linux[\w.-]*\.so\.\d+|lib(c|m|dl|rt|pthread|util|resolv|nsl|anl|BrokenLocale)\.so\.\d+"
    r"|lib(gcc_s|stdc\+\+)\.so\.\d+|libpython3[\w.]*\.so[\d.]*"
)
_SYMBOLS_SHOWN = 3


def obstacles(data: bytes, target: Target) -> tuple[str, ...]:
    """Why a file does not run on the target; empty where nothing is in the way.

    Args:
        data: its content. What is no ELF file, or is one that no linker loads, is in nobody's way.
        target: what it should run on.
    """
    if not is_elf(data[:4]):
        return ()
    try:
        elf = read_elf(data)
    except ElfError as error:
        return (f"it cannot be understood: {error}",)
    if elf.header.type == ET_REL:
        return ()
    wanted = target.architecture.machine
    if elf.machine_name != wanted:
        return (f"it is for {elf.machine_name}, and {wanted} is wanted",)
    if elf.header.bits != 64:
        return (f"it is for {elf.machine_name} of {elf.header.bits} bits, and {wanted} is wanted",)
    return (*_another_libc(elf), *_too_new(elf, target.runtime))


def missing_libraries(data: bytes, *, beside: Collection[str]) -> tuple[str, ...]:
    """The libraries that a file is linked with, and that neither glibc, GCC nor its own wheel brings.

    Args:
        data: its content.
        beside: the names of the files of its wheel.
    """
    try:
        elf = read_elf(data)
    except ElfError:
        return ()
    return tuple(
        name for name in elf.needed if not _PROVIDED.fullmatch(name) and name not in beside
    )


def _another_libc(elf: Elf) -> Iterator[str]:
    musl = [name for name in (*elf.needed, elf.interpreter or "") if "musl" in name]
    if musl:
        yield f"it is linked with musl (`{musl[0]}`), and the runtime has glibc"


def _too_new(elf: Elf, runtime: Runtime) -> Iterator[str]:
    have: Mapping[str, tuple[int, ...]] = {
        "GLIBC": runtime.glibc,
        **_GCC.get(runtime.system, {}),
    }
    # The newest of each library that is missing says it all: who has that one has the older ones.
    newest: dict[tuple[str, str], tuple[tuple[int, ...], VersionNeed]] = {}
    for need in elf.version_needs:
        if need.name == "GLIBC_PRIVATE":
            yield (
                f"it needs{_symbols(need.symbols)} GLIBC_PRIVATE, glibc's own, which differs from version to version"
            )
            continue
        library, version = _version(need.name)
        limit = have.get(library)
        if limit is None or version <= limit:
            continue
        key = (need.library, library)
        if key not in newest or newest[key][0] < version:
            newest[key] = (version, need)
    for (_, library), (_, need) in newest.items():
        yield (
            f"it needs{_symbols(need.symbols)} `{need.name}` of {need.library}, "
            f"and {runtime.name} has {library}_{'.'.join(map(str, have[library]))}"
        )


def _version(name: str) -> tuple[str, tuple[int, ...]]:
    if name in _UNNUMBERED:
        return "GLIBC", _UNNUMBERED[name]
    match = _VERSION.fullmatch(name)
    if match is None:
        return name, ()
    return match[1], tuple(int(part) for part in match[2].split("."))


def _symbols(symbols: tuple[str, ...]) -> str:
    if not symbols:
        return ""
    shown = ", ".join(f"`{symbol}`" for symbol in symbols[:_SYMBOLS_SHOWN])
    more = len(symbols) - _SYMBOLS_SHOWN
    return f" {shown}{f' and {more} more' if more > 0 else ''} in"
