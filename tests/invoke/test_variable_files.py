"""Files with variables are read as docker compose and python-dotenv read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from wherry.errors import InvokeError
from wherry.invoke.variables import read_variables

TEXT = """\
# of the shop
AA=1 # a note
export BB=two words
CC='single # not a note ${AA}'
DD="double \\"quoted\\"\\tand\\nlines"   # a note
EE="-----BEGIN-----
line # 2
-----END-----"

FF=
GG = spaced
HH=a#b
II=${AA}-${NONE:-default}
JJ=x=y=z
A=1
KK="unicode ü"
AA=last
"""


def read(path: Path, text: str, *pairs: str) -> dict[str, str]:
    path.write_text(text, encoding="utf-8")
    return read_variables(pairs, [path])


def test_what_people_write(tmp_path: Path) -> None:
    assert read(tmp_path / ".env", TEXT, "FF=given", "LL= kept ") == {
        "AA": "last",
        "BB": "two words",
        "CC": "single # not a note ${AA}",
        "DD": 'double "quoted"\tand\nlines',
        "EE": "-----BEGIN-----\nline # 2\n-----END-----",
        "FF": "given",
        "GG": "spaced",
        "HH": "a#b",
        "II": "1-default",
        "JJ": "x=y=z",
        "A": "1",
        "KK": "unicode ü",
        "LL": " kept ",
    }


def test_files_of_windows(tmp_path: Path) -> None:
    assert read(tmp_path / "e", "\ufeffAA=1\r\nBB='2'\r\n\r\n# x\r\nCC=3 # y\r\n") == {
        "AA": "1",
        "BB": "2",
        "CC": "3",
    }


def test_a_name_alone_is_passed_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HERE_SET", "v")
    monkeypatch.delenv("NOT_SET", raising=False)
    assert read(tmp_path / "e", "HERE_SET\nNOT_SET\nAA=${HERE_SET}\n") == {
        "HERE_SET": "v",
        "AA": "v",
    }


@pytest.mark.parametrize(
    ("text", "said", "place"),
    [
        ('AA=1\n\n\nBB="secret\nCC=2\n', "is not understood", "line 4"),
        ("AA='x' secret\n", "is not understood", "line 1"),
        ("=secret\n", "is not understood", "line 1"),
        ("AA=1\n\n  # c\nB-B=secret\n", "`B-B` is not a name", "line 4"),
        ("\nAWS_LAMBDA_RUNTIME_API=secret\n", "cannot be set", "line 2"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(
    text: str, said: str, place: str, tmp_path: Path
) -> None:
    with pytest.raises(InvokeError, match=said) as caught:
        read(tmp_path / "local.env", text)
    assert f"local.env {place}" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "e").write_bytes(b"AA=\xff")
    with pytest.raises(InvokeError, match="cannot read"):
        read_variables([], [tmp_path / "e"])
