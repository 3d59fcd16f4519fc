"""The parts of an ELF file, and the numbers of their kinds."""

from __future__ import annotations

from typing import Literal, NamedTuple

from wherry.structs import Struct

__all__ = [
    "EM_AARCH64",
    "EM_X86_64",
    "PT_LOAD",
    "SHT_NOBITS",
    "Dynamic",
    "Elf",
    "ElfError",
    "Header",
    "Order",
    "Section",
    "Segment",
    "VersionNeed",
    "is_elf",
]

_MAGIC = b"\x7fELF"

EM_X86_64, EM_AARCH64 = 62, 183
PT_LOAD = 1
SHT_NOBITS = 8
_SHF_ALLOC = 0x2

_MACHINES = {
    2: "sparc",
    3: "i386",
    8: "mips",
    20: "ppc",
    21: "ppc64",
    22: "s390x",
    40: "arm",
    43: "sparc64",
    EM_X86_64: "x86_64",
    EM_AARCH64: "aarch64",
    243: "riscv",
    258: "loongarch",
}

Order = Literal["<", ">"]


class ElfError(ValueError):
    """Bytes are not an ELF file, or they are damaged or of a kind that is not understood."""


class Header(NamedTuple):
    """The header of the file, with offsets and sizes in bytes and with actual counts."""

    bits: int
    """32 or 64."""
    order: Order
    """The byte order, as ``struct`` writes it."""
    type: int
    machine: int
    version: int
    entry: int
    program_offset: int
    section_offset: int
    flags: int
    size: int
    program_entry_size: int
    program_count: int
    section_entry_size: int
    section_count: int
    names_index: int


class Segment(NamedTuple):
    """A program header: a part of the file and its address in memory."""

    type: int
    flags: int
    offset: int
    address: int
    physical: int
    file_size: int
    memory_size: int
    align: int

    @property
    def end(self) -> int:
        """The first byte of the file after it."""
        return self.offset + self.file_size


class Section(NamedTuple):
    """A section header."""

    number: int
    name: str
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    align: int
    entry_size: int

    @property
    def end(self) -> int:
        """The first byte of the file after it."""
        return self.offset if self.type == SHT_NOBITS else self.offset + self.size

    @property
    def allocated(self) -> bool:
        """Whether it is loaded into memory."""
        return bool(self.flags & _SHF_ALLOC)


class Dynamic(NamedTuple):
    """An entry of the dynamic section."""

    tag: int
    value: int


class VersionNeed(NamedTuple):
    """A version that a library must have.

    Attributes:
        library: the library's name, such as ``libc.so.6``.
        name: the version's name, such as ``GLIBC_2.34``.
        symbols: the symbols that are needed in that version, sorted.
    """

    library: str
    name: str
    symbols: tuple[str, ...]


class Elf(Struct, frozen=True, kw_only=True):
    """An ELF file.

    Attributes:
        segments: the program headers, in the order of their table.
        sections: the section headers, in the order of their table; empty if there is none.
        dynamic: the entries of the dynamic section, up to the one that ends it.
        needed: the libraries that it is linked with (``DT_NEEDED``).
        soname: the name that a library gives itself.
        rpath: the folders in which libraries are looked for first (``DT_RPATH``).
        runpath: the folders in which they are looked for after ``LD_LIBRARY_PATH`` (``DT_RUNPATH``).
        interpreter: the dynamic linker of a program.
        version_needs: the versions of libraries that it needs, in the order of the file.
    """

    header: Header
    segments: tuple[Segment, ...]
    sections: tuple[Section, ...]
    dynamic: tuple[Dynamic, ...]
    needed: tuple[str, ...]
    soname: str | None
    rpath: tuple[str, ...]
    runpath: tuple[str, ...]
    interpreter: str | None
    version_needs: tuple[VersionNeed, ...]

    @property
    def machine_name(self) -> str:
        """The machine that it runs on, by its name in wheel tags and ELF tools."""
        name = _MACHINES.get(self.header.machine, f"machine {self.header.machine}")
        return name if self.header.order == "<" else f"{name} (big-endian)"


def is_elf(head: bytes | memoryview) -> bool:
    """Whether the first bytes of a file are those of an ELF file."""
    return bytes(head[:4]) == _MAGIC
