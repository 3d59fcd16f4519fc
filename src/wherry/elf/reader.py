"""Reading ELF files: headers, segments, sections, and what the dynamic linker will look for.

What the linker reads is taken from where the linker takes it, the program headers and the dynamic section:
section headers may be gone, and say nothing that binds. Both classes (32, 64 bits) and both byte orders are
read, so that a file for another machine is described and not merely refused.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from mmap import mmap

__all__ = [
    "EM_386",
    "EM_AARCH64",
    "EM_ARM",
    "EM_X86_64",
    "ET_CORE",
    "ET_DYN",
    "ET_EXEC",
    "ET_REL",
    "MAGIC",
    "PT_DYNAMIC",
    "PT_GNU_EH_FRAME",
    "PT_GNU_RELRO",
    "PT_GNU_STACK",
    "PT_INTERP",
    "PT_LOAD",
    "PT_NOTE",
    "PT_NULL",
    "PT_PHDR",
    "PT_TLS",
    "SHF_ALLOC",
    "SHF_COMPRESSED",
    "SHF_EXECINSTR",
    "SHF_INFO_LINK",
    "SHF_LINK_ORDER",
    "SHF_WRITE",
    "SHT_DYNAMIC",
    "SHT_DYNSYM",
    "SHT_GNU_VERDEF",
    "SHT_GNU_VERNEED",
    "SHT_GNU_VERSYM",
    "SHT_GROUP",
    "SHT_HASH",
    "SHT_NOBITS",
    "SHT_NOTE",
    "SHT_NULL",
    "SHT_PROGBITS",
    "SHT_REL",
    "SHT_RELA",
    "SHT_STRTAB",
    "SHT_SYMTAB",
    "SHT_SYMTAB_SHNDX",
    "Dynamic",
    "Elf",
    "ElfError",
    "Header",
    "Section",
    "Segment",
    "VersionNeed",
    "is_elf",
    "pack_section",
    "read_elf",
    "section_name_offsets",
]

MAGIC = b"\x7fELF"

ET_REL, ET_EXEC, ET_DYN, ET_CORE = 1, 2, 3, 4
EM_386, EM_ARM, EM_X86_64, EM_AARCH64 = 3, 40, 62, 183

PT_NULL, PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_NOTE, PT_PHDR, PT_TLS = 0, 1, 2, 3, 4, 6, 7
PT_GNU_EH_FRAME, PT_GNU_STACK, PT_GNU_RELRO = 0x6474E550, 0x6474E551, 0x6474E552

SHT_NULL, SHT_PROGBITS, SHT_SYMTAB, SHT_STRTAB, SHT_RELA, SHT_HASH = 0, 1, 2, 3, 4, 5
SHT_DYNAMIC, SHT_NOTE, SHT_NOBITS, SHT_REL, SHT_DYNSYM = 6, 7, 8, 9, 11
SHT_GROUP, SHT_SYMTAB_SHNDX = 17, 18
SHT_GNU_VERDEF, SHT_GNU_VERNEED, SHT_GNU_VERSYM = 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF

SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR = 0x1, 0x2, 0x4
SHF_INFO_LINK, SHF_LINK_ORDER, SHF_COMPRESSED = 0x40, 0x80, 0x800

_DT_NULL, _DT_NEEDED, _DT_HASH, _DT_STRTAB, _DT_SYMTAB, _DT_STRSZ = 0, 1, 4, 5, 6, 10
_DT_SONAME, _DT_RPATH, _DT_RUNPATH = 14, 15, 29
_DT_GNU_HASH, _DT_VERSYM, _DT_VERNEED, _DT_VERNEEDNUM = (
    0x6FFFFEF5,
    0x6FFFFFF0,
    0x6FFFFFFE,
    0x6FFFFFFF,
)

# The escapes for counts that do not fit into the header's 16 bits; the first section holds them then.
_PN_XNUM, _SHN_XINDEX = 0xFFFF, 0xFFFF
# The bit of a symbol's version that says `hidden`.
_VERSION_BITS = 0x7FFF

_MACHINES = {
    2: "sparc",
    EM_386: "i386",
    8: "mips",
    20: "ppc",
    21: "ppc64",
    22: "s390x",
    EM_ARM: "arm",
    43: "sparc64",
    EM_X86_64: "x86_64",
    EM_AARCH64: "aarch64",
    243: "riscv",
    258: "loongarch",
}

Order = Literal["<", ">"]


class ElfError(ValueError):
    """Bytes are no ELF file, or a damaged one, or one of a kind that is not understood."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """The header of the file; offsets and sizes in bytes, counts with their escapes resolved."""

    bits: int
    """32 or 64."""
    order: Order
    """The byte order, as ``struct`` writes it."""
    os_abi: int
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """A program header: a part of the file, and where in memory it goes."""

    index: int
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """A section header."""

    index: int
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
        return bool(self.flags & SHF_ALLOC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Dynamic:
    """An entry of the dynamic section."""

    tag: int
    value: int


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionNeed:
    """A version that a library must have.

    Attributes:
        library: the library's name, such as ``libc.so.6``.
        name: the version's name, such as ``GLIBC_2.34``.
        symbols: the symbols that are wanted in that version, sorted.
    """

    library: str
    name: str
    symbols: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Elf:
    """An ELF file.

    Attributes:
        header: the file's header.
        segments: the program headers, in the order of their table.
        sections: the section headers, in the order of their table; empty where there is none.
        dynamic: the entries of the dynamic section, up to the one that ends it.
        needed: the libraries that it is linked with (``DT_NEEDED``).
        soname: the name that a library gives itself.
        rpath: where libraries are looked for first (``DT_RPATH``).
        runpath: where they are looked for after ``LD_LIBRARY_PATH`` (``DT_RUNPATH``).
        interpreter: the dynamic linker of a program.
        version_needs: the versions of libraries that it wants, in the file's order.
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
        """The machine that it runs on, as wheel tags and ELF tools name it."""
        name = _MACHINES.get(self.header.machine, f"machine {self.header.machine}")
        return name if self.header.order == "<" else f"{name} (big-endian)"


