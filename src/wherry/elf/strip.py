"""Removing from an ELF file what only debuggers read.

Everything that is loaded stays where it is, byte for byte: the file is cut after its last segment, and the other
sections to keep are written after the cut, with a new table of sections. A file is not changed if that is not
certainly safe: if segments follow the debugging information (as patchelf writes them), if something was appended,
if a section looks like a signature, or if anything is not understood.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

from msgspec.structs import replace

from wherry.elf.model import EM_AARCH64, EM_X86_64, PT_LOAD, SHT_NOBITS, ElfError
from wherry.elf.reader import pack_section, read_elf

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wherry.elf.model import Elf, Section

__all__ = ["NotStrippedError", "strip_elf"]

# Debugging information in all its forms, and notes of compilers. Other sections stay, as programs may read them:
# `.gnu_debuglink`, which names the file with the debugging information, or `.note.stapsdt`.
_DEBUGGING = re.compile(
    r"\.z?debug_.*|\.gdb_index|\.stab(\..*)?|\.stabstr|\.line|\.gnu\.(lto|debuglto)_.*|\.gnu_debugdata"
    r"|\.comment|\.gnu\.build\.attributes.*"
)
_ET_EXEC, _ET_DYN = 2, 3
_SHT_NULL, _SHT_SYMTAB, _SHT_STRTAB, _SHT_RELA, _SHT_REL, _SHT_SYMTAB_SHNDX = 0, 2, 3, 4, 9, 18
_SHF_INFO_LINK = 0x40
_SIGNATURE = re.compile(r"sign|\.sig|_sig|pkcs|\.ima|fsverity", re.IGNORECASE)
_MAX_SECTIONS = 0xFF00
# The largest alignment of sections that are not loaded.
_MAX_ALIGN = 4096
# The fewest bytes that are worth the change: a page of memory.
_MIN_SAVING = 4096
# The offsets of header fields for the table of sections: its offset; its length and the index of the names.
_TABLE_OFFSET = 40
_TABLE_COUNT = 60
_PIECE = 1 << 20


class NotStrippedError(ValueError):
    """The file is not changed; ``str(error)`` is the reason."""


def strip_elf(data: bytes) -> bytes:
    """The file without what only debuggers read.

    Raises:
        NotStrippedError: there is nothing to remove, or removing it is not certainly safe.
    """
    try:
        elf = read_elf(data)
    except ElfError as error:
        raise NotStrippedError(f"it is not understood: {error}") from error
    _require_known(elf)
    end = _end_of_segments(elf)
    _require_nothing_else(data, elf, end)
    kept = _kept(elf)
    new = _rewrite(data, elf, kept, end)
    if len(new) > len(data) - _MIN_SAVING:
        raise NotStrippedError("there is almost nothing to remove")
    _verify(data, new, elf, end)
    return new


def _require_known(elf: Elf) -> None:
    header = elf.header
    if header.bits != 64 or header.order != "<" or header.machine not in {EM_X86_64, EM_AARCH64}:
        raise NotStrippedError("it is for another machine")
    if header.type not in {_ET_DYN, _ET_EXEC}:
        raise NotStrippedError("it is neither a library nor a program")
    if not elf.sections or not any(segment.type == PT_LOAD for segment in elf.segments):
        raise NotStrippedError("it has no table of sections")
    if elf.sections[0].type != _SHT_NULL or not 0 < header.names_index < len(elf.sections):
        raise NotStrippedError("its sections have no names")
    if len(elf.sections) >= _MAX_SECTIONS or header.program_count >= _MAX_SECTIONS:
        raise NotStrippedError("it has too many sections")


def _end_of_segments(elf: Elf) -> int:
    """The end of what is loaded, or what the dynamic linker or the kernel may read."""
    header = elf.header
    ends = [segment.end for segment in elf.segments if segment.file_size]
    table = header.program_offset + header.program_count * header.program_entry_size
    return max(header.size, table, *ends)


def _require_nothing_else(data: bytes, elf: Elf, end: int) -> None:
    """Require that only sections and their table follow the segments, and that unloaded sections do."""
    header = elf.header
    table = (
        header.section_offset,
        header.section_offset + (header.section_count * header.section_entry_size),
    )
    if table[0] < end:
        raise NotStrippedError("what is loaded is not before everything else")
    parts = [table]
    for section in elf.sections:
        if section.type in {SHT_NOBITS, _SHT_NULL} or not section.size:
            continue
        if section.allocated:
            if section.end > end:
                raise NotStrippedError(f"its section `{section.name}` is loaded by no segment")
            continue
        if section.offset < end:
            raise NotStrippedError("what is loaded is not before everything else")
        if _SIGNATURE.search(section.name):
            raise NotStrippedError(f"its section `{section.name}` may be a signature")
        parts.append((section.offset, section.end))
    at = end
    for start, stop in sorted(parts):
        # Between sections there is only padding.
        if start < at:
            raise NotStrippedError("its sections overlap")
        if any(data[at:start]):
            raise NotStrippedError("there is something between its sections")
        at = max(at, stop)
    if at != len(data):
        raise NotStrippedError("something was appended to it")


def _kept(elf: Elf) -> list[Section]:
    names = elf.header.names_index
    dropped: set[int] = set()
    for section in elf.sections:
        if section.allocated or section.number in {0, names}:
            continue
        if section.type in {_SHT_SYMTAB, _SHT_SYMTAB_SHNDX} or _DEBUGGING.fullmatch(section.name):
            dropped.add(section.number)
    # The names of symbols are removed with their table, and relocations with their section.
    for section in elf.sections:
        if section.number in dropped and section.type == _SHT_SYMTAB and section.link != names:
            strings = elf.sections[section.link] if section.link < len(elf.sections) else section
            if strings.type == _SHT_STRTAB and not strings.allocated:
                dropped.add(strings.number)
        if (
            section.type in {_SHT_REL, _SHT_RELA}
            and not section.allocated
            and section.info in dropped
        ):
            dropped.add(section.number)
    if not dropped:
        raise NotStrippedError("there is nothing to remove")
    loaded = [section.number for section in elf.sections if section.allocated]
    # Dynamic symbols are loaded, and name sections by their numbers.
    if loaded and min(dropped) < max(loaded):
        raise NotStrippedError("its sections are in an unusual order")
    kept = [section for section in elf.sections if section.number not in dropped]
    for section in kept:
        numbers = [section.link, section.info] if _points(section) else [section.link]
        if any(number in dropped or number >= len(elf.sections) for number in numbers):
            raise NotStrippedError(f"its section `{section.name}` needs one that would be removed")
        if not section.allocated and section.align > _MAX_ALIGN:
            raise NotStrippedError(f"its section `{section.name}` is aligned in an unusual way")
    return kept


def _points(section: Section) -> bool:
    """Whether the section's ``info`` is the number of another."""
    return bool(section.flags & _SHF_INFO_LINK) or section.type in {_SHT_REL, _SHT_RELA}


