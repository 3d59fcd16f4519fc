"""The libraries, versions and symbols that the dynamic section of an ELF file points to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.elf.model import PT_DYNAMIC, PT_LOAD, Dynamic, ElfError, VersionNeed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from wherry.elf.fields import Fields
    from wherry.elf.model import Segment

__all__ = ["Linking", "read_dynamic"]

_DT_NULL, _DT_NEEDED, _DT_HASH, _DT_STRTAB, _DT_SYMTAB, _DT_STRSZ = 0, 1, 4, 5, 6, 10
_DT_SONAME, _DT_RPATH, _DT_RUNPATH = 14, 15, 29
_DT_GNU_HASH, _DT_VERSYM, _DT_VERNEED, _DT_VERNEEDNUM = (
    0x6FFFFEF5,
    0x6FFFFFF0,
    0x6FFFFFFE,
    0x6FFFFFFF,
)

# The other bit of a symbol's version means `hidden`.
_VERSION_BITS = 0x7FFF


def read_dynamic(fields: Fields, segments: tuple[Segment, ...]) -> tuple[Dynamic, ...]:
    """The entries of the dynamic section, up to the one that ends it."""
    entries: list[Dynamic] = []
    layout = "qQ" if fields.wide else "iI"
    step = fields.size_of(layout)
    for segment in segments:
        if segment.type != PT_DYNAMIC:
            continue
        for offset in range(segment.offset, segment.end - step + 1, step):
            tag, value = fields.unpack(layout, offset, "dynamic section")
            if tag == _DT_NULL:
                break
            entries.append(Dynamic(tag=tag, value=value))
        break
    return tuple(entries)


class Linking:
    """The targets of the dynamic section, found by their addresses as the dynamic linker finds them."""

    def __init__(
        self, fields: Fields, segments: tuple[Segment, ...], dynamic: tuple[Dynamic, ...]
    ) -> None:
        self._fields = fields
        self._loaded = [segment for segment in segments if segment.type == PT_LOAD]
        self._entries = dynamic
        self._values: Mapping[int, int] = {entry.tag: entry.value for entry in dynamic}

    @property
    def needed(self) -> tuple[str, ...]:
        """The libraries that the file is linked with."""
        return self._strings(_DT_NEEDED)

    @property
    def soname(self) -> str | None:
        """The name that a library gives itself."""
        return next(iter(self._strings(_DT_SONAME)), None)

    @property
    def rpath(self) -> tuple[str, ...]:
        """The folders in which libraries are looked for first."""
        return self._folders(_DT_RPATH)

    @property
    def runpath(self) -> tuple[str, ...]:
        """The folders in which they are looked for after ``LD_LIBRARY_PATH``."""
        return self._folders(_DT_RUNPATH)

    def _folders(self, tag: int) -> tuple[str, ...]:
        return tuple(
            folder for paths in self._strings(tag) for folder in paths.split(":") if folder
        )

    def _strings(self, tag: int) -> tuple[str, ...]:
        return tuple(self._string(entry.value) for entry in self._entries if entry.tag == tag)

    def version_needs(self) -> tuple[VersionNeed, ...]:
        """The versions that libraries must have."""
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