def is_elf(head: bytes | memoryview) -> bool:
    """Whether a file that begins so is an ELF file."""
    return bytes(head[:4]) == MAGIC


def read_elf(data: bytes | bytearray | memoryview | mmap) -> Elf:
    """Read a file.

    Raises:
        ElfError: it is none, is damaged, or is of a kind that is not understood.
    """
    with memoryview(data) as view:
        return _Reading(view).elf()


def pack_section(section: Section, header: Header, name_offset: int) -> bytes:
    """A section header as it stands in the file; ``name_offset`` is of its name in the names' section."""
    layout = _SECTION_64 if header.bits == 64 else _SECTION_32
    return struct.pack(
        header.order + layout,
        name_offset,
        section.type,
        section.flags,
        section.address,
        section.offset,
        section.size,
        section.link,
        section.info,
        section.align,
        section.entry_size,
    )


def section_name_offsets(data: bytes | bytearray | memoryview | mmap, elf: Elf) -> tuple[int, ...]:
    """Where the sections' names begin in the names' section, in the order of their table."""
    with memoryview(data) as view:
        return tuple(raw[0] for raw in _Reading(view).section_table(elf.header))


_HEADER_64, _HEADER_32 = "HHIQQQIHHHHHH", "HHIIIIIHHHHHH"
_SEGMENT_64, _SEGMENT_32 = "IIQQQQQQ", "IIIIIIII"
_SECTION_64, _SECTION_32 = "IIQQQQIIQQ", "IIIIIIIIII"


