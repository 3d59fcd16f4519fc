"""Reading archives that tools, careless people and attackers make."""

from __future__ import annotations

import io
import struct
import tracemalloc
import warnings
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.archives import M32, Odd, compress, make_zip
from support.wheels import make_wheel
from wherry.bundle.archive import Member, read_archive
from wherry.bundle.content import read_all
from wherry.bundle.entry import Slice
from wherry.errors import ArchiveError

if TYPE_CHECKING:
    from pathlib import Path


def read(path: Path, data: bytes) -> tuple[Member, ...]:
    path.write_bytes(data)
    return read_archive(path)


def contents(path: Path, members: tuple[Member, ...]) -> dict[str, bytes]:
    return {
        m.name: read_all(Slice(path, m.offset, m.compressed_size, m.size, m.crc, m.method))
        for m in members
    }


def reason(path: Path, data: bytes) -> str:
    with pytest.raises(ArchiveError) as caught:
        read(path, data)
    assert "`odd.whl`" in caught.value.message
    assert "\n" not in caught.value.message
    (where,) = caught.value.where
    assert "\n" not in where
    return where


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    return tmp_path / "odd.whl"


def info_zip(name: str, content: bytes) -> Odd:
    """As `zip` on Linux: times and owners, more of them in the local header."""
    local = b"UT\x09\x00\x03" + bytes(8) + b"ux\x0b\x00\x01\x04" + bytes(4) + b"\x04" + bytes(4)
    central = b"UT\x05\x00\x03" + bytes(4) + b"ux\x0b\x00\x01\x04" + bytes(4) + b"\x04" + bytes(4)
    return Odd(
        name=name,
        content=content,
        method=8,
        local={"extra": local, "version": 20},
        central={"extra": central, "made_by": 3 << 8 | 30, "version": 20},
    )


