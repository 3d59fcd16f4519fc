"""Reading the directory of a zip archive from an untrusted source.

The structures are those of PKWARE's APPNOTE.TXT 6.3.10; comments name its sections. Only what is needed to copy
members is read: names, sizes, CRCs and offsets of compressed bytes. Archives that two readers could understand
differently (names or sizes that disagree between the directory and the header of a member, overlapping members,
repeated names) are refused, as installers refuse them.
"""

from __future__ import annotations

import mmap
import struct
import zlib
from stat import S_ISLNK
from typing import TYPE_CHECKING, NamedTuple

from wherry.bundle.entry import STORED, Slice
from wherry.errors import ArchiveError
from wherry.files import open_regular, reason_of

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Member", "read_archive"]

# 4.3.16 end of central directory, 4.3.15 and 4.3.14 its zip64 locator and record,
# 4.3.12 central directory header, 4.3.7 local file header.
_END = struct.Struct("<4s4H2LH")
_END64_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_MAX_COMMENT = 0xFFFF
_MAX16 = 0xFFFF
_MAX32 = 0xFFFFFFFF

_FLAG_ENCRYPTED = 1 << 0
_FLAG_DESCRIPTOR = 1 << 3
_FLAG_STRONG_ENCRYPTION = 1 << 6
_FLAG_UTF8 = 1 << 11
_FLAG_MASKED = 1 << 13

_ZIP64_FIELD = 0x0001
_OVERFLOWING = ((_MAX32, "<Q"), (_MAX32, "<Q"), (_MAX32, "<Q"), (_MAX16, "<L"))
_UNICODE_PATH_FIELD = 0x7075  # "up"
_EXECUTABLE_BITS = 0o111
_PERMISSIONS = 0o777
# 4.4.2: the systems whose modes are those of Unix: itself, and macOS.
_UNIX = (3, 19)


class Member(NamedTuple):
    """A file in an archive, and the offset of its compressed bytes.

    ``name`` is that of the archive, not yet checked for safety. ``executable`` is whether its mode has an execute
    bit, whatever system made the archive, as pip and uv install it. A symbolic link is a plain file that holds
    its target, as it is for them. ``size`` and ``crc`` are those of the decompressed content. Folders are not
    members. ``mode`` has the permissions of an archive made on Unix and is 0 for others; ``modified`` is the date
    and the time as MS-DOS writes them, the date in the upper half. ``is_link`` is whether Unix calls it a link.
    """

    name: str
    executable: bool
    method: int
    offset: int
    compressed_size: int
    size: int
    crc: int
    mode: int = 0
    modified: int = 0
    is_link: bool = False

    def slice(self, archive: Path) -> Slice:
        """Its bytes in the archive, as a payload; its method must be one that Lambda reads."""
        # Some tools mark an empty file as deflated although it has no deflate stream.
        method = self.method if self.compressed_size or self.size else STORED
        return Slice(archive, self.offset, self.compressed_size, self.size, self.crc, method)


def read_archive(path: Path) -> tuple[Member, ...]:
    """The files of a zip archive in the order of its directory. Contents are not decompressed.

    Raises:
        ArchiveError: it is not a zip archive, is truncated, encrypted or ambiguous.
    """
    try:
        with (
            open_regular(path) as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
        ):
            return _members(data, path.name)
    except OSError as error:
        raise ArchiveError(f"cannot read `{path}`", where=[reason_of(error)]) from error
    except ValueError as error:  # an empty file cannot be mapped
        raise ArchiveError(f"`{path.name}` is not a zip archive", where=["it is empty"]) from error


