from __future__ import annotations

import gzip
import io
import os
import stat
import struct
import tarfile
import tracemalloc
import zipfile
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.wheels import make_sdist
from wherry.errors import ArchiveError
from wherry.sources.source_tree import Limits
from wherry.sources.unpack import unpack

if TYPE_CHECKING:
    from pathlib import Path


def tar_with(*members: tarfile.TarInfo) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for member in members:
            archive.addfile(member, io.BytesIO(bytes(member.size)))
    return buffer.getvalue()


def member(
    name: str, *, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644
) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, link, mode
    return info


def zip_with(members: dict[str, bytes], *, mode: int = stat.S_IFREG | 0o644) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, content)
    return buffer.getvalue()


def unpacked(data: bytes, filename: str, tmp_path: Path) -> Path:
    archive = tmp_path / "archive"
    archive.write_bytes(data)
    into = tmp_path / "into"
    into.mkdir()
    return unpack(archive, filename=filename, into=into)


def test_an_sdist_is_its_folder(tmp_path: Path) -> None:
    made = make_sdist("shop", files={"pyproject.toml": b"", "src/shop.py": b"A = 1\n"})
    folder = unpacked(made.data, made.filename, tmp_path)
    assert folder.name == "shop-1.0"
    assert (folder / "src/shop.py").read_bytes() == b"A = 1\n"


def test_a_zip_may_be_an_sdist(tmp_path: Path) -> None:
    data = zip_with({"shop-1.0/run": b"#!", "shop-1.0/deep/": b""}, mode=stat.S_IFREG | 0o755)
    folder = unpacked(data, "shop-1.0.zip", tmp_path)
    assert folder.name == "shop-1.0"
    assert (folder / "run").stat().st_mode & stat.S_IXUSR


def test_an_archive_without_a_folder_of_its_own(tmp_path: Path) -> None:
    data = zip_with({"a.py": b"", "b.py": b""})
    assert sorted(path.name for path in unpacked(data, "x.zip", tmp_path).iterdir()) == [
        "a.py",
        "b.py",
    ]


@pytest.mark.parametrize(
    "bad",
    [
        member("../x"),
        member("/x"),
        member("a/../../x"),
        member("C:\\x"),
        member("a\\..\\..\\x"),
        member("dev", kind=tarfile.CHRTYPE),
        member("fifo", kind=tarfile.FIFOTYPE),
        member("out", kind=tarfile.SYMTYPE, link="../../etc/passwd"),
        member("abs", kind=tarfile.SYMTYPE, link="/etc/passwd"),
        member("hard", kind=tarfile.LNKTYPE, link="../../etc/passwd"),
    ],
    ids=lambda bad: bad.name,
)
def test_unsafe_members_of_tar_archives_are_refused(bad: tarfile.TarInfo, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match=r"`shop-1\.0\.tar\.gz` holds an unsafe member"):
        unpacked(tar_with(member("shop-1.0/ok"), bad), "shop-1.0.tar.gz", tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"archive", "into"}


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "C:/x", "a\\b"])
def test_unsafe_members_of_zip_archives_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="unsafe member"):
        unpacked(zip_with({name: b""}), "x.zip", tmp_path)


def test_links_in_zip_archives_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="link or a device"):
        unpacked(zip_with({"a": b"/etc/passwd"}, mode=stat.S_IFLNK | 0o777), "x.zip", tmp_path)


def test_an_unknown_format(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="is not a source archive"):
        unpacked(b"", "shop.rar", tmp_path)


GOOD = make_sdist("shop", files={"a.py": b"x" * 300}).data


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200) | st.integers(0, len(GOOD) - 1).map(lambda cut: GOOD[:cut]))
@pytest.mark.parametrize("filename", ["x.tar.gz", "x.zip", "x.tar.xz", "x.tar"])
def test_arbitrary_bytes_meet_our_own_errors_only(
    filename: str, data: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    try:
        unpacked(data, filename, tmp_path_factory.mktemp("fuzz"))
    except ArchiveError as error:
        assert filename in error.message


def tree_of(folder: Path) -> dict[str, str | bytes]:
    """The files of a folder with their contents, and its links with their targets."""
    found: dict[str, str | bytes] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = os.readlink(path)
        elif path.is_file():
            found[name] = path.read_bytes()
    return found


def tar_of(
    *members: tuple[tarfile.TarInfo, bytes], mode: str = "w:gz", form: int = tarfile.PAX_FORMAT
) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, format=form) as archive:  # type: ignore[call-overload]
        for info, content in members:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def link(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, kind=tarfile.SYMTYPE, link=target), b""