# What the writers of zip archives make that differs from Python's own.
WRITERS = {
    "python": Odd(method=8),
    "python, not seekable": Odd(method=8, descriptor="signed"),
    "python, zip64 asked for": Odd(
        method=8,
        local={
            "compressed": M32,
            "size": M32,
            "version": 45,
            "extra": struct.pack("<2H2Q", 1, 16, 60, 25),
        },
    ),
    "python, zip64 asked for and not seekable": Odd(
        method=8,
        descriptor="signed64",
        local={
            "compressed": M32,
            "size": M32,
            "version": 45,
            "extra": struct.pack("<2H2Q", 1, 16, 0, 0),
        },
    ),
    "info-zip": info_zip("a.txt", b"content of a member\n" * 3),
    "info-zip, streamed": Odd(
        method=8,
        descriptor="signed",
        local={"version": 20},
        central={"version": 20, "made_by": 3 << 8 | 30},
    ),
    "go": Odd(
        method=8,
        descriptor="signed",
        local={"extra": b"UT\x05\x00\x01" + bytes(4)},
        central={"extra": b"UT\x05\x00\x01" + bytes(4)},
    ),
    "java": Odd(method=8, descriptor="signed", local={"extra": b"\xfe\xca\0\0"}),
    "rust, large file": Odd(
        method=8,
        local={
            "compressed": M32,
            "size": M32,
            "version": 45,
            "extra": struct.pack("<2H2Q", 1, 16, 60, 25),
        },
        central={"version": 45},
    ),
    "macOS": Odd(
        method=8,
        descriptor="signed",
        local={"extra": b"UX\x0c\x00" + bytes(12), "version": 20},
        central={"extra": b"UX\x08\x00" + bytes(8), "made_by": 3 << 8 | 21},
    ),
    "descriptor without signature": Odd(method=8, descriptor="bare"),
    "descriptor and sizes": Odd(
        method=8,
        descriptor="signed",
        local={
            "crc": zlib.crc32(b"content of a member\n" * 3),
            "size": 60,
            "compressed": 25,
        },
    ),
    "windows": Odd(method=8, central={"made_by": 20, "external": 0x20}),
    "flag of the level": Odd(method=8, local={"flags": 2}, central={"flags": 2}),
    "UTF-8 flag in one place": Odd(method=8, local={"flags": 0}, central={"flags": 1 << 11}),
    "stored": Odd(),
    "bzip2": Odd(method=12, local={"version": 46}, central={"version": 46}),
    "lzma": Odd(method=14, flags=2, local={"version": 63}, central={"version": 63}),
    "zip64 in both": Odd(method=8, zip64=True),
    "comment on a member": Odd(method=8, central={"comment": b"PK\5\6" + bytes(30)}),
    "empty, called deflated": Odd(method=8, content=b"", raw=b""),
    "align padding": Odd(local={"extra": bytes(3)}),
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("zip64_end", [False, True])
def test_what_real_writers_make_is_read_as_python_reads_it(
    odd: Path, name: str, zip64_end: bool
) -> None:
    member = WRITERS[name]
    data = make_zip(Odd(name="first", method=8), member, zip64_end=zip64_end)
    members = read(odd, data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        expected = {info.filename: archive.read(info) for info in archive.infolist()}
    if name == "empty, called deflated":
        assert [m.size for m in members] == [60, 0]
    else:
        assert contents(odd, members) == expected
    assert [m.name for m in members] == list(expected)


def test_the_sizes_used_above_are_right() -> None:
    assert len(Odd().content) == 60
    assert len(compress(Odd().content, 8)) == 25


@pytest.mark.parametrize("force_zip64", [False, True])
@pytest.mark.parametrize("seekable", [False, True])
@pytest.mark.parametrize(
    "method",
    [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA],
)
def test_whatever_python_writes_is_read(
    odd: Path, method: int, seekable: bool, force_zip64: bool
) -> None:
    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.data = b""

        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            self.data += bytes(data)
            return len(data)

    target = io.BytesIO() if seekable else Pipe()
    files = {"a.py": b"x = 1\n" * 50, "pkg/ü.txt": b"", "pkg/data.bin": bytes(range(256)) * 40}
    with zipfile.ZipFile(target, "w", method) as archive:
        archive.comment = b"a comment"
        archive.writestr(zipfile.ZipInfo("pkg/"), b"")
        for name, content in files.items():
            with archive.open(name, "w", force_zip64=force_zip64) as file:
                file.write(content)
    data = target.getvalue() if isinstance(target, io.BytesIO) else target.data
    members = read(odd, data)
    assert contents(odd, members) == files


def test_many_members_and_the_zip64_record(odd: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(70_000):
            archive.writestr(zipfile.ZipInfo(f"pkg/{number:x}"), b"")
    assert b"PK\6\6" in buffer.getvalue()
    assert len(read(odd, buffer.getvalue())) == 70_000


def test_exactly_65535_members_need_no_zip64_record(odd: Path) -> None:
    data = make_zip(*(Odd(name=f"{number}", content=b"") for number in range(0xFFFF)))
    assert b"PK\6\6" not in data
    assert len(read(odd, data)) == 0xFFFF


def test_empty_archives(odd: Path) -> None:
    assert read(odd, make_zip()) == ()
    assert read(odd, make_zip(zip64_end=True)) == ()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "it is empty"),
        (b"x", "it has no central directory"),
        (b"<html>404</html>", "it has no central directory"),
        (b"PK\3\4" + bytes(200), "the file is truncated"),
        (b"PK\5\6", "it has no central directory"),
    ],
)
def test_what_is_no_archive(odd: Path, data: bytes, why: str) -> None:
    assert why in reason(odd, data)


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="cannot read"):
        read_archive(tmp_path / "absent.whl")
    with pytest.raises(ArchiveError, match="cannot read"):
        read_archive(tmp_path)


@pytest.mark.parametrize(
    ("name", "mode", "executable"),
    [
        ("a", 0o100644, False),
        ("a", 0o100755, True),
        ("a", 0o100744, True),
        ("a", 0o100654, True),
        ("a", 0o755, True),
        ("a", 0, False),
        # A link to install it as would be a way out of the package: it is a file that holds its target.
        ("a", 0o120777, True),
    ],
)
def test_execute_bits(odd: Path, name: str, mode: int, executable: bool) -> None:
    (member,) = read(odd, make_zip(Odd(name=name, mode=mode, content=b"../../etc/passwd")))
    assert member.executable is executable
    assert contents(odd, (member,)) == {name: b"../../etc/passwd"}


@pytest.mark.parametrize("made_by", [0, 3, 19, 10])
def test_execute_bits_count_whatever_system_made_them(odd: Path, made_by: int) -> None:
    (member,) = read(odd, make_zip(Odd(mode=0o100755, central={"made_by": made_by << 8 | 20})))
    assert member.executable


