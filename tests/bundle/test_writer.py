"""Written zips: their bytes are a function of the bundle, and they are there whole or not at all."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.bundles import entries, offer, slices
from support.files import as_nobody, file_digest
from support.interpreters import missing
from support.wheels import make_wheel
from wherry.bundle.archive import read_archive
from wherry.bundle.bundle import Bundle
from wherry.bundle.content import read_all
from wherry.bundle.entry import Entry, Inline, Payload, Slice, SourceFile, inline
from wherry.bundle.writer import Written, write_package
from wherry.errors import ArchiveError, OutputError
from wherry.store.temporary import claimed

if TYPE_CHECKING:
    from collections.abc import Iterator

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount a tiny disk")


@pytest.fixture(scope="module")
def offers(tmp_path_factory: pytest.TempPathFactory) -> dict[bytes, list[Payload]]:
    return offer(tmp_path_factory.mktemp("offers"))


@pytest.fixture
def sample(tmp_path: Path) -> Bundle:
    """A wheel's members, a source file and something inline."""
    wheel = make_wheel("demo", files={"demo/a.py": b"x = 1\n" * 99, "demo/ü.txt": b"text"})
    archive = wheel.write(tmp_path / "wheels")
    source = tmp_path / "app.py"
    source.write_bytes(b"def handler(event, context): ...\n")
    return Bundle.of(
        [
            *(Entry(name, False, payload, "demo") for name, payload in slices(archive).items()),
            Entry("app.py", False, SourceFile(source, 33, zlib.crc32(source.read_bytes())), "app"),
            inline("bin/run", b"#!/bin/sh\n", owner="wherry", executable=True),
            inline("empty", b"", owner="wherry"),
        ]
    )


def read_bundle(path: Path) -> Bundle:
    return Bundle.of(
        Entry(m.name, m.executable, Slice(path, *m[3:7], m.method), "read")
        for m in read_archive(path)
    )


def test_every_byte_of_a_small_package(tmp_path: Path) -> None:
    """APPNOTE.TXT, field by field."""
    content, name = b"hello", "a/ü"
    written = write_package(
        Bundle.of([inline(name, content, owner="x", executable=True)]), tmp_path / "x.zip"
    )
    raw, crc = name.encode(), zlib.crc32(content)
    version, utf8, stored, midnight, first_of_1980 = 20, 0x800, 0, 0, 0x21
    common = (utf8, stored, midnight, first_of_1980, crc, 5, 5, len(raw), 0)
    local = struct.pack("<4s5H3L2H", b"PK\3\4", version, *common) + raw + content
    central = (
        struct.pack("<4s6H3L", b"PK\1\2", 0x0314, version, *common[:7])
        + struct.pack("<5H2L", len(raw), 0, 0, 0, 0, 0o100755 << 16, 0)
        + raw
    )
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(central), len(local), 0)
    assert (tmp_path / "x.zip").read_bytes() == local + central + end
    assert written.size == len(local + central + end)


def test_what_the_headers_say(sample: Bundle, tmp_path: Path) -> None:
    write_package(sample, tmp_path / "x.zip")
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        infos = archive.infolist()
        assert archive.testzip() is None
        assert archive.comment == b""
        assert {i.filename: archive.read(i) for i in infos} == {
            e.path: read_all(e.payload) for e in sample
        }
    for info, entry in zip(infos, sample, strict=True):
        assert info.date_time == (1980, 1, 1, 0, 0, 0)
        assert info.external_attr >> 16 == (0o100755 if entry.executable else 0o100644)
        assert info.external_attr & 0xFFFF == 0
        assert info.create_system == 3
        assert info.extra == info.comment == b""
        assert info.flag_bits == (0 if info.filename.isascii() else 0x800)
        assert info.extract_version == info.create_version == 20
        assert info.internal_attr == info.volume == 0
        assert not info.is_dir()
    names = [info.filename.encode() for info in infos]
    assert names == sorted(names)


def test_compressed_bytes_are_copied(sample: Bundle, tmp_path: Path) -> None:
    write_package(sample, tmp_path / "x.zip")
    ours = slices(tmp_path / "x.zip")
    data = (tmp_path / "x.zip").read_bytes()
    copied = 0
    for entry in sample:
        mine = ours[entry.path]
        if isinstance(entry.payload, Slice):
            theirs = entry.payload
            raw = theirs.archive.read_bytes()[theirs.offset :][: theirs.compressed_size]
            assert data[mine.offset :][: mine.compressed_size] == raw
            assert mine[2:] == theirs[2:]
            copied += 1
        else:
            assert mine.method == 0
    assert copied == 5


