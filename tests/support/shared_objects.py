"""Shared objects by hand: what the dynamic linker reads of them, for any machine, without a compiler."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["SharedObject"]

X86_64, AARCH64 = 62, 183


@dataclass(frozen=True, kw_only=True)
class SharedObject:
    """A shared object.

    ``wants`` are the symbols by version by library; ``hashed`` is the table that tells how many symbols there are.
    """

    machine: int = X86_64
    bits: int = 64
    order: str = "<"
    type: int = 3
    needed: Sequence[str] = ("libc.so.6",)
    wants: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    soname: str | None = None
    runpath: str | None = None
    interpreter: str | None = None
    hashed: str = "gnu"

    def data(self) -> bytes:
        wide = self.bits == 64
        pack = lambda layout, *numbers: struct.pack(self.order + layout, *numbers)  # noqa: E731
        names = bytearray(b"\0")

        def name(text: str) -> int:
            at = len(names)
            names.extend(text.encode() + b"\0")
            return at

        symbol = "IBBHQQ" if wide else "IIIBBH"

        def undefined(at: int) -> bytes:
            return (
                pack(symbol, at, 0x12, 0, 0, 0, 0) if wide else pack(symbol, at, 0, 0, 0x12, 0, 0)
            )

        symbols, versions, verneed = [undefined(0)], [0], b""
        number = 2
        for file, (library, its) in enumerate(self.wants.items()):
            inner = b""
            for nth, (version, wanted) in enumerate(its.items()):
                after = 16 if nth + 1 < len(its) else 0
                inner += pack("IHHII", 0, 0, number, name(version), after)
                for each in wanted:
                    symbols.append(undefined(name(each)))
                    versions.append(number)
                number += 1
            after = 16 + len(inner) if file + 1 < len(self.wants) else 0
            verneed += pack("HHIII", 1, len(its), name(library), 16, after) + inner
        if self.hashed == "gnu":
            # Nothing is exported, so that no symbol is in a chain.
            table = pack("IIII", 1, len(symbols), 1, 6) + bytes(8 if wide else 4) + pack("I", 0)
        else:
            table = pack("II", 1, len(symbols)) + bytes(4 * (1 + len(symbols)))
        tags = [(1, name(each)) for each in self.needed]
        if self.soname is not None:
            tags.append((14, name(self.soname)))
        if self.runpath is not None:
            tags.append((29, name(self.runpath)))
        parts = [
            (6, b"".join(symbols)),
            (0x6FFFFFF0, b"".join(pack("H", version) for version in versions)),
            (0x6FFFFFFE, verneed),
            (0x6FFFFEF5 if self.hashed == "gnu" else 4, table),
            (5, bytes(names)),
        ]
        header, entry = (64, 56) if wide else (52, 32)
        program = (self.interpreter or "").encode() + b"\0"
        at = header + 3 * entry
        body = program.ljust(-(-len(program) // 8) * 8, b"\0")
        for tag, content in parts:
            if content:
                tags.append((tag, 0x1000 + at + len(body)))
                body += content.ljust(-(-len(content) // 8) * 8, b"\0")
        tags += [(10, len(names)), (0x6FFFFFFF, len(self.wants)), (0, 0)]
        dynamic = b"".join(pack("qQ" if wide else "iI", tag, value) for tag, value in tags)
        size = at + len(body) + len(dynamic)

        def segment(kind: int, offset: int, length: int) -> bytes:
            place = (offset, 0x1000 + offset, 0x1000 + offset, length, length)
            return (
                pack("IIQQQQQQ", kind, 5, *place, 1)
                if wide
                else pack("IIIIIIII", kind, *place, 5, 1)
            )

        segments = [
            segment(1, 0, size),
            segment(2, at + len(body), len(dynamic)),
            segment(3 if self.interpreter else 0, at, len(program)),
        ]
        magic = b"\x7fELF" + bytes([2 if wide else 1, 1 if self.order == "<" else 2, 1]) + bytes(9)
        head = pack(
            "HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH",
            self.type, self.machine, 1, 0, header, 0, 0, header, entry, 3, 0, 0, 0,
        )  # fmt: skip
        return magic + head + b"".join(segments) + body + dynamic
