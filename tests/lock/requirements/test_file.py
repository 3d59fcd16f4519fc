"""What pip reads in a requirements file is read."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

import pytest

from wherry.errors import LockError
from wherry.files import ProjectFiles
from wherry.lock.requirements.file import RequirementsFile, read_requirements_file

if TYPE_CHECKING:
    from pathlib import Path

TEXT = "# caf\u00e9\r\nalpha==1.0\r\nbeta==2.0\r\n"


def parse(folder: Path, data: bytes | str) -> RequirementsFile:
    path = folder / "requirements.txt"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return read_requirements_file(path, ProjectFiles())


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        codecs.BOM_UTF32_LE + TEXT.encode("utf-32-le"),
        f"# -*- coding: latin-1 -*-\n{TEXT}".encode("latin-1"),
        f"\n# vim: set fileencoding=cp1252 :\n{TEXT}".encode("cp1252"),
    ],
)
def test_encodings(tmp_path: Path, data: bytes) -> None:
    assert [line.text for line in parse(tmp_path, data).requirements] == ["alpha==1.0", "beta==2.0"]


@pytest.mark.parametrize(
    ("data", "message", "where"),
    [
        (b"a==1\n# \xe9\n", "not text in UTF-8", "line 2"),
        (b"# coding: klingon\n", "not text in KLINGON", "there is no encoding `klingon`"),
        (b"# coding: rot13\n", "not text in ROT13", "there is no encoding `rot13`"),
    ],
)
def test_no_text(tmp_path: Path, data: bytes, message: str, where: str) -> None:
    with pytest.raises(LockError, match=message) as caught:
        parse(tmp_path, data)
    assert where in caught.value.where[0]
    assert "save it in UTF-8" in (caught.value.hint or "")


@pytest.mark.parametrize("between", ["  # --hash=sha256:xx \\", "  # why", ""])
def test_hashes_behind_a_comment_or_an_empty_line(tmp_path: Path, between: str) -> None:
    text = f"a==1 \\\n  --hash=sha256:aa \\\n{between}\n  --hash=sha256:bb --hash=sha256:cc\nb==2\n"
    first, second = parse(tmp_path, text).requirements
    assert first.hashes == ("sha256:aa", "sha256:bb", "sha256:cc")
    assert (second.text, second.hashes) == ("b==2", ())


def test_a_hash_without_a_requirement(tmp_path: Path) -> None:
    with pytest.raises(LockError, match="a hash belongs to no requirement"):
        parse(tmp_path, "--hash=sha256:aa\n")


def test_lists_and_abbreviations_of_options(tmp_path: Path) -> None:
    (more := tmp_path / "%41.txt").write_text("c==3\n")
    text = f"--no-binary=a, b\n--only-bin c,d\n--index https://i/\n-r {more.as_uri()}\n"
    text += "d==4 --no-binary d --only-binary=e,f # as pip takes it\n--all-releases :all:\n--only-final g\n"
    found = parse(tmp_path, text.replace("a, b", "a,b"))
    assert found.options == [
        ("no-binary", "a"), ("no-binary", "b"), ("only-binary", "c"), ("only-binary", "d"),
        ("index-url", "https://i/"), ("no-binary", "d"), ("only-binary", "e"), ("only-binary", "f"),
        ("all-releases", ":all:"), ("only-final", "g"),
    ]  # fmt: skip
    assert [line.text for line in found.requirements] == ["c==3", "d==4"]


def test_variables_that_decide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A password makes no other lock, and a variable that is not set may be set the next time."""
    monkeypatch.setenv("STAGE", "prod")
    monkeypatch.setenv("TOKEN", "secret-token")
    monkeypatch.delenv("ABSENT", raising=False)
    (tmp_path / "prod.txt").write_text("a==${ABSENT}\n")
    text = "--index-url https://me:${TOKEN}@example.com/simple\n-r ${STAGE}.txt\n"
    found = parse(tmp_path, text)
    assert found.deciding == {"STAGE", "ABSENT"}
    assert found.variables == {"STAGE": "prod", "TOKEN": "secret-token"}
    assert [line.unexpanded for line in found.requirements] == ["a==${ABSENT}"]
