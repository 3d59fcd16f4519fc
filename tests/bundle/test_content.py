"""Reading payloads, verified to the last byte."""

from __future__ import annotations

import tracemalloc
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.archives import compress
from wherry.bundle.content import read_all, read_content, same_content
from wherry.bundle.entry import Inline, Payload, Slice, SourceFile
from wherry.errors import ArchiveError, OutputError

if TYPE_CHECKING:
    from pathlib import Path

METHODS = [0, 8, 12, 14]


def place(
    path: Path, raw: bytes, content: bytes, method: int, *, before: bytes = b"before"
) -> Slice:
    path.write_bytes(before + raw + b"after")
    return Slice(path, len(before), len(raw), len(content), zlib.crc32(content), method)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "content", [b"", b"x", b"text\n" * 1000, bytes(range(256)) * 9000], ids=len
)
def test_every_method_gives_the_content(tmp_path: Path, method: int, content: bytes) -> None:
    payload = place(tmp_path / "a", compress(content, method), content, method)
    assert read_all(payload) == content


@pytest.mark.parametrize("method", METHODS)
def test_any_damage_is_found(tmp_path: Path, method: int) -> None:
    content = b"the content of some module\n" * 5
    raw = compress(content, method)
    for position in range(len(raw)):
        damaged = raw[:position] + bytes([raw[position] ^ 0x55]) + raw[position + 1 :]
        payload = place(tmp_path / "a", damaged, content, method)
        try:
            # A few bits mean nothing to a decompressor.
            assert read_all(payload) == content
        except ArchiveError as error:
            assert "`a`" in error.message


@pytest.mark.parametrize("method", METHODS)
def test_what_ends_early_is_found(tmp_path: Path, method: int) -> None:
    content = b"the content of some module\n" * 5
    raw = compress(content, method)
    # The last bytes of an LZMA stream carry nothing when the size is known.
    for size in range(len(raw) - (6 if method == 14 else 0)):
        with pytest.raises(ArchiveError):
            read_all(place(tmp_path / "a", raw[:size], content, method))


@pytest.mark.parametrize("method", [8, 12])
def test_what_follows_a_stream_is_refused(tmp_path: Path, method: int) -> None:
    content = b"the content of some module\n" * 5
    for rest in (b"x", b"x" * (1 << 20)):
        with pytest.raises(ArchiveError) as caught:
            read_all(place(tmp_path / "a", compress(content, method) + rest, content, method))
        assert caught.value.where == ("something follows its compressed data",)


def test_a_stream_without_its_last_block_is_refused(tmp_path: Path) -> None:
    machine = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    raw = machine.compress(b"content") + machine.flush(zlib.Z_SYNC_FLUSH)
    with pytest.raises(ArchiveError) as caught:
        read_all(place(tmp_path / "a", raw, b"content", 8))
    assert caught.value.where == ("its compressed data ends early",)


@pytest.mark.parametrize("method", [9, 1, 99])
def test_an_unknown_method_is_named(tmp_path: Path, method: int) -> None:
    with pytest.raises(ArchiveError) as caught:
        read_all(place(tmp_path / "a", b"xyz", b"content", method))
    assert f"method {method} " in caught.value.where[0]


def test_zstandard_is_read_where_python_has_it(tmp_path: Path) -> None:
    content = b"text\n" * 1000
    try:
        from compression import zstd  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        with pytest.raises(ArchiveError) as caught:
            read_all(place(tmp_path / "a", b"xyz", content, 93))
        assert caught.value.where == ("only Python 3.14 and later have Zstandard",)
    else:
        raw = zstd.compress(content)
        assert read_all(place(tmp_path / "a", raw, content, 93)) == content
        with pytest.raises(ArchiveError):
            read_all(place(tmp_path / "a", raw[:-3], content, 93))


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\x09\x04",
        b"\x09\x04\x04\x00" + b"\0" * 9,
        b"\x09\x04\x05\x00\xff\0\0\x10\0" + b"\0" * 9,
        b"\x09\x04\x05\x00\x5d\xff\xff\xff\xff" + b"\0" * 9,
    ],
)
def test_an_lzma_header_is_not_believed(tmp_path: Path, head: bytes) -> None:
    with pytest.raises(ArchiveError) as caught:
        read_all(place(tmp_path / "a", head, b"content", 14))
    assert "LZMA" in caught.value.where[0]


@pytest.mark.parametrize("method", [8, 12, 14])
def test_a_bomb_takes_little_memory(tmp_path: Path, method: int) -> None:
    huge = bytes(64 << 20)
    raw = compress(huge, method)
    assert len(raw) < 1 << 20
    honest = place(tmp_path / "honest", raw, huge, method)
    lying = place(tmp_path / "lying", raw, b"little", method)
    del huge
    tracemalloc.start()
    try:
        assert sum(map(len, read_content(honest))) == 64 << 20
        with pytest.raises(ArchiveError):
            read_all(lying)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_an_archive_that_is_gone_or_cut(tmp_path: Path) -> None:
    payload = place(tmp_path / "a.whl", b"content", b"content", 0)
    (tmp_path / "a.whl").write_bytes(b"beforecon")
    with pytest.raises(ArchiveError, match="`a.whl` is truncated"):
        read_all(payload)
    (tmp_path / "a.whl").unlink()
    with pytest.raises(ArchiveError, match="cannot read"):
        read_all(payload)


@pytest.mark.parametrize("now", [b"", b"contenT", b"content.", b"conten", b"x" * 1_000_000])
def test_a_source_file_that_changed_is_refused(tmp_path: Path, now: bytes) -> None:
    path = tmp_path / "a.py"
    path.write_bytes(now)
    with pytest.raises(OutputError, match="changed while it was being packaged") as caught:
        read_all(SourceFile(path, 7, zlib.crc32(b"content")))
    assert caught.value.hint == "leave it out with `exclude`, or end what writes to it"


def test_a_source_file_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"cannot read `.*gone\.py`"):
        read_all(SourceFile(tmp_path / "gone.py", 7, 1))


@given(one=st.binary(max_size=50), two=st.binary(max_size=50))
def test_same_content_compares_contents(
    tmp_path_factory: pytest.TempPathFactory, one: bytes, two: bytes
) -> None:
    folder = tmp_path_factory.mktemp("same")

    def ways(content: bytes) -> list[Payload]:
        number = str(len(list(folder.iterdir())))
        file = folder / f"{number}.py"
        file.write_bytes(content)
        crc = zlib.crc32(content)
        return [
            Inline(content, len(content), crc),
            SourceFile(file, len(content), crc),
            place(folder / f"{number}-0", content, content, 0),
            place(folder / f"{number}-8", compress(content, 8), content, 8),
        ]

    for left in ways(one):
        assert all(same_content(left, right) for right in ways(one))
        assert all(same_content(left, right) is (one == two) for right in ways(two))


def test_same_content_of_large_files_takes_little_memory(tmp_path: Path) -> None:
    content = bytes(range(256)) * (1 << 17)
    one, two = (place(tmp_path / name, content, content, 0) for name in "ab")
    tracemalloc.start()
    try:
        assert same_content(one, two)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()
