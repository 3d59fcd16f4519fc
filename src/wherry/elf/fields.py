"""Reading the fields of an ELF file: numbers in its byte order, and strings."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from wherry.elf.model import ElfError, is_elf

if TYPE_CHECKING:
    from wherry.elf.model import Order

__all__ = ["Fields"]


class Fields:
    """The fields of a file, at their offsets.

    Raises:
        ElfError: it is not an ELF file, or is of a kind that is not understood.
    """

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

    def size_of(self, layout: str) -> int:
        """The size in bytes of fields of this layout."""
        return struct.calcsize(self.order + layout)