TOOLS = [
    [sys.executable, "-m", "zipfile", "-t"],
    *(
        command
        for command in (["unzip", "-t"], ["zipinfo", "-v"], ["7z", "t"], ["bsdtar", "-tvf"])
        if shutil.which(command[0])
    ),
]


@pytest.mark.parametrize("command", TOOLS, ids=lambda command: Path(command[0]).name)
def test_other_tools_read_it(sample: Bundle, tmp_path: Path, command: list[str]) -> None:
    write_package(sample, tmp_path / "x.zip")
    done = subprocess.run(
        [*command, str(tmp_path / "x.zip")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in (done.stdout + done.stderr).lower()


@pytest.mark.real
def test_more_entries_than_the_old_format_counts(tmp_path: Path) -> None:
    one = Inline(b"", 0, 0)
    for count in (0xFFFE, 0xFFFF, 0x10000, 70_000):
        bundle = Bundle(tuple(Entry(f"{n:06}", False, one, "x") for n in range(count)))
        write_package(bundle, tmp_path / "x.zip")
        data = (tmp_path / "x.zip").read_bytes()
        assert (b"PK\6\6" in data) is (count >= 0xFFFF)
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            assert len(archive.infolist()) == count
        assert len(read_archive(tmp_path / "x.zip")) == count
    if shutil.which("unzip"):
        subprocess.run(["unzip", "-tqq", str(tmp_path / "x.zip")], check=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("written")


@settings(max_examples=50)
@given(data=st.data(), seed=st.integers())
def test_writing_ignores_the_order_of_what_comes_in(
    offers: dict[bytes, list[Payload]], folder: Path, data: st.DataObject, seed: int
) -> None:
    given_entries = data.draw(entries(offers))
    shuffled = given_entries[:]
    random.Random(seed).shuffle(shuffled)
    one = write_package(Bundle.of(given_entries), folder / "one.zip")
    two = write_package(Bundle.of(shuffled), folder / "two.zip")
    assert one.sha256 == two.sha256


@settings(max_examples=50)
@given(data=st.data())
def test_writing_what_was_read_gives_the_same_bytes(
    offers: dict[bytes, list[Payload]], folder: Path, data: st.DataObject
) -> None:
    bundle = Bundle.of(data.draw(entries(offers)))
    write_package(bundle, folder / "first.zip")
    again = read_bundle(folder / "first.zip")
    assert [(e.path, e.executable, e.payload.crc, read_all(e.payload)) for e in again] == [
        (e.path, e.executable, e.payload.crc, read_all(e.payload)) for e in bundle
    ]
    written = write_package(again, folder / "second.zip")
    assert (folder / "second.zip").read_bytes() == (folder / "first.zip").read_bytes()
    assert written.sha256 == file_digest(folder / "first.zip")


def test_the_empty_package(tmp_path: Path) -> None:
    write_package(Bundle(), tmp_path / "x.zip")
    assert (tmp_path / "x.zip").read_bytes() == b"PK\5\6" + bytes(18)


def test_larger_than_every_buffer(tmp_path: Path) -> None:
    """Pieces that end before, at and after the ends of buffers come out in order."""
    rng = random.Random(1)
    sizes = [(1 << 20) - 31, 1, (1 << 20) + 1, 5 << 20, 0, 3, 1 << 20, 12_345]
    expected = {f"{n}": rng.randbytes(size) for n, size in enumerate(sizes)}
    for name, content in expected.items():
        (tmp_path / name).write_bytes(content)
    kinds = (
        lambda name, c: Inline(c, len(c), zlib.crc32(c)),
        lambda name, c: SourceFile(tmp_path / name, len(c), zlib.crc32(c)),
        lambda name, c: Slice(tmp_path / name, 0, len(c), len(c), zlib.crc32(c), 0),
    )
    digests = set()
    for kind in kinds:
        bundle = Bundle.of(
            Entry(name, False, kind(name, content), "x") for name, content in expected.items()
        )
        written = write_package(bundle, tmp_path / "x.zip")
        digests.add(written.sha256)
        assert written.size == (tmp_path / "x.zip").stat().st_size
        assert written.sha256 == file_digest(tmp_path / "x.zip")
        with zipfile.ZipFile(tmp_path / "x.zip") as archive:
            assert {name: archive.read(name) for name in archive.namelist()} == expected
    assert len(digests) == 1


def test_more_archives_than_may_be_open(tmp_path: Path) -> None:
    found = []
    for number in range(150):
        path = make_wheel(f"d{number}").write(tmp_path / "wheels")
        found += [Entry(name, False, piece, "d") for name, piece in slices(path).items()]
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else None
    write_package(Bundle.of(found), tmp_path / "x.zip")
    assert len(read_archive(tmp_path / "x.zip")) == len(found)
    if before is not None:
        assert len(os.listdir("/proc/self/fd")) == before


class TestWritten:
    def test_what_it_tells(self, sample: Bundle, tmp_path: Path) -> None:
        path = tmp_path / "a" / "b" / "x.zip"
        written = write_package(sample, path)
        data = path.read_bytes()
        digest = hashlib.sha256(data)
        assert written == Written(
            path=path, sha256=digest.hexdigest(), size=len(data), changed=True
        )
        assert written.code_sha256 == base64.b64encode(digest.digest()).decode()

    def test_the_same_bytes_are_not_written_again(self, sample: Bundle, tmp_path: Path) -> None:
        path = tmp_path / "x.zip"
        first = write_package(sample, path)
        os.utime(path, ns=(1, 1))
        path.chmod(0o600)
        before = path.stat()
        second = write_package(sample, path)
        after = path.stat()
        assert (first.changed, second.changed) == (True, False)
        assert second.sha256 == first.sha256
        assert (after.st_ino, after.st_mtime_ns, after.st_mode) == (
            before.st_ino,
            before.st_mtime_ns,
            before.st_mode,
        )
        assert path.is_file()
        assert not list(tmp_path.glob(".*"))

    def test_a_file_of_the_same_size_is_replaced(self, sample: Bundle, tmp_path: Path) -> None:
        path = tmp_path / "x.zip"
        first = write_package(sample, path)
        path.write_bytes(bytes(first.size))
        second = write_package(sample, path)
        assert second.changed
        assert file_digest(path) == first.sha256

    def test_any_difference_from_the_file_before_is_found(self, tmp_path: Path) -> None:
        data = random.Random(1).randbytes(3_500_000)
        bundle = Bundle.of([inline("x", data, owner="x")])
        path = tmp_path / "x.zip"
        expected = write_package(bundle, path).sha256
        whole = path.read_bytes()
        assert not write_package(bundle, path).changed
        flipped = [
            whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
            for at in (0, (1 << 20) - 1, 1 << 20, len(whole) - 1)
        ]
        cut = [whole[:-1], whole[: 1 << 20], whole[: 3 << 20], b""]
        for before in (*flipped, *cut, whole + b"\0", whole + whole):
            path.write_bytes(before)
            written = write_package(bundle, path)
            assert written.changed
            assert written.sha256 == expected == file_digest(path)

    @pytest.mark.parametrize("umask", [0o022, 0o077, 0o002, 0])
    def test_the_umask_has_its_way_with_the_file_and_not_with_its_bytes(
        self, sample: Bundle, tmp_path: Path, umask: int
    ) -> None:
        expected = write_package(sample, tmp_path / "reference.zip").sha256
        before = os.umask(umask)
        try:
            written = write_package(sample, tmp_path / "x.zip")
            assert os.umask(umask) == umask
        finally:
            os.umask(before)
        assert written.sha256 == expected
        assert (tmp_path / "x.zip").stat().st_mode & 0o777 == 0o666 & ~umask

    def test_names_as_long_as_the_system_admits(self, sample: Bundle, tmp_path: Path) -> None:
        assert write_package(sample, tmp_path / ("x" * 251 + ".zip")).changed
        assert write_package(sample, tmp_path / ("ü" * 120 + ".zip")).changed


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Path]:
    """A package of before, which must be there unchanged afterwards, and nothing beside it."""
    folder = tmp_path / "dist"
    folder.mkdir()
    path = folder / "x.zip"
    path.write_bytes(b"the old package")
    yield path
    assert path.read_bytes() == b"the old package"
    assert os.listdir(folder) == ["x.zip"]


class TestFailures:
    def test_a_source_file_that_changed(self, sample: Bundle, tmp_path: Path, old: Path) -> None:
        (tmp_path / "app.py").write_bytes(b"def handler(event, context): .!.\n")
        with pytest.raises(OutputError, match="changed while it was being packaged"):
            write_package(sample, old)

    def test_a_source_file_that_changes_meanwhile(self, tmp_path: Path, old: Path) -> None:
        """It grows while its beginning is copied already."""
        source = tmp_path / "log"
        source.write_bytes(bytes(5 << 20))
        bundle = Bundle.of([Entry("log", False, SourceFile(source, 5 << 20, 0), "app")])
        # Faster than it is read, as it takes no time to make a file longer.
        ended = threading.Event()

        def grow() -> None:
            while not ended.is_set():
                os.truncate(source, source.stat().st_size + (1 << 30))

        thread = threading.Thread(target=grow)
        thread.start()
        try:
            with pytest.raises(OutputError, match="changed while it was being packaged"):
                write_package(bundle, old)
        finally:
            ended.set()
            thread.join()

    def test_a_source_file_that_is_gone(self, sample: Bundle, tmp_path: Path, old: Path) -> None:
        (tmp_path / "app.py").unlink()
        with pytest.raises(OutputError, match="cannot read"):
            write_package(sample, old)

    @pytest.mark.parametrize("left", [None, 0, 60])
    def test_an_archive_that_is_gone_or_cut(
        self, sample: Bundle, old: Path, left: int | None
    ) -> None:
        archive = next(e.payload.archive for e in sample if isinstance(e.payload, Slice))
        if left is None:
            archive.unlink()
        else:
            os.truncate(archive, left)
        with pytest.raises(ArchiveError):
            write_package(sample, old)

    @pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, RuntimeError])
    def test_any_exception_midway(
        self, sample: Bundle, old: Path, error: type[BaseException]
    ) -> None:
        class Failing(Bundle):
            def __iter__(self) -> Iterator[Entry]:
                yield from list(super().__iter__())[:3]
                raise error

        threads = threading.active_count()
        with pytest.raises(error):
            write_package(Failing(sample.entries), old)
        assert threading.active_count() == threads

    def test_a_package_beyond_what_the_format_holds(self, old: Path) -> None:
        huge = Inline(b"", 1 << 32, 0)
        with pytest.raises(OutputError, match="larger than 4 GiB") as caught:
            write_package(Bundle((Entry("huge", False, huge, "torch"),)), old)
        assert "`torch`" in caught.value.where[0]

    def test_a_path_beyond_what_the_format_holds(self, old: Path) -> None:
        long = Entry("x/" * 40_000 + "x", False, Inline(b"", 0, 0), "x")
        with pytest.raises(OutputError, match="too long"):
            write_package(Bundle((long,)), old)

    def test_a_full_disk(self, tmp_path: Path) -> None:
        """RLIMIT_FSIZE stands for it: a write is cut short, the next one fails."""
        (tmp_path / "x.zip").write_bytes(b"the old package")
        code = """
import random, resource, sys, zlib
from pathlib import Path
from wherry.bundle.bundle import Bundle
from wherry.bundle.entry import inline
from wherry.bundle.writer import write_package
from wherry.errors import OutputError
data = random.Random(1).randbytes(int(sys.argv[2]))
resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, 1_500_000))
try:
    write_package(Bundle.of([inline("x", data, owner="x")]), Path(sys.argv[1]))
except OutputError as error:
    print(error.message)
    print(error.where[0])
"""
        for size in ("3000000", "30000000"):
            done = subprocess.run(
                [sys.executable, "-c", code, str(tmp_path / "x.zip"), size],
                capture_output=True,
                text=True,
                check=True,
            )
            assert done.stdout == f"cannot write `{tmp_path / 'x.zip'}`\nFile too large\n"
            assert done.stderr == ""
            assert (tmp_path / "x.zip").read_bytes() == b"the old package"
            assert os.listdir(tmp_path) == ["x.zip"]

    @root_only
    def test_a_really_full_disk(self, tmp_path: Path) -> None:
        disk = tmp_path / "disk"
        disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            missing("may not mount a tmpfs")
        try:
            (disk / "x.zip").write_bytes(b"the old package")
            data = random.Random(1).randbytes(2 << 20)
            bundle = Bundle.of([inline("x", data, owner="x")])
            with pytest.raises(OutputError, match="cannot write") as caught:
                write_package(bundle, disk / "x.zip")
            assert caught.value.where == ("No space left on device",)
            assert os.listdir(disk) == ["x.zip"]
            assert (disk / "x.zip").read_bytes() == b"the old package"
        finally:
            subprocess.run(["umount", str(disk)], check=True)

    def test_where_nothing_can_be_written(self, sample: Bundle, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"")
        (tmp_path / "folder" / "inner").mkdir(parents=True)
        for path in (
            tmp_path / "file" / "x.zip",
            tmp_path / "file" / "sub" / "x.zip",
            tmp_path / "folder",
            tmp_path / ("x" * 300),
            tmp_path / "nul\0.zip",
        ):
            with pytest.raises(OutputError, match="cannot write") as caught:
                write_package(sample, path)
            assert caught.value.where
            assert caught.value.hint == "choose another path with --output"
        assert os.listdir(tmp_path / "folder") == ["inner"]
        assert not list(tmp_path.glob(".*"))

    def test_a_folder_of_somebody_else(self, sample: Bundle) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            folder.chmod(0o555)
            with as_nobody(), pytest.raises(OutputError, match="cannot write") as caught:
                write_package(sample, folder / "x.zip")
            folder.chmod(0o755)
        assert caught.value.where == ("Permission denied",)

    @root_only
    def test_a_disk_that_is_read_only(self, sample: Bundle, tmp_path: Path) -> None:
        disk = tmp_path / "disk"
        disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=1m,ro", "tmpfs", str(disk)]
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            missing("may not mount a tmpfs")
        try:
            with pytest.raises(OutputError, match="cannot write") as caught:
                write_package(sample, disk / "x.zip")
            assert caught.value.where == ("Read-only file system",)
        finally:
            subprocess.run(["umount", str(disk)], check=True)

    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
    def test_a_killed_build_leaves_the_old_package(self, tmp_path: Path, number: int) -> None:
        """N1: whatever happens, a package is the old one or the new one."""
        (tmp_path / "dist").mkdir()
        path = tmp_path / "dist" / "x.zip"
        path.write_bytes(b"the old package")
        # A source of two gigabytes of nothing keeps the writer at work for a second and more.
        with (tmp_path / "huge").open("wb") as file:
            file.truncate(1 << 31)
        code = """
import sys
from pathlib import Path
from wherry.bundle.bundle import Bundle
from wherry.bundle.entry import Entry, SourceFile
from wherry.bundle.writer import write_package
huge = SourceFile(Path(sys.argv[2]), 1 << 31, 0)
write_package(Bundle.of([Entry("b", False, huge, "x")]), Path(sys.argv[1]))
"""
        with subprocess.Popen(
            [sys.executable, "-c", code, str(path), str(tmp_path / "huge")],
            stderr=subprocess.PIPE,
        ) as process:
            while not any(part.stat().st_size for part in path.parent.glob(".x.zip.*")):
                assert process.poll() is None
                time.sleep(0.01)
            process.send_signal(number)
            _, said = process.communicate()
        assert process.returncode == -number
        assert path.read_bytes() == b"the old package"
        if number == signal.SIGINT:
            assert os.listdir(path.parent) == ["x.zip"]
            assert said.strip().endswith(b"KeyboardInterrupt")


