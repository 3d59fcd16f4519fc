"""Reading ELF files: headers, segments, sections, and what the dynamic linker will look for.

What the linker reads is taken from where the linker takes it, the program headers and the dynamic section:
section headers may be missing, and are not binding. Both classes (32 and 64 bits) and both byte orders are
read, so that a file for another machine can be described and not only refused.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from wherry.elf.fields import Fields
from wherry.elf.linking import Linking, read_dynamic
from wherry.elf.model import PT_INTERP, Elf, ElfError, Header, Section, Segment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from mmap import mmap

__all__ = ["pack_section", "read_elf"]

_HEADER_64, _HEADER_32 = "HHIQQQIHHHHHH", "HHIIIIIHHHHHH"
_SEGMENT_64, _SEGMENT_32 = "IIQQQQQQ", "IIIIIIII"
_SECTION_64, _SECTION_32 = "IIQQQQIIQQ", "IIIIIIIIII"

# Instead of counts that do not fit into the header's 16 bits; the first section then holds the counts.
_PN_XNUM, _SHN_XINDEX = 0xFFFF, 0xFFFF


def read_elf(data: bytes | bytearray | memoryview | mmap) -> Elf:
    """Read a file.

    Raises:
        ElfError: it is not an ELF file, is damaged, or is of a kind that is not understood.
    """
    with memoryview(data) as view:
        return _Reader(view).elf()


def pack_section(section: Section, header: Header, name_offset: int) -> bytes:
    """The bytes of a section header; ``name_offset`` is that of its name in the section of names."""
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


class _Reader:
    def __init__(self, data: memoryview) -> None:
        self._fields = Fields(data)

    def elf(self) -> Elf:
        header = self._header()
        segments = tuple(self._segments(header))
        dynamic = read_dynamic(self._fields, segments)
        linking = Linking(self._fields, segments, dynamic)
        return Elf(
            header=header,
            segments=segments,
            sections=self._sections(header),
            dynamic=dynamic,
            needed=linking.needed,
            soname=linking.soname,
            rpath=linking.rpath,
            runpath=linking.runpath,
            interpreter=self._interpreter(segments),
            version_needs=linking.version_needs(),
        )

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
        ) = self._fields.unpack(_HEADER_64 if self._fields.wide else _HEADER_32, 16, "header")
        if section_offset:
            self._require_entry("section", section_entry_size, self._section_layout)
            escaped = program_count == _PN_XNUM or names_index == _SHN_XINDEX
            if escaped or not section_count:
                first = self._fields.unpack(self._section_layout, section_offset, "section table")
                section_count = section_count or first[5]
                program_count = first[7] if program_count == _PN_XNUM else program_count
                names_index = first[6] if names_index == _SHN_XINDEX else names_index
        if program_count:
            self._require_entry("program", program_entry_size, self._segment_layout)
        return Header(
            bits=64 if self._fields.wide else 32,
            order=self._fields.order,
            os_abi=self._fields.data[7],
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

    def _require_entry(self, noun: str, size: int, layout: str) -> None:
        if size != self._fields.size_of(layout):
            raise ElfError(f"the entries of its {noun} table have {size} bytes")

    @property
    def _segment_layout(self) -> str:
        return _SEGMENT_64 if self._fields.wide else _SEGMENT_32

    @property
    def _section_layout(self) -> str:
        return _SECTION_64 if self._fields.wide else _SECTION_32

    def _segments(self, header: Header) -> Iterator[Segment]:
        self._require_table(
            "program", header.program_offset, header.program_count, self._segment_layout
        )
        step = self._fields.size_of(self._segment_layout)
        for index in range(header.program_count):
            raw = self._fields.unpack(
                self._segment_layout, header.program_offset + index * step, "program table"
            )
            # In the narrow layout the flags come later.
            if self._fields.wide:
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

    def _require_table(self, noun: str, offset: int, count: int, layout: str) -> None:
        """Refuse a count that a damaged file could not hold, before counting to it."""
        if count and offset + count * self._fields.size_of(layout) > len(self._fields.data):
            raise ElfError(f"its {noun} table lies beyond its end")

    def _section_table(self, header: Header) -> Iterator[tuple[int, ...]]:
        self._require_table(
            "section", header.section_offset, header.section_count, self._section_layout
        )
        step = self._fields.size_of(self._section_layout)
        for index in range(header.section_count):
            yield self._fields.unpack(
                self._section_layout, header.section_offset + index * step, "section table"
            )

    def _sections(self, header: Header) -> tuple[Section, ...]:
        table = list(self._section_table(header))
        start, end = 0, 0
        if 0 < header.names_index < len(table):
            start = table[header.names_index][4]
            end = start + table[header.names_index][5]
        return tuple(
            Section(
                index=index,
                name=self._fields.string(start + raw[0], end, "section's name") if end else "",
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
                return self._fields.string(segment.offset, segment.end, "interpreter")
        return None
