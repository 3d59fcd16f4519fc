"""Entries and the paths they may have."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wherry.bundle.entry import Entry, Inline, check_path, inline
from wherry.errors import EntryPathError


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", "empty"),
        ("/", "absolute"),
        ("/etc/passwd", "absolute"),
        ("//x", "absolute"),
        ("C:\\x", "absolute"),
        ("C:/x", "absolute"),
        ("c:x", "absolute"),
        ("../x", ".."),
        ("a/../x", ".."),
        ("a/..", ".."),
        ("..", ".."),
        ("a\\b", "backslash"),
        ("..\\x", "backslash"),
        ("\\\\server\\share", "backslash"),
        ("a//b", "empty or `.` segment"),
        ("a/", "empty or `.` segment"),
        ("./a", "empty or `.` segment"),
        ("a/.", "empty or `.` segment"),
        (".", "empty or `.` segment"),
        ("a\0b", "control character"),
        ("a\nb", "control character"),
        ("a\n", "control character"),
        ("a\x7f", "control character"),
        ("a\x9b2J", "control character"),
    ],
)
def test_unsafe_paths_are_refused_with_a_reason(path: str, reason: str) -> None:
    with pytest.raises(EntryPathError) as caught:
        check_path(path, owner="shady")
    assert "`shady`" in caught.value.message
    assert reason in " ".join(caught.value.where)
    assert "\n" not in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    "path",
    [
        "a",
        "a/b",
        "..a",
        "a..",
        "...",
        "a/...",
        ".hidden/.x",
        "a b/c d",
        "ü/日本.txt",
        "ab:c",
        "a/C:",
        "x" * 255,
        "a/" * 1000 + "b",
    ],
)
def test_sound_paths_come_back_as_they_are(path: str) -> None:
    assert check_path(path, owner="fine") == path


@pytest.mark.parametrize("path", ["x" * 256, "a/" + "ü" * 128, "a/" * 2000 + "b"])
def test_what_linux_cannot_unpack_is_refused(path: str) -> None:
    with pytest.raises(EntryPathError, match="too long"):
        check_path(path, owner="long")


def test_a_name_that_is_no_unicode_is_refused() -> None:
    with pytest.raises(EntryPathError, match="not Unicode"):
        check_path("caf\udce9", owner="old")


@given(st.text(st.sampled_from("ab./\\:C\n\0ü\udc80"), max_size=12))
@example("a/..")
def test_an_accepted_path_stays_below_every_folder(path: str) -> None:
    try:
        check_path(path, owner="any")
    except EntryPathError:
        return
    segments = path.split("/")
    assert path.encode().decode() == path
    assert "" not in segments
    assert not {".", ".."} & set(segments)
    assert not set(path) & set("\\\n\0")
    assert path[1:2] != ":" or not path[0].isascii() or not path[0].isalpha()


@given(st.binary(max_size=100))
def test_inline_knows_its_size_and_crc(data: bytes) -> None:
    entry = inline("x.py", data, owner="wherry", executable=True)
    assert entry == Entry("x.py", True, Inline(data, len(data), zlib.crc32(data)), "wherry")