def test_what_a_killed_build_left_is_swept(tmp_path: Path) -> None:
    """By the name that Wherry gives, and not while somebody holds it."""
    package = tmp_path / "api.zip"
    left, held = tmp_path / ".api.zip.abcdefgh.tmp", tmp_path / ".api.zip.ijklmnop.tmp"
    others = {".web.zip.abcdefgh.tmp", ".api.zip.abc.tmp", ".api.zip.mine.old.tmp", "mine.tmp"}
    for path in (left, *(tmp_path / name for name in others)):
        path.write_bytes(b"")
        os.utime(path, (1, 1))

    def make() -> Path:
        held.write_bytes(b"")
        return held

    with claimed(make):
        write_package(Bundle(), package)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {*others, held.name, package.name}


def test_more_archives_than_are_kept_open_do_not_mix(tmp_path: Path) -> None:
    """A descriptor that is closed goes to the next file, in which other bytes lie at the same place."""
    archives, taken = 70, []
    for number in range(archives):
        wheel = tmp_path / f"{number}.whl"
        wheel.write_bytes(b"".join(b"%07d\n" % (number * 1000 + part) for part in range(100)))
        for part in range(4):
            data = b"%07d\n" % (number * 1000 + part)
            # Two rounds over all archives, two neighbours of each at a time.
            path = f"{part // 2}/{number:03d}/{part}"
            place = Slice(wheel, part * 8, 8, 8, zlib.crc32(data), 0)
            taken.append((Entry(path, False, place, "owner"), data))
    written = write_package(Bundle.of(entry for entry, _ in taken), tmp_path / "x.zip")
    with zipfile.ZipFile(written.path) as archive:
        assert archive.testzip() is None
        assert [archive.read(entry.path) for entry, _ in taken] == [data for _, data in taken]
