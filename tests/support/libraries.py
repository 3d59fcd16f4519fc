"""Tiny ELF files, made by hand for any machine, with the parts that linkers and strippers look at."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

__all__ = ["Library", "Part"]

NULL, PROGBITS, SYMTAB, STRTAB, RELA, NOBITS, DYNSYM = 0, 1, 2, 3, 4, 8, 11
ALLOC, INFO_LINK = 2, 0x40
_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_SECTION = struct.Struct("<IIQQQQIIQQ")


@dataclass(frozen=True, kw_only=True)
class Part:
    """A section: loaded, or behind what is loaded. ``link`` and ``info`` are names of other sections."""

    name: str
    data: bytes
    kind: int = PROGBITS
    loaded: bool = False
    link: str = ""
    info: str = ""
    flags: int = 0
    align: int = 1


@dataclass(frozen=True, kw_only=True)
class Library:
    """A shared library: a header, its segments, what is loaded, the rest, and the table of sections."""

    machine: int = 62
    kind: int = 3
    bits: int = 64
    parts: tuple[Part, ...] = (
        Part(name=".dynsym", data=bytes(24), kind=DYNSYM, loaded=True, align=8),
        Part(name=".text", data=bytes(range(256)) * 40, loaded=True, align=16),
        Part(name=".rela.plt", data=bytes(24), kind=RELA, loaded=True, link=".dynsym", info=".text", flags=INFO_LINK),
        Part(name=".comment", data=b"GCC: (GNU) 14\0"),
        Part(name=".debug_info", data=b"debug " * 3000, align=1),
        Part(name=".rela.debug_info", data=bytes(48), kind=RELA, link=".symtab", info=".debug_info"),
        Part(name=".gnu_debuglink", data=b"x.debug\0crc!", align=4),
        Part(name=".symtab", data=bytes(24) * 100, kind=SYMTAB, link=".strtab", align=8),
        Part(name=".strtab", data=b"\0name" * 200, kind=STRTAB),
        Part(name=".shstrtab", data=b"", kind=STRTAB),
    )  # fmt: skip
    appended: bytes = b""
    between: bytes = b""
    # Another segment, behind the table of sections, as patchelf appends it.
    late: bytes = b""

    def without(self, *names: str) -> Library:
        return replace(self, parts=tuple(part for part in self.parts if part.name not in names))

    def with_parts(self, *parts: Part) -> Library:
        """With these before the section of the names."""
        return replace(self, parts=(*self.parts[:-1], *parts, self.parts[-1]))

    def data(self) -> bytes:
        names = b"\0" + b"".join(part.name.encode() + b"\0" for part in self.parts)
        number = {part.name: index for index, part in enumerate(self.parts, start=1)}
        segments = 2 + bool(self.late)
        out = bytearray(_HEADER.size + segments * _SEGMENT.size)
        table = [bytes(_SECTION.size)]
        loaded_end = len(out)
        for part in sorted(self.parts, key=lambda part: not part.loaded):
            data = names if part.name == ".shstrtab" else part.data
            if not part.loaded:
                out += self.between
            out += bytes(-len(out) % part.align)
            place = len(out)
            out += data
            if part.loaded:
                loaded_end = len(out)
            table.append(
                _SECTION.pack(
                    names.index(b"\0" + part.name.encode() + b"\0") + 1,
                    part.kind,
                    part.flags | (ALLOC if part.loaded else 0),
                    place if part.loaded else 0,
                    place,
                    len(data),
                    number.get(part.link, 0),
                    number.get(part.info, 0),
                    part.align,
                    24 if part.kind in {SYMTAB, RELA, DYNSYM} else 0,
                )
            )
        # The table is in the order of the parts, whatever order they lie in.
        order = sorted(range(len(self.parts)), key=lambda index: not self.parts[index].loaded)
        by_part = dict(zip(order, table[1:], strict=True))
        rows = [table[0], *(by_part[index] for index in range(len(self.parts)))]
        out += bytes(-len(out) % 8)
        place = len(out)
        out += b"".join(rows)
        _SEGMENT.pack_into(out, _HEADER.size, 1, 5, 0, 0, 0, loaded_end, loaded_end, 0x1000)
        _SEGMENT.pack_into(out, _HEADER.size + _SEGMENT.size, 0x6474E551, 6, 0, 0, 0, 0, 0, 16)
        if self.late:
            out += bytes(-len(out) % 0x1000)
            _SEGMENT.pack_into(
                out, _HEADER.size + 2 * _SEGMENT.size,
                1, 6, len(out), len(out), len(out), len(self.late), len(self.late), 0x1000,
            )  # fmt: skip
            out += self.late
        _HEADER.pack_into(
            out, 0,
            b"\x7fELF" + bytes([self.bits // 32, 1, 1]), self.kind, self.machine, 1, 0, _HEADER.size, place, 0,
            _HEADER.size, _SEGMENT.size, segments, _SECTION.size, len(rows), number.get(".shstrtab", 0),
        )  # fmt: skip
        return bytes(out) + self.appended