class _Reading:
    def __init__(self, data: memoryview) -> None:
        self._data = data
        if not is_elf(data[:4]):
            raise ElfError("it does not begin as ELF files do")
        if len(data) < 16:
            raise ElfError("it ends within its header")
        match data[4]:
            case 1:
                self.wide = False
            case 2:
                self.wide = True
            case other:
                raise ElfError(f"its class {other} is unknown")
        match data[5]:
            case 1:
                self._order: Order = "<"
            case 2:
                self._order = ">"
            case other:
                raise ElfError(f"its byte order {other} is unknown")

    def elf(self) -> Elf:
        header = self._header()
        segments = tuple(self._segments(header))
        dynamic = self._dynamic(segments)
        linked = _Linked(self, segments, dynamic)
        return Elf(
            header=header,
            segments=segments,
            sections=self._sections(header),
            dynamic=dynamic,
            needed=linked.strings(_DT_NEEDED),
            soname=next(iter(linked.strings(_DT_SONAME)), None),
            rpath=_split(linked.strings(_DT_RPATH)),
            runpath=_split(linked.strings(_DT_RUNPATH)),
            interpreter=self._interpreter(segments),
            version_needs=linked.version_needs(),
        )

    def unpack(self, layout: str, offset: int, what: str) -> tuple[int, ...]:
        layout = self._order + layout
        if offset < 0 or offset + struct.calcsize(layout) > len(self._data):
            raise ElfError(f"its {what} lies beyond its end")
        return struct.unpack_from(layout, self._data, offset)

    def string(self, offset: int, end: int, what: str) -> str:
        if not 0 <= offset < end <= len(self._data):
            raise ElfError(f"its {what} lies beyond its end")
        # Names are short: a window is searched, and the rest only where it holds no end.
        window = 256
        while True:
            text, zero, _ = bytes(self._data[offset : min(offset + window, end)]).partition(b"\0")
            if zero:
                return text.decode("utf-8", "surrogateescape")
            if offset + window >= end:
                raise ElfError(f"its {what} has no end")
            window *= 16

    def _header(self) -> Header:
        (
            kind,
            machine,
            version,
            entry,
            program_offset,
            section_offset,
            flags,
            size,
            program_entry_size,
            program_count,
            section_entry_size,
            section_count,
            names_index,
        ) = self.unpack(_HEADER_64 if self.wide else _HEADER_32, 16, "header")
        if section_offset:
            self._require_entry("section", section_entry_size, self._section_layout)
            escaped = program_count == _PN_XNUM or names_index == _SHN_XINDEX
            if escaped or not section_count:
                first = self.unpack(self._section_layout, section_offset, "section table")
                section_count = section_count or first[5]
                program_count = first[7] if program_count == _PN_XNUM else program_count
                names_index = first[6] if names_index == _SHN_XINDEX else names_index
        if program_count:
            self._require_entry("program", program_entry_size, self._segment_layout)
        return Header(
            bits=64 if self.wide else 32,
            order=self._order,
            os_abi=self._data[7],
            type=kind,
            machine=machine,
            version=version,
            entry=entry,
            program_offset=program_offset,
            section_offset=section_offset,
            flags=flags,
            size=size,
            program_entry_size=program_entry_size,
            program_count=program_count,
            section_entry_size=section_entry_size,
            section_count=section_count if section_offset else 0,
            names_index=names_index,
        )

    def _require_entry(self, what: str, size: int, layout: str) -> None:
        if size != struct.calcsize(self._order + layout):
            raise ElfError(f"the entries of its {what} table have {size} bytes")

    @property
    def _segment_layout(self) -> str:
        return _SEGMENT_64 if self.wide else _SEGMENT_32

    @property
    def _section_layout(self) -> str:
        return _SECTION_64 if self.wide else _SECTION_32

    def _segments(self, header: Header) -> Iterator[Segment]:
        self._require_table(
            "program", header.program_offset, header.program_count, self._segment_layout
        )
        step = struct.calcsize(self._order + self._segment_layout)
        for index in range(header.program_count):
            raw = self.unpack(
                self._segment_layout, header.program_offset + index * step, "program table"
            )
            # In the narrow layout the flags come later.
            if self.wide:
                kind, flags, offset, address, physical, file_size, memory_size, align = raw
            else:
                kind, offset, address, physical, file_size, memory_size, flags, align = raw
            yield Segment(
                index=index,
                type=kind,
                flags=flags,
                offset=offset,
                address=address,
                physical=physical,
                file_size=file_size,
                memory_size=memory_size,
                align=align,
            )

    def _require_table(self, what: str, offset: int, count: int, layout: str) -> None:
        """A count out of a damaged file must not keep anybody busy."""
        if count and offset + count * struct.calcsize(self._order + layout) > len(self._data):
            raise ElfError(f"its {what} table lies beyond its end")

    def section_table(self, header: Header) -> Iterator[tuple[int, ...]]:
        self._require_table(
            "section", header.section_offset, header.section_count, self._section_layout
        )
        step = struct.calcsize(self._order + self._section_layout)
        for index in range(header.section_count):
            yield self.unpack(
                self._section_layout, header.section_offset + index * step, "section table"
            )

    def _sections(self, header: Header) -> tuple[Section, ...]:
        table = list(self.section_table(header))
        start, end = 0, 0
        if 0 < header.names_index < len(table):
            start = table[header.names_index][4]
            end = start + table[header.names_index][5]
        return tuple(
            Section(
                index=index,
                name=self.string(start + raw[0], end, "section's name") if end else "",
                type=raw[1],
                flags=raw[2],
                address=raw[3],
                offset=raw[4],
                size=raw[5],
                link=raw[6],
                info=raw[7],
                align=raw[8],
                entry_size=raw[9],
            )
            for index, raw in enumerate(table)
        )

    def _interpreter(self, segments: tuple[Segment, ...]) -> str | None:
        for segment in segments:
            if segment.type == PT_INTERP:
                return self.string(segment.offset, segment.end, "interpreter")
        return None

    def _dynamic(self, segments: tuple[Segment, ...]) -> tuple[Dynamic, ...]:
        entries: list[Dynamic] = []
        layout = "qQ" if self.wide else "iI"
        step = struct.calcsize(self._order + layout)
        for segment in segments:
            if segment.type != PT_DYNAMIC:
                continue
            for offset in range(segment.offset, segment.end - step + 1, step):
                tag, value = self.unpack(layout, offset, "dynamic section")
                if tag == _DT_NULL:
                    break
                entries.append(Dynamic(tag=tag, value=value))
            break
        return tuple(entries)