def test_folders_are_no_members(odd: Path) -> None:
    folder = Odd(name="pkg/", content=b"", mode=0o40755)
    deflated = Odd(name="pkg/sub/", content=b"", method=8)
    assert [m.name for m in read(odd, make_zip(folder, deflated, Odd(name="pkg/x")))] == ["pkg/x"]
    assert "has content" in reason(odd, make_zip(Odd(name="pkg/", content=b"x")))


@pytest.mark.parametrize(
    "name", ["../x", "/x", "C:\\x", "a\\b", "", "a\nb", ".", "a//b", "\N{SNOWMAN}"]
)
def test_names_are_handed_on_as_they_are(odd: Path, name: str) -> None:
    """Their safety is `check_path`'s business, when they become entries."""
    assert [m.name for m in read(odd, make_zip(Odd(name=name)))] == [name]


class TestNames:
    def test_code_page_437_without_the_flag(self, odd: Path) -> None:
        assert read(odd, make_zip(Odd(name=b"caf\x82")))[0].name == "café"

    def test_the_flag_is_held_to(self, odd: Path) -> None:
        assert "is marked as UTF-8" in reason(odd, make_zip(Odd(name=b"caf\x82", flags=1 << 11)))

    @staticmethod
    def unicode_path(raw: bytes, name: bytes, *, version: int = 1) -> dict[str, bytes]:
        field = struct.pack("<BL", version, zlib.crc32(raw)) + name
        return {"extra": b"xx\2\0ab" + struct.pack("<2H", 0x7075, len(field)) + field}

    def test_info_zips_own_field(self, odd: Path) -> None:
        central = self.unicode_path(b"caf\xe9", "café".encode())
        assert read(odd, make_zip(Odd(name=b"caf\xe9", central=central)))[0].name == "café"

    def test_info_zips_field_of_another_name_or_version_is_ignored(self, odd: Path) -> None:
        for central in (
            self.unicode_path(b"other", b"evil"),
            self.unicode_path(b"caf\x82", b"evil", version=2),
        ):
            assert read(odd, make_zip(Odd(name=b"caf\x82", central=central)))[0].name == "café"

    def test_two_names_are_refused(self, odd: Path) -> None:
        central = self.unicode_path(b"good", b"evil")
        assert "two different names" in reason(odd, make_zip(Odd(name="good", central=central)))
        central = self.unicode_path("gööd".encode(), b"evil")
        assert "two different names" in reason(odd, make_zip(Odd(name="gööd", central=central)))


@pytest.mark.parametrize(
    "flags", [1, 1 << 6, 1 << 13, 1 | 8], ids=["password", "strong", "masked", "with descriptor"]
)
def test_encrypted_members_are_named(odd: Path, flags: int) -> None:
    odd.write_bytes(make_zip(Odd(name="ok"), Odd(name="secret.py", flags=flags)))
    with pytest.raises(ArchiveError, match="is encrypted") as caught:
        read_archive(odd)
    assert caught.value.where == ("its member `secret.py` needs a password",)


@pytest.mark.parametrize("name", ["a\nb", "a\x1b[2Jb", "a\r", "\x00", "\x9b", "x" * 60_000])
def test_names_do_no_mischief_in_messages(odd: Path, name: str) -> None:
    for members in (
        [Odd(name=name, flags=1)],
        [Odd(name=name), Odd(name=name, content=b"other")],
        [Odd(name=f"{name}/")],
        [Odd(name=name, local={"crc": 1})],
        [Odd(name=name, central={"compressed": 1 << 20}, local={"compressed": 1 << 20})],
    ):
        where = reason(odd, make_zip(*members))
        assert where.isprintable()
        assert len(where) < 400