def _members(data: mmap.mmap, name: str) -> tuple[Member, ...]:
    count, start, size = _directory(data, name)
    directory = data[start : start + size]
    members: list[Member] = []
    spans: list[tuple[int, int]] = []
    position = 0
    for _ in range(count):
        try:
            fields = _CENTRAL.unpack_from(directory, position)
        except struct.error:
            raise _damaged(name, "its directory ends early") from None
        *header, name_size, extra_size, comment_size, disk, _internal, external, offset = fields
        signature, made_by, _needed, flags, method, clock, day, crc, compressed, plain = header
        if signature != b"PK\x01\x02":
            raise _damaged(name, f"entry {len(spans)} of its directory is malformed")
        position += _CENTRAL.size
        raw_name = directory[position : position + name_size]
        extra = directory[position + name_size : position + name_size + extra_size]
        position += name_size + extra_size + comment_size
        if len(raw_name) != name_size or position > size:
            raise _damaged(name, "its directory ends early")
        text = _decode(raw_name, flags, extra, name)
        if flags & (_FLAG_ENCRYPTED | _FLAG_STRONG_ENCRYPTION | _FLAG_MASKED):
            raise ArchiveError(
                f"`{name}` is encrypted", where=[f"its member `{_shown(text)}` needs a password"]
            )
        if _MAX32 in (plain, compressed, offset) or disk == _MAX16:
            plain, compressed, offset, disk = _zip64(extra, plain, compressed, offset, disk, name)
        if disk != 0:
            raise _damaged(name, "it is one part of a split archive")
        begin = _data_offset(data, offset, raw_name, (flags, method, crc, compressed, plain), name)
        end = begin + compressed
        if end > start:
            raise _damaged(name, f"its member `{_shown(text)}` reaches past the end of the data")
        spans.append((offset, end))
        if text.endswith("/"):
            if plain:
                raise _damaged(name, f"its folder `{_shown(text)}` has content")
            continue
        executable = bool(external >> 16 & _EXECUTABLE_BITS)
        mode = external >> 16 & _PERMISSIONS if made_by >> 8 in _UNIX else 0
        is_link = made_by >> 8 in _UNIX and S_ISLNK(external >> 16)
        times = day << 16 | clock
        members.append(
            Member(text, executable, method, begin, compressed, plain, crc, mode, times, is_link)
        )
    if position != size:
        raise _damaged(name, "its directory is longer than its entries")
    _refuse_overlap(spans, name)
    return _unique(members, data, name)


def _directory(data: mmap.mmap, name: str) -> tuple[int, int, int]:
    """The number of entries in the central directory, its offset and its size in bytes."""
    end = data.rfind(b"PK\x05\x06", max(0, len(data) - _END.size - _MAX_COMMENT))
    if end < 0 or end + _END.size > len(data):
        where = "it has no central directory"
        if data[:4] == b"PK\x03\x04":
            where = "it begins like a zip archive and ends early: the file is truncated"
        raise ArchiveError(f"`{name}` is not a zip archive", where=[where])
    _, disk, first_disk, here, count, size, start, comment = _END.unpack_from(data, end)
    if end + _END.size + comment != len(data):
        raise _damaged(name, "there is something after its end")
    directory_end = end
    at = end - _END64_LOCATOR.size
    # Some readers use the zip64 record only if a field has overflowed, some always. Both must find the same
    # values.
    if at >= 0 and data[at : at + 4] == b"PK\x06\x07":
        short = (disk, first_disk, here, count, size, start)
        _, _, record, _ = _END64_LOCATOR.unpack_from(data, at)
        if record + _END64.size > at or data[record : record + 4] != b"PK\x06\x06":
            raise _damaged(name, "its zip64 record is not where it should be")
        fields = _END64.unpack_from(data, record)
        disk, first_disk, here, count, size, start = fields[4:]
        overflow = (_MAX16, _MAX16, _MAX16, _MAX16, _MAX32, _MAX32)
        for few, many, most in zip(short, fields[4:], overflow, strict=True):
            if few not in (many, most):
                raise _damaged(name, "its two ends contradict each other")
        # The size excludes the signature and itself.
        if record + 12 + fields[1] != at:
            raise _damaged(name, "its zip64 record is not where it should be")
        directory_end = record
    if disk or first_disk or here != count:
        raise _damaged(name, "it is one part of a split archive")
    # Some tools read what is between the directory and its end, or before the first member, others do not.
    if start + size != directory_end:
        raise _damaged(name, "its directory is not where its end says")
    return count, start, size


def _zip64(
    extra: bytes, plain: int, compressed: int, offset: int, disk: int, name: str
) -> tuple[int, int, int, int]:
    """The sizes, the offset and the disk, from the zip64 extra field (4.5.3) if they did not fit."""
    field = _field(extra, _ZIP64_FIELD)
    if field is None:
        return plain, compressed, offset, disk
    values = [plain, compressed, offset, disk]
    at = 0
    try:
        for index, (most, layout) in enumerate(_OVERFLOWING):
            if values[index] == most:
                (values[index],) = struct.unpack_from(layout, field, at)
                at += struct.calcsize(layout)
    except struct.error:
        raise _damaged(name, "a zip64 field is too short") from None
    plain, compressed, offset, disk = values
    return plain, compressed, offset, disk