def hard_link(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, kind=tarfile.LNKTYPE, link=target), b""


def file(name: str, content: bytes = b"x", mode: int = 0o644) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, mode=mode), content


def folder(name: str) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, kind=tarfile.DIRTYPE, mode=0o755), b""


def test_links_that_stay_inside_are_kept(tmp_path: Path) -> None:
    data = tar_of(
        link("s/early", "late/x"),
        folder("s/late/"),
        file("s/late/x", b"content", 0o4775),
        link("s/deep/up", "../late"),
        link("s/deep/through", "up/x"),
        link("s/nowhere", "absent"),
        hard_link("s/same", "s/late/x"),
    )
    root = unpacked(data, "s.tar.gz", tmp_path)
    assert tree_of(root) == {
        "deep/through": "up/x",
        "deep/up": "../late",
        "early": "late/x",
        "late/x": b"content",
        "nowhere": "absent",
        "same": b"content",
    }
    assert (root / "early").read_bytes() == (root / "deep/through").read_bytes() == b"content"
    assert stat.S_IMODE((root / "late/x").stat().st_mode) == 0o755


LONG = "d" * 200
ESCAPES = {
    "to a folder outside": [link("s/out", "../.."), file("s/out/x")],
    "through another link": [link("s/a", "."), link("s/b", "a/../.."), file("s/b/x")],
    "that is declared first": [link("s/b", "a/../.."), link("s/a", ".")],
    "by many steps": [link("s/a/b/c/up", "../../../../.."), link("s/out", "a/b/c/up/x")],
    "through a folder that is replaced": [folder("s/a"), link("s/a", ".."), file("s/a/x")],
    "through a link to a link": [link("s/a", "b"), link("s/b", ".."), link("s/c", "a/..")],
    "by a link in another case": [link("s/AA", "."), folder("s/b"), link("s/x", "aa/b/../../..")],
    "absolute by a link": [link("s/a", "/tmp")],
    "by a backslash": [link("s/a", "..\\..\\x")],
    # CVE-2025-4517
    "a path too long for realpath": [
        member_
        for depth in range(14)
        for member_ in (
            folder("/".join(["s", *[LONG] * depth, LONG])),
            link("/".join(["s", *[LONG] * depth, "abcdefghijklmn"[depth]]), LONG),
        )
    ]
    + [link("s/out", "/".join("abcdefghijklmn") + "/.." * 16), file("s/out/x")],
    "hard link to a link": [link("s/a", "../../x"), hard_link("s/b", "s/a")],
    "hard link outside": [hard_link("s/b", "../x")],
    "hard link to nothing": [hard_link("s/b", "s/none")],
    "a loop": [link("s/a", "b"), link("s/b", "a")],
    "a link to nothing": [link("s/a", "")],
    "below a file": [file("s/a"), file("s/a/x")],
    "below a link": [folder("s/f"), link("s/a", "f"), file("s/a/x")],
    "a file that is a folder": [file("s/a/x"), file("s/a")],
    "a long name": [file("s/" + "n" * 300)],
    "a long path": [file("/".join(["s", *["n" * 100] * 40]))],
    "a deep path": [file("s/" * 1500 + "x")],
}


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
@pytest.mark.parametrize("kind", ESCAPES)
def test_nothing_lands_outside(kind: str, form: int, tmp_path: Path) -> None:
    data = tar_of(*ESCAPES[kind], form=form)
    with pytest.raises(ArchiveError, match="holds an unsafe member"):
        unpacked(data, "s.tar.gz", tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"archive", "into"}
    # What is left, and removed by who asked for it, holds no link that leaves it.
    for path in (tmp_path / "into").rglob("*"):
        assert path.resolve().is_relative_to(tmp_path / "into")


NAMES = st.sampled_from(["a", "b", "A", "a/b", "a/b/c", "c", "c/a"])
TARGETS = st.sampled_from(
    ["a", "..", ".", "../..", "b/..", "a/../..", "c/a/../../..", "../a", "/", "A/..", "b/c"]
)
MEMBERS = st.lists(
    st.builds(link, NAMES, TARGETS)
    | st.builds(file, NAMES)
    | st.builds(folder, NAMES)
    | st.builds(hard_link, NAMES, NAMES),
    max_size=8,
)


