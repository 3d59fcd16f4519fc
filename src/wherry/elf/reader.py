"""Reading ELF files: headers, segments, sections, and what the dynamic linker will look for.

What the linker reads is taken from where the linker takes it, the program headers and the dynamic section:
section headers may be missing, and are not binding. Both classes (32 and 64 bits) and both byte orders are
read, so that a file for another machine can be described and not only refused.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from wherry.elf.model import (
    PT_LOAD,
    Dynamic,
    Elf,
    ElfError,
    Header,
    Section,
    Segment,
    VersionNeed,
    is_elf,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from mmap import mmap

    from wherry.elf.model import Order

__all__ = ["pack_section", "read_elf", "read_segments"]

_HEADER_64, _HEADER_32 = "HHIQQQIHHHHHH", "HHIIIIIHHHHHH"
_SEGMENT_64, _SEGMENT_32 = "IIQQQQQQ", "IIIIIIII"
_SECTION_64, _SECTION_32 = "IIQQQQIIQQ", "IIIIIIIIII"

# Instead of counts that do not fit into the header's 16 bits; the first section then holds the counts.
_PN_XNUM, _SHN_XINDEX = 0xFFFF, 0xFFFF

_PT_DYNAMIC, _PT_INTERP = 2, 3
_DT_NULL, _DT_NEEDED, _DT_HASH, _DT_STRTAB, _DT_SYMTAB, _DT_STRSZ = 0, 1, 4, 5, 6, 10
_DT_SONAME, _DT_RPATH, _DT_RUNPATH = 14, 15, 29
_DT_GNU_HASH, _DT_VERSYM = 0x6FFFFEF5, 0x6FFFFFF0
_DT_VERNEED, _DT_VERNEEDNUM = 0x6FFFFFFE, 0x6FFFFFFF

# The other bit of a symbol's version means `hidden`.
_VERSION_BITS = 0x7FFF


def read_elf(data: bytes | bytearray | memoryview | mmap) -> Elf:
    """Read a file.

    Raises:
        ElfError: it is not an ELF file, is damaged, or is of a kind that is not understood.
    """
    with memoryview(data) as view:
        fields = _Fields(view)
        header = _header(fields)
        segments = tuple(_segments(fields, header))
        dynamic = tuple(_dynamic(fields, segments))
        linking = _Linking(fields, segments, dynamic)
        interpreters = (
            fields.string(segment.offset, segment.end, "interpreter")
            for segment in segments
            if segment.type == _PT_INTERP
        )
        return Elf(
            header=header,
            segments=segments,
            sections=_sections(fields, header),
            dynamic=dynamic,
            needed=linking.strings(_DT_NEEDED),
            soname=next(iter(linking.strings(_DT_SONAME)), None),
            rpath=linking.folders(_DT_RPATH),
            runpath=linking.folders(_DT_RUNPATH),
            interpreter=next(interpreters, None),
            version_needs=linking.version_needs(),
        )


def read_segments(data: bytes) -> tuple[Segment, ...]:
    """Read the program headers of a file, of which the beginning may suffice; errors as ``read_elf``."""
    with memoryview(data) as view:
        fields = _Fields(view)
        return tuple(_segments(fields, _header(fields)))


def pack_section(section: Section, header: Header, name_offset: int) -> bytes:
    """The bytes of a section header; ``name_offset`` is that of its name in the section of names."""
    layout = _SECTION_64 if header.bits == 64 else _SECTION_32
    _, _, *numbers = section
    return struct.pack(header.order + layout, name_offset, *numbers)


class _Fields:
    """The fields of a file, at their offsets."""

    def __init__(self, data: memoryview) -> None:
        self.data = data
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
                self.order: Order = "<"
            case 2:
                self.order = ">"
            case other:
                raise ElfError(f"its byte order {other} is unknown")

    def unpack(self, layout: str, offset: int, noun: str) -> tuple[int, ...]:
        """The numbers at an offset; ``noun`` names them in errors."""
        layout = self.order + layout
        if offset < 0 or offset + struct.calcsize(layout) > len(self.data):
            raise ElfError(f"its {noun} lies beyond its end")
        return struct.unpack_from(layout, self.data, offset)

    def string(self, offset: int, end: int, noun: str) -> str:
        """The string at an offset, which ends before ``end``; ``noun`` names it in errors."""
        if not 0 <= offset < end <= len(self.data):
            raise ElfError(f"its {noun} lies beyond its end")
        # Names are short, so the end is looked for in a window first.
        window = 256
        while True:
            text, zero, _ = bytes(self.data[offset : min(offset + window, end)]).partition(b"\0")
            if zero:
                return text.decode("utf-8", "surrogateescape")
            if offset + window >= end:
                raise ElfError(f"its {noun} has no end")
            window *= 16

    @property
    def segment_layout(self) -> str:
        return _SEGMENT_64 if self.wide else _SEGMENT_32

    @property
    def section_layout(self) -> str:
        return _SECTION_64 if self.wide else _SECTION_32

    def size_of(self, layout: str) -> int:
        return struct.calcsize(self.order + layout)


def _header(fields: _Fields) -> Header:
    raw = fields.unpack(_HEADER_64 if fields.wide else _HEADER_32, 16, "header")
    header = Header(64 if fields.wide else 32, fields.order, *raw)
    layout, offset = fields.section_layout, header.section_offset
    if not offset:
        header = header._replace(section_count=0)
    else:
        _require_entry(fields, "section", header.section_entry_size, layout)
        more_segments = header.program_count == _PN_XNUM
        more_names = header.names_index == _SHN_XINDEX
        if more_segments or more_names or not header.section_count:
            first = fields.unpack(layout, offset, "section table")
            header = header._replace(
                section_count=header.section_count or first[5],
                program_count=first[7] if more_segments else header.program_count,
                names_index=first[6] if more_names else header.names_index,
            )
    if header.program_count:
        _require_entry(fields, "program", header.program_entry_size, fields.segment_layout)
    return header


def _require_entry(fields: _Fields, noun: str, size: int, layout: str) -> None:
    if size != fields.size_of(layout):
        raise ElfError(f"the entries of its {noun} table have {size} bytes")


def _table(
    fields: _Fields, noun: str, offset: int, count: int, layout: str
) -> Iterator[tuple[int, ...]]:
    step = fields.size_of(layout)
    # A damaged file may claim more than it can hold.
    if count and offset + count * step > len(fields.data):
        raise ElfError(f"its {noun} table lies beyond its end")
    for index in range(count):
        yield fields.unpack(layout, offset + index * step, f"{noun} table")


def _segments(fields: _Fields, header: Header) -> Iterator[Segment]:
    offset, count = header.program_offset, header.program_count
    for raw in _table(fields, "program", offset, count, fields.segment_layout):
        # In the narrow layout the flags come later.
        yield Segment(*(raw if fields.wide else (raw[0], raw[6], *raw[1:6], raw[7])))


def _sections(fields: _Fields, header: Header) -> tuple[Section, ...]:
    offset, count = header.section_offset, header.section_count
    table = list(_table(fields, "section", offset, count, fields.section_layout))
    start, end = 0, 0
    if 0 < header.names_index < len(table):
        start = table[header.names_index][4]
        end = start + table[header.names_index][5]
    return tuple(
        Section(
            number, fields.string(start + raw[0], end, "section's name") if end else "", *raw[1:]
        )
        for number, raw in enumerate(table)
    )


def _dynamic(fields: _Fields, segments: tuple[Segment, ...]) -> Iterator[Dynamic]:
    layout = "qQ" if fields.wide else "iI"
    step = fields.size_of(layout)
    segment = next((segment for segment in segments if segment.type == _PT_DYNAMIC), None)
    if segment is not None:
        for offset in range(segment.offset, segment.end - step + 1, step):
            entry = Dynamic(*fields.unpack(layout, offset, "dynamic section"))
            if entry.tag == _DT_NULL:
                return
            yield entry


class _Linking:
    """The targets of the dynamic section, found by their addresses as the dynamic linker finds them."""

    def __init__(
        self, fields: _Fields, segments: tuple[Segment, ...], dynamic: tuple[Dynamic, ...]
    ) -> None:
        self._fields = fields
        self._loaded = [segment for segment in segments if segment.type == PT_LOAD]
        self._entries = dynamic
        self._values: Mapping[int, int] = {entry.tag: entry.value for entry in dynamic}

    def folders(self, tag: int) -> tuple[str, ...]:
        return tuple(folder for paths in self.strings(tag) for folder in paths.split(":") if folder)

    def strings(self, tag: int) -> tuple[str, ...]:
        return tuple(self._string(entry.value) for entry in self._entries if entry.tag == tag)

    def version_needs(self) -> tuple[VersionNeed, ...]:
        versions = list(self._version_table())
        if not versions:
            return ()
        symbols: dict[int, list[str]] = {index: [] for index, _, _ in versions}
        for name, version in self._undefined_symbols():
            if version in symbols:
                symbols[version].append(name)
        return tuple(
            VersionNeed(library=library, name=name, symbols=tuple(sorted(symbols[index])))
            for index, library, name in versions
        )

    def _version_table(self) -> Iterator[tuple[int, str, str]]:
        """The index, library and name of each version that is needed."""
        if _DT_VERNEED not in self._values:
            return
        unpack = self._fields.unpack
        offset = self._offset(self._values[_DT_VERNEED])
        for _ in range(self._values.get(_DT_VERNEEDNUM, 0)):
            _, count, file, first, after = unpack("HHIII", offset, "versions")
            library, inner = self._string(file), offset + first
            for _ in range(count):
                _, _, index, name, following = unpack("IHHII", inner, "versions")
                yield index & _VERSION_BITS, library, self._string(name)
                if not following:
                    break
                inner += following
            if not after:
                break
            offset += after

    def _undefined_symbols(self) -> Iterator[tuple[str, int]]:
        """The name, and the index of the version, of each symbol that another library must define."""
        values = self._values
        if _DT_SYMTAB not in values or _DT_VERSYM not in values:
            return
        wide = self._fields.wide
        symbols, versions = self._offset(values[_DT_SYMTAB]), self._offset(values[_DT_VERSYM])
        layout, size = ("IBBHQQ", 24) if wide else ("IIIBBH", 16)
        for index in range(1, self._symbol_count()):
            raw = self._fields.unpack(layout, symbols + index * size, "symbols")
            if raw[3 if wide else 5] == 0:
                (version,) = self._fields.unpack("H", versions + index * 2, "versions of symbols")
                yield self._string(raw[0]), version & _VERSION_BITS

    def _symbol_count(self) -> int:
        """The number of symbols, which only the hash tables hold."""
        unpack = self._fields.unpack
        if _DT_HASH in self._values:
            return unpack("II", self._offset(self._values[_DT_HASH]), "hash table")[1]
        if _DT_GNU_HASH not in self._values:
            return 0
        offset = self._offset(self._values[_DT_GNU_HASH])
        buckets, first, bloom, _ = unpack("IIII", offset, "hash table")
        offset += 16 + bloom * (8 if self._fields.wide else 4)
        # The symbols from `first` on are in a chain; those before it, mostly undefined ones, are in none.
        last = max(unpack(f"{buckets}I", offset, "hash table"), default=0)
        if last < first:
            return first
        offset += buckets * 4
        while not unpack("I", offset + (last - first) * 4, "hash table")[0] & 1:
            last += 1
        return last + 1

    def _string(self, offset: int) -> str:
        values = self._values
        if _DT_STRTAB not in values:
            raise ElfError("it has no names")
        start = self._offset(values[_DT_STRTAB])
        return self._fields.string(start + offset, start + values.get(_DT_STRSZ, 0), "name")

    def _offset(self, address: int) -> int:
        """The offset in the file of an address in memory."""
        for segment in self._loaded:
            if segment.address <= address < segment.address + segment.file_size:
                return segment.offset + address - segment.address
        raise ElfError("its dynamic section points out of the file")