def _field(extra: bytes, kind: int) -> bytes | None:
    position = 0
    while position + 4 <= len(extra):
        field_kind, size = struct.unpack_from("<2H", extra, position)
        position += 4
        if field_kind == kind:
            return extra[position : position + size]
        position += size
    return None


def _data_offset(
    data: mmap.mmap,
    offset: int,
    raw_name: bytes,
    central: tuple[int, int, int, int, int],
    name: str,
) -> int:
    """The offset of a member's bytes. Its own header must agree with the directory."""
    flags, method, crc, compressed, plain = central
    try:
        header = _LOCAL.unpack_from(data, offset)
    except (struct.error, OverflowError):
        raise _damaged(name, "a member lies outside of the file") from None
    signature, _needed, own_flags, own_method, _time, _date, own_crc = header[:7]
    own_compressed, own_plain, name_size, extra_size = header[7:]
    begin: int = offset + _LOCAL.size
    own_name = data[begin : begin + name_size]
    if signature != b"PK\x03\x04":
        raise _damaged(name, "a member is not where the directory says")
    if own_name != raw_name or own_method != method or (own_flags ^ flags) & _FLAG_ENCRYPTED:
        raise _damaged(name, f"the member {raw_name[:80]!r} is described differently in two places")
    if _MAX32 in (own_plain, own_compressed):
        extra = data[begin + name_size : begin + name_size + extra_size]
        own_plain, own_compressed, _, _ = _zip64(extra, own_plain, own_compressed, 0, 0, name)
    own = (own_crc, own_compressed, own_plain)
    if own != (crc, compressed, plain):
        # Writers of data descriptors did not know them yet, and wrote zero or less (4.4.4).
        unknown = own_flags & _FLAG_DESCRIPTOR
        pairs = zip(own, central[2:], strict=True)
        if not unknown or any(first not in (second, 0, _MAX32) for first, second in pairs):
            raise _damaged(name, f"the member {raw_name[:80]!r} has two different sizes or CRCs")
    end: int = begin + name_size + extra_size
    return end


def _decode(raw: bytes, flags: int, extra: bytes, name: str) -> str:
    """The name of a member: UTF-8 if its flag says so, otherwise code page 437 (appendix D).

    Info-ZIP writes the Unicode name in an extra field (4.6.9).
    """
    try:
        text = raw.decode() if flags & _FLAG_UTF8 or raw.isascii() else raw.decode("cp437")
        field = _field(extra, _UNICODE_PATH_FIELD) if extra else None
        if field is None or field[:5] != struct.pack("<BL", 1, zlib.crc32(raw)):
            return text
        other = field[5:].decode()
    except UnicodeDecodeError:
        raise _damaged(name, f"the name {raw[:80]!r} is marked as UTF-8 and is not") from None
    if other != text and (flags & _FLAG_UTF8 or raw.isascii()):
        raise _damaged(name, f"the member {raw[:80]!r} has two different names")
    return other


def _refuse_overlap(spans: list[tuple[int, int]], name: str) -> None:
    # Overlapping members let a small archive hold petabytes.
    last = 0
    for offset, end in sorted(spans):
        if offset < last:
            raise _damaged(name, "its members overlap")
        if offset and not last:
            raise _damaged(name, "there is something before its first member")
        last = end


def _unique(members: list[Member], data: mmap.mmap, name: str) -> tuple[Member, ...]:
    """The members without equal repetitions."""
    seen: dict[str, Member] = {}
    for member in members:
        first = seen.setdefault(member.name, member)
        if first is not member and _fingerprint(first, data) != _fingerprint(member, data):
            raise ArchiveError(
                f"`{name}` is ambiguous",
                where=[f"it holds two different files `{_shown(member.name)}`"],
            )
    return tuple(seen.values())


def _fingerprint(member: Member, data: mmap.mmap) -> tuple[object, ...]:
    # CRCs can be forged, so the compressed bytes are compared.
    end = member.offset + member.compressed_size
    return (*member[:3], *member[4:7], data[member.offset : end])


def _shown(text: str) -> str:
    """A name of the archive, escaped so that it cannot control a terminal."""
    return repr(text[:200])[1:-1]


def _damaged(name: str, reason: str) -> ArchiveError:
    return ArchiveError(f"`{name}` is not a valid zip archive", where=[reason])
