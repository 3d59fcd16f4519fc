"""Zip archives as other tools, and nobody in their right mind, would write them."""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Odd", "compress", "make_zip"]

LOCAL = struct.Struct("<4s5H3L2H")
CENTRAL = struct.Struct("<4s6H3L5H2L")
END = struct.Struct("<4s4H2LH")
END64 = struct.Struct("<4sQ2H2L4Q")
LOCATOR = struct.Struct("<4sLQL")
M32 = 0xFFFFFFFF


def compress(data: bytes, method: int, *, level: int = 6) -> bytes:
    """As a zip archive holds it under that method."""
    match method:
        case 8:
            machine = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
            return machine.compress(data) + machine.flush()
        case 12:
            return bz2.compress(data)
        case 14:
            properties = struct.pack("<BL", (2 * 5 + 0) * 9 + 3, 1 << 20)
            filters = [{"id": lzma.FILTER_LZMA1, "lc": 3, "lp": 0, "pb": 2, "dict_size": 1 << 20}]
            return (
                b"\x09\x04\x05\x00"
                + properties
                + lzma.compress(data, lzma.FORMAT_RAW, filters=filters)
            )
        case _:
            return data


@dataclass(frozen=True, kw_only=True)
class Odd:
    """A member, of which everything can be falsified.

    ``local`` and ``central`` overwrite fields of the two headers: name, version, flags, method, crc,
    compressed, size, extra, and in the central one made_by, disk, external, offset, comment.
    """

    name: str | bytes = "a.txt"
    content: bytes = b"content of a member\n" * 3
    method: int = 0
    level: int = 6
    flags: int = 0
    mode: int = 0o100644
    raw: bytes | None = None
    # None, or "signed", "bare", "signed64": what follows the compressed bytes, the local header being zeros.
    descriptor: str | None = None
    # Sizes and offset in zip64 fields although they are small.
    zip64: bool = False
    gap: bytes = b""
    local: Mapping[str, Any] = field(default_factory=dict)
    central: Mapping[str, Any] = field(default_factory=dict)


def make_zip(
    *members: Odd,
    comment: bytes = b"",
    prefix: bytes = b"",
    zip64_end: bool = False,
    end: Mapping[str, int] | None = None,
    end64: Mapping[str, int] | None = None,
    tail: bytes = b"",
) -> bytes:
    """An archive of these members. Offsets count ``prefix``; a member's ``gap`` comes before it."""
    data = bytearray(prefix)
    directory = bytearray()
    for member in members:
        data += member.gap
        local, central = _headers(member, len(data))
        data += local
        directory += central
    start = len(data)
    values = {
        "disk": 0,
        "first_disk": 0,
        "here": len(members),
        "count": len(members),
        "size": len(directory),
        "start": start,
    }
    data += directory
    if zip64_end:
        record = len(data)
        fields = {"record_size": END64.size - 12, **values, **(end64 or {})}
        data += END64.pack(
            b"PK\6\6",
            fields["record_size"],
            45,
            45,
            fields["disk"],
            fields["first_disk"],
            fields["here"],
            fields["count"],
            fields["size"],
            fields["start"],
        )
        data += LOCATOR.pack(b"PK\6\7", 0, record, 1)
    values |= end or {}
    data += END.pack(b"PK\5\6", *values.values(), len(comment)) + comment + tail
    return bytes(data)


def _headers(member: Odd, offset: int) -> tuple[bytes, bytes]:
    raw_name = member.name
    flags = member.flags
    if isinstance(raw_name, str):
        if not raw_name.isascii():
            flags |= 1 << 11
        raw_name = raw_name.encode("utf-8", "surrogateescape")
    raw = compress(member.content, member.method, level=member.level)
    if member.raw is not None:
        raw = member.raw
    both: dict[str, Any] = {
        "name": raw_name,
        "version": 20,
        "flags": flags | (8 if member.descriptor else 0),
        "method": member.method,
        "crc": zlib.crc32(member.content),
        "compressed": len(raw),
        "size": len(member.content),
        "extra": b"",
    }
    local, central = dict(both), dict(both)
    if member.zip64:
        sizes = struct.pack("<2H2Q", 1, 16, len(member.content), len(raw))
        local |= {"compressed": M32, "size": M32, "extra": sizes}
        all_three = struct.pack("<2H3Q", 1, 24, len(member.content), len(raw), offset)
        central |= {"compressed": M32, "size": M32, "extra": all_three}
    if member.descriptor:
        local |= {"crc": 0, "compressed": 0, "size": 0}
    central |= {
        "made_by": 3 << 8 | 20,
        "disk": 0,
        "external": member.mode << 16,
        "offset": M32 if member.zip64 else offset,
        "comment": b"",
    }
    local |= member.local
    central |= member.central
    tail = {
        None: b"",
        "signed": struct.pack("<4s3L", b"PK\7\x08", both["crc"], len(raw), len(member.content)),
        "bare": struct.pack("<3L", both["crc"], len(raw), len(member.content)),
        "signed64": struct.pack("<4sL2Q", b"PK\7\x08", both["crc"], len(raw), len(member.content)),
    }[member.descriptor]
    return (
        LOCAL.pack(b"PK\3\4", *_common(local)) + local["name"] + local["extra"] + raw + tail,
        CENTRAL.pack(
            b"PK\1\2",
            central["made_by"],
            *_common(central),
            len(central["comment"]),
            central["disk"],
            0,
            central["external"],
            central["offset"],
        )
        + central["name"]
        + central["extra"]
        + central["comment"],
    )


def _common(header: Mapping[str, Any]) -> tuple[Any, ...]:
    return (
        header["version"],
        header["flags"],
        header["method"],
        0,
        1 << 5 | 1,
        header["crc"],
        header["compressed"],
        header["size"],
        len(header["name"]),
        len(header["extra"]),
    )