class TestRepeatedMembers:
    def test_the_same_twice_counts_once(self, odd: Path) -> None:
        members = read(odd, make_zip(Odd(name="a"), Odd(name="b"), Odd(name="a")))
        assert [m.name for m in members] == ["a", "b"]

    @pytest.mark.parametrize(
        "other",
        [
            Odd(name="a", content=b"other"),
            Odd(name="a", mode=0o100755),
            Odd(name="a", method=8),
        ],
    )
    def test_different_ones_are_refused(self, odd: Path, other: Odd) -> None:
        assert "two different files `a`" in reason(odd, make_zip(Odd(name="a"), other))

    def test_a_forged_crc_is_no_help(self, odd: Path) -> None:
        members = Odd(name="a", content=b"plumless"), Odd(name="a", content=b"buckeroo")
        assert zlib.crc32(members[0].content) == zlib.crc32(members[1].content)
        assert "two different files `a`" in reason(odd, make_zip(*members))

    def test_as_python_writes_them(self, odd: Path) -> None:
        with warnings.catch_warnings(), zipfile.ZipFile(odd, "w") as archive:
            warnings.simplefilter("ignore")
            archive.writestr("a", "1")
            archive.writestr("a", "2")
        with pytest.raises(ArchiveError, match="ambiguous"):
            read_archive(odd)


class TestContradictions:
    """What two readers could understand differently."""

    @pytest.mark.parametrize(
        "local",
        [
            {"crc": 1},
            {"size": 1},
            {"size": 61},
            {"compressed": 1},
            {"name": b"b.txt"},
            {"name": b"a.txt\0"},
            {"method": 8},
            {"flags": 1},
            {"size": M32, "compressed": M32},
            {"size": M32, "compressed": M32, "extra": struct.pack("<2H2Q", 1, 16, 60, 61)},
            {"size": M32, "compressed": M32, "extra": struct.pack("<2H", 1, 16)},
        ],
    )
    def test_a_local_header_that_lies(self, odd: Path, local: dict[str, int | bytes]) -> None:
        reason(odd, make_zip(Odd(local=local)))

    @pytest.mark.parametrize("local", [{"crc": 1}, {"size": 1}, {"compressed": 61}])
    def test_also_with_a_descriptor(self, odd: Path, local: dict[str, int]) -> None:
        member = Odd(descriptor="signed", local=local)
        assert "two different sizes or CRCs" in reason(odd, make_zip(member))

    @pytest.mark.parametrize("zip64_end", [False, True])
    def test_something_before_it(self, odd: Path, zip64_end: bool) -> None:
        data = make_zip(Odd(), zip64_end=zip64_end)
        assert "not where" in reason(odd, b"#!/bin/sh\n" + data)
        corrected = make_zip(Odd(), prefix=b"#!/bin/sh\n", zip64_end=zip64_end)
        assert "before its first member" in reason(odd, corrected)

    def test_something_after_it(self, odd: Path) -> None:
        assert "after its end" in reason(odd, make_zip(Odd(), tail=b"x"))
        assert "after its end" in reason(odd, make_zip(Odd(), tail=bytes(70), comment=b"c"))
        assert reason(odd, make_zip(Odd()) + make_zip(Odd(content=b"other")))

    def test_a_second_end_in_the_comment(self, odd: Path) -> None:
        assert reason(odd, make_zip(Odd(), comment=make_zip()))

    def test_comments_are_harmless(self, odd: Path) -> None:
        assert read(odd, make_zip(Odd(), comment=b"c" * 0xFFFF))

    def test_members_that_overlap(self, odd: Path) -> None:
        one = Odd(name="a.txt")
        same_place = Odd(name="a.txt", central={"offset": 0})
        assert "overlap" in reason(odd, make_zip(one, same_place))

    def test_a_member_that_encloses_another(self, odd: Path) -> None:
        inner = make_zip(Odd(name="inner"))[: 30 + 5 + 60]
        outer = Odd(name="outer", content=inner)
        pointing = Odd(name="inner", central={"offset": 30 + 5})
        assert "overlap" in reason(odd, make_zip(outer, pointing))

    def test_a_gap_between_members_is_harmless(self, odd: Path) -> None:
        """Installers that read the directory, as all do for a file on disk, pass over it."""
        members = read(odd, make_zip(Odd(name="a"), Odd(name="b", gap=b"x" * 100)))
        assert [m.name for m in members] == ["a", "b"]

    @pytest.mark.parametrize("offset", [1, 30, 10_000, M32 - 1])
    def test_an_offset_to_nowhere(self, odd: Path, offset: int) -> None:
        reason(odd, make_zip(Odd(), central_offset(offset)))

    @pytest.mark.parametrize("offset", [1 << 32, 1 << 62, 1 << 63, (1 << 64) - 1])
    def test_a_zip64_offset_to_nowhere(self, odd: Path, offset: int) -> None:
        extra = struct.pack("<2HQ", 1, 8, offset)
        member = Odd(central={"offset": M32, "extra": extra})
        assert "outside" in reason(odd, make_zip(member))

    def test_a_member_that_reaches_past_the_end(self, odd: Path) -> None:
        for size in (200, M32 - 1):
            both: dict[str, Any] = {"compressed": size, "size": size}
            assert "past the end" in reason(odd, make_zip(Odd(local=both, central=both)))

    @pytest.mark.parametrize("size", [1 << 40, (1 << 64) - 1])
    def test_a_zip64_size_beyond_all_bounds(self, odd: Path, size: int) -> None:
        extra = struct.pack("<2H2Q", 1, 16, size, size)
        both: dict[str, Any] = {"compressed": M32, "size": M32, "extra": extra}
        assert "past the end" in reason(odd, make_zip(Odd(local=both, central=both)))

    def test_a_zip64_field_that_is_too_short(self, odd: Path) -> None:
        member = Odd(central={"compressed": M32, "extra": b"\1\0\4\0abcd"})
        assert "zip64 field is too short" in reason(odd, make_zip(member))

    @pytest.mark.parametrize(
        "end",
        [
            {"count": 2},
            {"here": 2},
            {"here": 0, "count": 0},
            {"here": 2, "count": 2},
            {"disk": 1},
            {"first_disk": 1},
            {"size": 1},
            {"size": 1 << 30},
            {"start": 0},
            {"start": 1 << 30},
            {"start": M32},
        ],
    )
    def test_an_end_that_lies(self, odd: Path, end: dict[str, int]) -> None:
        reason(odd, make_zip(Odd(), end=end))
        reason(odd, make_zip(Odd(), zip64_end=True, end64=end))

    def test_two_ends_that_differ(self, odd: Path) -> None:
        data = make_zip(Odd(), zip64_end=True, end={"here": 2, "count": 2})
        assert "contradict" in reason(odd, data)
        # Readers that look for the zip64 record only when they need to would find another directory.
        assert read(odd, make_zip(Odd(), zip64_end=True, end={"size": M32, "start": M32}))

    @pytest.mark.parametrize("record_size", [0, 43, 45, 1 << 63])
    def test_a_zip64_record_of_another_size(self, odd: Path, record_size: int) -> None:
        reason(odd, make_zip(Odd(), zip64_end=True, end64={"record_size": record_size}))

    def test_a_part_of_a_split_archive(self, odd: Path) -> None:
        assert "split" in reason(odd, make_zip(Odd(central={"disk": 3})))


