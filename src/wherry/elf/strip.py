"""Leaving out of an ELF file what only debuggers read.

Everything that is loaded stays where it is, byte for byte: a file is cut after its last segment, and what is to
stay of the rest is written behind the cut, with a new table of sections. A file of which that cannot be said with
certainty is left alone: where segments lie behind the debugging information (as patchelf makes them), where
something was appended, where a section looks like a signature, or where anything is not understood.
"""

from __future__ import annotations

import re
import struct
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from wherry.elf.reader import (
    EM_AARCH64,
    EM_X86_64,
    ET_DYN,
    ET_EXEC,
    PT_LOAD,
    SHF_INFO_LINK,
    SHT_NOBITS,
    SHT_NULL,
    SHT_REL,
    SHT_RELA,
    SHT_STRTAB,
    SHT_SYMTAB,
    SHT_SYMTAB_SHNDX,
    ElfError,
    pack_section,
    read_elf,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wherry.elf.reader import Elf, Header, Section

__all__ = ["NotStrippedError", "Stripped", "strip_elf"]

# Debugging information in all its forms, and notes of compilers. Whatever else there is stays, as somebody may
# read it: `.gnu_debuglink`, which names the file that holds what was left out, or `.note.stapsdt`.
_DEBUGGING = re.compile(
    r"\.z?debug_.*|\.gdb_index|\.stab(\..*)?|\.stabstr|\.line|\.gnu\.(lto|debuglto)_.*|\.gnu_debugdata"
    r"|\.comment|\.gnu\.build\.attributes.*"
)
_SIGNATURE = re.compile(r"sign|\.sig|_sig|pkcs|\.ima|fsverity", re.IGNORECASE)
_TOO_MANY = 0xFF00
# What sections that are not loaded are aligned to, at most.
_WIDEST = 4096
# Bytes below which a file is not worth the change: a page of memory.
_WORTH = 4096
# The fields of the header that tell of the table of sections: its offset, and its length and the names' place in it.
_TABLE_OFFSET = 40
_TABLE_COUNT = 60


class NotStrippedError(ValueError):
    """The file is left as it is; ``str(error)`` says why."""


class Stripped(NamedTuple):
    """A file without its debugging information.

    Attributes:
        data: its content.
        kept: how many bytes from its beginning are those of the whole file, but for three fields of the header.
    """

    data: bytes
    kept: int


def strip_elf(data: bytes) -> Stripped:
    """The file without what only debuggers read.

    Raises:
        NotStrippedError: there is nothing to leave out, or it cannot be done safely.
    """
    try:
        elf = read_elf(data)
    except ElfError as error:
        raise NotStrippedError(f"it is not understood: {error}") from error
    _require_known(elf)
    end = _end_of_segments(elf)
    _require_nothing_else(data, elf, end)
    kept = _kept(elf)
    new = _rewritten(data, elf, kept, end)
    if len(new) > len(data) - _WORTH:
        raise NotStrippedError("there is next to nothing to leave out")
    _prove(data, new, elf, end)
    return Stripped(new, end)


def _require_known(elf: Elf) -> None:
    header = elf.header
    if header.bits != 64 or header.order != "<" or header.machine not in {EM_X86_64, EM_AARCH64}:
        raise NotStrippedError("it is for another machine")
    if header.type not in {ET_DYN, ET_EXEC}:
        raise NotStrippedError("it is neither a library nor a program")
    if not elf.sections or not any(segment.type == PT_LOAD for segment in elf.segments):
        raise NotStrippedError("it has no table of sections")
    if elf.sections[0].type != SHT_NULL or not 0 < header.names_index < len(elf.sections):
        raise NotStrippedError("its sections have no names")
    if len(elf.sections) >= _TOO_MANY or header.program_count >= _TOO_MANY:
        raise NotStrippedError("it has too many sections")


def _end_of_segments(elf: Elf) -> int:
    """Where that ends which is loaded, or which the dynamic linker or the kernel may look at."""
    header = elf.header
    ends = [segment.end for segment in elf.segments if segment.file_size]
    table = header.program_offset + header.program_count * header.program_entry_size
    return max(header.size, table, *ends)


def _require_nothing_else(data: bytes, elf: Elf, end: int) -> None:
    """Behind the segments are sections and their table; and sections that are not loaded are there alone."""
    header = elf.header
    table = (
        header.section_offset,
        header.section_offset + (header.section_count * header.section_entry_size),
    )
    if table[0] < end:
        raise NotStrippedError("what is loaded does not lie before everything else")
    parts = [table]
    for section in elf.sections:
        if section.type in {SHT_NOBITS, SHT_NULL} or not section.size:
            continue
        if section.allocated:
            if section.end > end:
                raise NotStrippedError(f"its section `{section.name}` is loaded by no segment")
            continue
        if section.offset < end:
            raise NotStrippedError("what is loaded does not lie before everything else")
        if _SIGNATURE.search(section.name):
            raise NotStrippedError(f"its section `{section.name}` may be a signature")
        parts.append((section.offset, section.end))
    at = end
    for start, stop in sorted(parts):
        # Between sections there is nothing but what aligns them.
        if start < at:
            raise NotStrippedError("its sections overlap")
        if any(data[at:start]):
            raise NotStrippedError("something lies between its sections")
        at = max(at, stop)
    if at != len(data):
        raise NotStrippedError("something was appended to it")


def _kept(elf: Elf) -> list[Section]:
    """The sections that stay, in their order."""
    names = elf.header.names_index
    dropped: set[int] = set()
    for section in elf.sections:
        if section.allocated or section.index in {0, names}:
            continue
        if section.type in {SHT_SYMTAB, SHT_SYMTAB_SHNDX} or _DEBUGGING.fullmatch(section.name):
            dropped.add(section.index)
    # The names of symbols go with their table, and relocations with what they are of.
    for section in elf.sections:
        if section.index in dropped and section.type == SHT_SYMTAB and section.link != names:
            strings = elf.sections[section.link] if section.link < len(elf.sections) else section
            if strings.type == SHT_STRTAB and not strings.allocated:
                dropped.add(strings.index)
        if (
            section.type in {SHT_REL, SHT_RELA}
            and not section.allocated
            and section.info in dropped
        ):
            dropped.add(section.index)
    if not dropped:
        raise NotStrippedError("there is nothing to leave out")
    loaded = [section.index for section in elf.sections if section.allocated]
    # Dynamic symbols name sections by their numbers, and these lie in what is loaded.
    if loaded and min(dropped) < max(loaded):
        raise NotStrippedError("its sections stand in an unusual order")
    kept = [section for section in elf.sections if section.index not in dropped]
    for section in kept:
        numbers = [section.link, section.info] if _points(section) else [section.link]
        if any(number in dropped or number >= len(elf.sections) for number in numbers):
            raise NotStrippedError(f"its section `{section.name}` needs one that would be left out")
        if not section.allocated and section.align > _WIDEST:
            raise NotStrippedError(f"its section `{section.name}` is aligned in an unusual way")
    return kept


def _points(section: Section) -> bool:
    """Whether the section's ``info`` is the number of another."""
    return bool(section.flags & SHF_INFO_LINK) or section.type in {SHT_REL, SHT_RELA}


def _rewritten(data: bytes, elf: Elf, kept: list[Section], end: int) -> bytes:
    """The file up to the cut, what stays of the rest, the names and the table of sections."""
    header = elf.header
    number: Mapping[int, int] = {section.index: new for new, section in enumerate(kept)}
    names, place_of = _names(kept)
    out = bytearray(data[:end])
    table = []
    for section in kept:
        moved = section
        if section.type != SHT_NULL and not section.allocated:
            _align(out, section.align)
            content = (
                names if section.index == header.names_index else data[section.offset : section.end]
            )
            size = len(content) if section.type != SHT_NOBITS else section.size
            moved = replace(section, offset=len(out), size=size)
            out += content
        moved = replace(
            moved,
            link=number[section.link],
            info=number[section.info] if _points(section) else section.info,
        )
        table.append(pack_section(moved, header, place_of[section.name]))
    _align(out, 8)
    struct.pack_into("<Q", out, _TABLE_OFFSET, len(out))
    struct.pack_into("<HH", out, _TABLE_COUNT, len(kept), number[header.names_index])
    return bytes(out) + b"".join(table)


def _names(sections: Iterable[Section]) -> tuple[bytes, Mapping[str, int]]:
    """The names' section, and where each begins in it."""
    names = bytearray(b"\0")
    places: dict[str, int] = {"": 0}
    for section in sections:
        if section.name not in places:
            places[section.name] = len(names)
            names += section.name.encode("utf-8", "surrogateescape") + b"\0"
    return bytes(names), places


def _align(out: bytearray, to: int) -> None:
    if to > 1:
        out += bytes(-len(out) % to)


def _prove(old: bytes, new: bytes, before: Elf, end: int) -> None:
    """Read what was written: all that is loaded is what it was, where it was."""
    try:
        after = read_elf(new)
    except ElfError as error:
        raise NotStrippedError(f"it would be damaged: {error}") from error
    same = (
        _without_table(before.header) == _without_table(after.header)
        and before.segments == after.segments
        and before.dynamic == after.dynamic
        and before.needed == after.needed
        and before.soname == after.soname
        and (before.rpath, before.runpath) == (after.rpath, after.runpath)
        and before.interpreter == after.interpreter
        and before.version_needs == after.version_needs
        and [_loaded(section) for section in before.sections if section.allocated]
        == [_loaded(section) for section in after.sections if section.allocated]
        and old[:_TABLE_OFFSET] == new[:_TABLE_OFFSET]
        and old[_TABLE_OFFSET + 8 : _TABLE_COUNT] == new[_TABLE_OFFSET + 8 : _TABLE_COUNT]
        and old[_TABLE_COUNT + 4 : end] == new[_TABLE_COUNT + 4 : end]
    )
    if not same:
        raise NotStrippedError("it would be damaged")


def _without_table(header: Header) -> Header:
    return replace(header, section_offset=0, section_count=0, names_index=0)


def _loaded(section: Section) -> Section:
    # Numbers of sections may change; what they are the numbers of has been seen to.
    return replace(section, link=0, info=0)