@settings(max_examples=25, deadline=None)
@given(members=MEMBERS)
def test_no_order_of_members_gets_out(
    members: list[tuple[tarfile.TarInfo, bytes]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("order")
    with suppress(ArchiveError):
        unpacked(tar_of(*members, mode="w"), "s.tar", place)
    assert {path.name for path in place.iterdir()} == {"archive", "into"}
    for path in (place / "into").rglob("*"):
        assert path.resolve(strict=False).is_relative_to(place / "into")


@settings(max_examples=80, deadline=None)
@given(
    files=st.dictionaries(
        st.text(alphabet="aé日b", min_size=1, max_size=90), st.binary(max_size=1100), max_size=6
    )
)
@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_what_tarfile_writes_is_read(
    files: dict[str, bytes], mode: str, form: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    files = {name: files[name] for name in files if len(name.encode()) < 98 or form != 0}
    members = [file(f"s/{name}", content) for name, content in files.items()]
    data = tar_of(folder("s"), *members, mode=mode, form=form)
    suffix = {"w": "", "w:gz": ".gz", "w:bz2": ".bz2", "w:xz": ".xz"}[mode]
    root = unpacked(data, f"s.tar{suffix}", tmp_path_factory.mktemp("read"))
    assert tree_of(root) == files


def header(kind: bytes, size: int, name: bytes = b"././@LongLink") -> bytes:
    block = bytearray(512)
    block[: len(name)] = name
    block[100:108] = b"0000644\0"
    block[124:136] = b"%011o\0" % size
    block[136:148] = b"00000000000\0"
    block[156:157] = kind
    block[257:265] = b"ustar  \0"
    block[148:156] = b"%06o\0 " % (sum(block) + 8 * 32)
    return bytes(block)


@pytest.mark.parametrize("kind", [b"L", b"K", b"x", b"g"])
def test_a_name_of_absurd_size_is_not_read(kind: bytes, tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    with gzip.open(archive, "wb", compresslevel=1) as file:
        file.write(header(kind, 2 << 30))
        for _ in range(64):
            file.write(bytes(1 << 20))
    (tmp_path / "into").mkdir()
    tracemalloc.start()
    with pytest.raises(ArchiveError, match="is damaged") as caught:
        unpack(archive, filename="s.tar.gz", into=tmp_path / "into")
    assert "a name or an extended header has 2,147,483,648 bytes" in caught.value.where
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("mtime", ["1e400", "nan", "9" * 400, "-1e30", "soon", "9" * 5000])
def test_a_time_out_of_range(mtime: str, tmp_path: Path) -> None:
    info, content = file("s/a")
    info.pax_headers = {"mtime": mtime}
    with pytest.raises(ArchiveError, match="is damaged"):
        unpacked(tar_of((info, content)), "s.tar.gz", tmp_path)


@pytest.mark.parametrize("mtime", ["0", "-1", "315532799", "315619200", "1700000000"])
def test_files_are_as_late_as_zip_archives_need_them(mtime: str, tmp_path: Path) -> None:
    info, content = file("s/a")
    info.pax_headers = {"mtime": mtime}
    place = unpacked(tar_of((info, content)), "s.tar.gz", tmp_path) / "a"
    assert place.stat().st_mtime == max(int(mtime), 315_619_200)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(place)


@pytest.mark.parametrize(
    "records", [b"9" * 600, b"0 a=b\n", b"-5 a=b\n", b"12 size=-1\n", b"6 ab\n"]
)
def test_damaged_extended_headers(records: bytes, tmp_path: Path) -> None:
    data = header(b"x", len(records)) + records.ljust(-len(records) % 512 + len(records), b"\0")
    with pytest.raises(ArchiveError, match="is damaged"):
        unpacked(data + header(b"0", 0, b"a"), "s.tar", tmp_path)


@pytest.mark.parametrize("suffix", ["tar.gz", "zip"])
@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(members=3), "it has more than 3 members"),
        (Limits(size=10), "its files have more than 10 bytes"),
    ],
)
def test_more_than_an_archive_may_hold(
    suffix: str, limits: Limits, reason: str, tmp_path: Path
) -> None:
    names = {f"s/{number}": b"xxx" for number in range(5)}
    data = (
        zip_with(names)
        if suffix == "zip"
        else tar_of(*(file(name, content) for name, content in names.items()))
    )
    archive = tmp_path / "archive"
    archive.write_bytes(data)
    with pytest.raises(ArchiveError, match="is too large to be unpacked") as caught:
        unpack(archive, filename=f"s.{suffix}", into=tmp_path, limits=limits)
    assert caught.value.where == (reason,)


def test_a_zip_directory_of_absurd_size_is_not_read(tmp_path: Path) -> None:
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 9, 9, 40 << 20, 0, 0)
    with pytest.raises(ArchiveError, match="is damaged") as caught:
        unpacked(bytes(40 << 20) + end, "s.zip", tmp_path)
    assert "its directory has more than 33,554,432 bytes" in caught.value.where