def _rewrite(data: bytes, elf: Elf, kept: list[Section], end: int) -> bytes:
    """The file up to the cut, the other sections to keep, their names and their table."""
    header = elf.header
    new_index: Mapping[int, int] = {section.number: new for new, section in enumerate(kept)}
    names, name_offset = _names(kept)
    out = bytearray(memoryview(data)[:end])
    table = []
    for section in kept:
        moved = section
        if section.type != _SHT_NULL and not section.allocated:
            _align(out, section.align)
            content = (
                names
                if section.number == header.names_index
                else data[section.offset : section.end]
            )
            size = len(content) if section.type != SHT_NOBITS else section.size
            moved = section._replace(offset=len(out), size=size)
            out += content
        moved = moved._replace(
            link=new_index[section.link],
            info=new_index[section.info] if _points(section) else section.info,
        )
        table.append(pack_section(moved, header, name_offset[section.name]))
    _align(out, 8)
    struct.pack_into("<Q", out, _TABLE_OFFSET, len(out))
    struct.pack_into("<HH", out, _TABLE_COUNT, len(kept), new_index[header.names_index])
    out += b"".join(table)
    return bytes(out)


def _names(sections: Iterable[Section]) -> tuple[bytes, Mapping[str, int]]:
    """The section of names, and the offset of each name in it."""
    names = bytearray(b"\0")
    offsets: dict[str, int] = {"": 0}
    for section in sections:
        if section.name not in offsets:
            offsets[section.name] = len(names)
            names += section.name.encode("utf-8", "surrogateescape") + b"\0"
    return bytes(names), offsets


def _align(out: bytearray, to: int) -> None:
    if to > 1:
        out += bytes(-len(out) % to)


def _verify(old: bytes, new: bytes, before: Elf, end: int) -> None:
    """Read the new file, and require that all that is loaded is unchanged and at the same offset."""
    try:
        after = read_elf(new)
    except ElfError as error:
        raise NotStrippedError(f"it would be damaged: {error}") from error
    # Of the header, three fields change; `_rewrite` has mapped the numbers of sections.
    same = (
        replace(before, header=after.header, sections=_loaded(before))
        == replace(after, sections=_loaded(after))
        and old[:_TABLE_OFFSET] == new[:_TABLE_OFFSET]
        and old[_TABLE_OFFSET + 8 : _TABLE_COUNT] == new[_TABLE_OFFSET + 8 : _TABLE_COUNT]
        # In pieces, because a slice is a copy.
        and all(
            old[at : min(at + _PIECE, end)] == new[at : min(at + _PIECE, end)]
            for at in range(_TABLE_COUNT + 4, end, _PIECE)
        )
    )
    if not same:
        raise NotStrippedError("it would be damaged")


def _loaded(elf: Elf) -> tuple[Section, ...]:
    return tuple(section._replace(link=0, info=0) for section in elf.sections if section.allocated)