class _Linked:
    """What the dynamic section points to, found as the dynamic linker finds it: by addresses."""

    def __init__(
        self, reading: _Reading, segments: tuple[Segment, ...], dynamic: tuple[Dynamic, ...]
    ) -> None:
        self._reading = reading
        self._loaded = [segment for segment in segments if segment.type == PT_LOAD]
        self._entries = dynamic
        self._values: Mapping[int, int] = {entry.tag: entry.value for entry in dynamic}

    def strings(self, tag: int) -> tuple[str, ...]:
        return tuple(self._string(entry.value) for entry in self._entries if entry.tag == tag)

    def version_needs(self) -> tuple[VersionNeed, ...]:
        found = list(self._version_table())
        if not found:
            return ()
        symbols: dict[int, list[str]] = {index: [] for index, _, _ in found}
        for name, version in self._undefined_symbols():
            if version in symbols:
                symbols[version].append(name)
        return tuple(
            VersionNeed(library=library, name=name, symbols=tuple(sorted(symbols[index])))
            for index, library, name in found
        )

    def _version_table(self) -> Iterator[tuple[int, str, str]]:
        """Index, library and name of each version that is wanted."""
        if _DT_VERNEED not in self._values:
            return
        unpack = self._reading.unpack
        place = self._offset(self._values[_DT_VERNEED])
        for _ in range(self._values.get(_DT_VERNEEDNUM, 0)):
            _, count, file, first, after = unpack("HHIII", place, "versions")
            library, inner = self._string(file), place + first
            for _ in range(count):
                _, _, index, name, following = unpack("IHHII", inner, "versions")
                yield index & _VERSION_BITS, library, self._string(name)
                if not following:
                    break
                inner += following
            if not after:
                break
            place += after

    def _undefined_symbols(self) -> Iterator[tuple[str, int]]:
        """Name and version's index of the symbols that other libraries are to give."""
        values = self._values
        if _DT_SYMTAB not in values or _DT_VERSYM not in values:
            return
        wide = self._reading.wide
        table, versions = self._offset(values[_DT_SYMTAB]), self._offset(values[_DT_VERSYM])
        layout, size = ("IBBHQQ", 24) if wide else ("IIIBBH", 16)
        for index in range(1, self._symbol_count()):
            raw = self._reading.unpack(layout, table + index * size, "symbols")
            if raw[3 if wide else 5] == 0:
                (version,) = self._reading.unpack("H", versions + index * 2, "versions of symbols")
                yield self._string(raw[0]), version & _VERSION_BITS

    def _symbol_count(self) -> int:
        """How many symbols there are, which only the hash tables tell."""
        unpack = self._reading.unpack
        if _DT_HASH in self._values:
            return unpack("II", self._offset(self._values[_DT_HASH]), "hash table")[1]
        if _DT_GNU_HASH not in self._values:
            return 0
        place = self._offset(self._values[_DT_GNU_HASH])
        buckets, first, bloom, _ = unpack("IIII", place, "hash table")
        place += 16 + bloom * (8 if self._reading.wide else 4)
        # All symbols from `first` on are in a chain; those before it, the undefined ones above all, in none.
        last = max(unpack(f"{buckets}I", place, "hash table"), default=0)
        if last < first:
            return first
        place += buckets * 4
        while not unpack("I", place + (last - first) * 4, "hash table")[0] & 1:
            last += 1
        return last + 1

    def _string(self, offset: int) -> str:
        values = self._values
        if _DT_STRTAB not in values:
            raise ElfError("it has no names")
        start = self._offset(values[_DT_STRTAB])
        return self._reading.string(start + offset, start + values.get(_DT_STRSZ, 0), "name")

    def _offset(self, address: int) -> int:
        """Where in the file an address of memory is."""
        for segment in self._loaded:
            if segment.address <= address < segment.address + segment.file_size:
                return segment.offset + address - segment.address
        raise ElfError("its dynamic section points out of the file")


def _split(paths: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(path for joined in paths for path in joined.split(":") if path)
