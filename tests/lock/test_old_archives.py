"""Sdists in the tar format of Unix V7, as some programs wrote it until about 2016."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from support.index import serve_index
from support.locks import read, write
from support.wheels import make_sdist, make_wheel
from wherry.errors import LockError
from wherry.lock.old_archives import with_magic

if TYPE_CHECKING:
    from pathlib import Path

    from support.wheels import Made

# Its needs can be read without building it.
PYPROJECT = b'[project]\nname = "old"\nversion = "1.0"\ndependencies = ["alpha"]\n'
SDIST = make_sdist("old", files={"old.py": b"OLD = 1\n" * 200, "pyproject.toml": PYPROJECT})


def aged(tar: bytes) -> bytes:
    """The same members with headers of V7, whose numbers are padded with blanks."""
    blocks = bytearray(tar)
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        places = [member.offset for member in archive]
    for place in places:
        header = blocks[place : place + 512]
        header[257:512] = bytes(255)
        for start, width in ((100, 8), (108, 8), (116, 8), (124, 12), (136, 12)):
            number = int(header[start : start + width].rstrip(b"\0 "), 8)
            header[start : start + width] = b"%*o " % (width - 1, number)
        header[148:156] = b" " * 8
        header[148:156] = b"%6o\0 " % sum(header)
        blocks[place : place + 512] = header
    return bytes(blocks)


def old() -> Made:
    return replace(SDIST, data=gzip.compress(aged(gzip.decompress(SDIST.data))))


@pytest.mark.parametrize("hashed", [False, True])
def test_an_old_sdist_is_resolved(tmp_path: Path, *, hashed: bool) -> None:
    """The lock names the file on the index, and not the copy that uv was lent."""
    with serve_index([made := old(), wheel := make_wheel("alpha")]) as index:
        lines = [f"--index-url {index.simple}"]
        for name, file in (("old", made), ("alpha", wheel)):
            lines.append(f"{name}==1.0" + f" --hash=sha256:{file.sha256}" * hashed)
        write(tmp_path, requirements__txt="\n".join(lines) + "\n")
        lock = read(tmp_path)
        package = next(each for each in lock.pylock.packages if each.name == "old")
        assert package.sdist is not None
        assert package.sdist.url == f"{index.url}/files/{made.filename}"
        assert package.sdist.hashes["sha256"] == made.sha256


def test_one_that_others_need(tmp_path: Path) -> None:
    with serve_index([old(), make_wheel("alpha"), make_wheel("new", requires=["old"])]) as index:
        write(tmp_path, requirements__txt=f"--index-url {index.simple}\nnew==1.0\n")
        names = {package.name for package in read(tmp_path).pylock.packages}
        assert names == {"new", "old", "alpha"}


def test_one_that_is_damaged_is_refused(tmp_path: Path) -> None:
    """With the words of uv."""
    damaged = replace(SDIST, data=gzip.compress(b"x" * 2048))
    with serve_index([damaged, make_wheel("alpha")]) as index:
        write(tmp_path, requirements__txt=f"--index-url {index.simple}\nold==1.0\n")
        with pytest.raises(LockError) as caught:
            read(tmp_path)
        assert "cannot resolve" in caught.value.message


def test_other_headers_stay_as_they_are() -> None:
    tar = gzip.decompress(SDIST.data)
    assert with_magic(tar) == tar


def test_members_are_those_that_tarfile_reads() -> None:
    before = aged(gzip.decompress(SDIST.data))
    after = with_magic(before)
    with (
        tarfile.open(fileobj=io.BytesIO(before)) as first,
        tarfile.open(fileobj=io.BytesIO(after)) as second,
    ):
        for one, other in zip(first.getmembers(), second.getmembers(), strict=True):
            assert (one.name, one.size, one.mode) == (other.name, other.size, other.mode)
            assert hashlib.sha256(first.extractfile(one).read()).digest() == (  # type: ignore[union-attr]
                hashlib.sha256(second.extractfile(other).read()).digest()  # type: ignore[union-attr]
            )
    assert after != before
    assert with_magic(after) == after