def central_offset(offset: int) -> Odd:
    return Odd(name="b", central={"offset": offset})


def test_an_archive_cut_anywhere_is_refused(odd: Path) -> None:
    data = make_wheel("demo").data
    assert read(odd, data)
    for size in range(len(data)):
        with pytest.raises(ArchiveError):
            read(odd, data[:size])


@given(data=st.data())
def test_any_flipped_byte_is_refused_or_harmless(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """What is accepted reads as the sizes and CRCs say, or is found out when it is read."""
    path = tmp_path_factory.getbasetemp() / "odd.whl"
    whole = bytearray(make_zip(Odd(method=8), Odd(name="b", descriptor="signed"), zip64_end=True))
    position = data.draw(st.integers(0, len(whole) - 1))
    whole[position] ^= data.draw(st.integers(1, 255))
    try:
        members = read(path, bytes(whole))
        for content in contents(path, members).values():
            assert content == Odd().content
    except ArchiveError:
        pass


def test_reading_takes_no_more_memory_than_the_directory(odd: Path) -> None:
    """A member of a gigabyte (a hole on disk) is not looked at."""
    size = 1 << 30
    empty = make_zip(Odd(name="big", content=b"", local={"size": size, "compressed": size}))
    local, central = empty[:33], bytearray(empty[33:])
    struct.pack_into("<2L", central, 20, size, size)
    struct.pack_into("<L", central, len(central) - 6, len(local) + size)
    with odd.open("wb") as file:
        file.write(local)
        file.seek(size, io.SEEK_CUR)
        file.write(central)
    tracemalloc.start()
    try:
        (member,) = read_archive(odd)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
    assert member.size == size
