"""What strangers wrote is read within limits; what is wrong with it is a `ValueError` that can be shown."""

from __future__ import annotations

import gzip
import itertools
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from wherry import untrusted
from wherry.untrusted import (
    decoded,
    file_path,
    parse_json,
    parse_number,
    parse_toml,
    read_all,
    split_url,
    url_path,
)

DEEP = 200_000


@pytest.mark.parametrize(
    ("parse", "document"),
    [
        (parse_json, "[" * DEEP),
        (parse_json, '{"a":' * DEEP),
        (parse_json, "[" * 101 + "]" * 101),
        (parse_json, '{"a": ' + "9" * 5000 + "}"),
        (parse_json, '{"a": NaN}'),
        (parse_json, "-Infinity"),
        (parse_json, b"\xff"),
        (parse_json, ""),
        (parse_toml, "a = " + "[" * DEEP),
        (parse_toml, ".".join("a" * 500) + " = 1"),
        (parse_toml, "a = " + "9" * 5000),
        (parse_toml, "a = 1\na = 2"),
    ],
    ids=range(12),
)
def test_documents_that_are_refused(
    parse: Callable[[str | bytes], object], document: str | bytes
) -> None:
    with pytest.raises(ValueError) as caught:
        parse(document)
    assert len(str(caught.value)) < 200
    assert "sys." not in str(caught.value)


def test_documents_that_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parse_json(b'{"a": [1, {"b": null}]}') == {"a": [1, {"b": None}]}
    assert parse_toml("a.b = [1, {c = 2}]") == {"a": {"b": [1, {"c": 2}]}}
    assert parse_json("[" * 90 + "]" * 90)
    monkeypatch.setattr(untrusted, "LARGEST_DOCUMENT", 10)
    with pytest.raises(ValueError, match="more than 10 bytes"):
        parse_json("[1, 2, 3, 4]")


@pytest.mark.parametrize(
    "text", ["", "-1", "+3", " 3", "3 ", "1_0", "0x3", "٣", "²", "9" * 5000, "11"]
)
def test_what_is_not_a_number(text: str) -> None:
    with pytest.raises(ValueError):
        parse_number(text, most=10)


def test_numbers() -> None:
    assert [parse_number(text, most=10) for text in ("0", "007", "10")] == [0, 7, 10]


@pytest.mark.parametrize(
    "url",
    [
        "http://[::1/x",
        "http://[nonsense]/x",
        "http://[::1]:port/x",
        "http://host:99999/x",
        "http://a/\0",
        "http://a/" + "x" * 100_000,
    ],
)
def test_what_is_not_an_address(url: str) -> None:
    with pytest.raises(ValueError, match="is not an address"):
        split_url(url)
    assert url_path(url) == file_path(url) == ""


def test_the_path_of_an_address() -> None:
    assert url_path("https://[::1]:8080/a%20b/c.whl?sig=x#y") == "/a b/c.whl"


@pytest.mark.parametrize("name", ["a b", "%41", "ä", "a#b?c"])
def test_the_path_of_a_file_address(tmp_path: Path, name: str) -> None:
    assert file_path((tmp_path / name).as_uri()) == str(tmp_path / name)


def test_an_answer_without_end() -> None:
    with pytest.raises(ValueError, match="more than 1,000 bytes"):
        read_all(itertools.repeat(b"x"), most=1000, seconds=60)
    with pytest.raises(ValueError, match=r"within 0\.01 s"):
        read_all(itertools.repeat(b""), most=1000, seconds=0.01)


@pytest.mark.parametrize("compress", [gzip.compress, zlib.compress])
def test_a_compressed_answer(compress: Callable[[bytes], bytes]) -> None:
    data = bytes(range(256)) * 5000
    encoding = "gzip" if compress is gzip.compress else "deflate"
    packed = compress(data)
    pieces = [packed[start : start + 100] for start in range(0, len(packed), 100)]
    assert b"".join(decoded(pieces, encoding)) == data
    assert max(map(len, decoded([packed], encoding))) <= 1 << 18


def test_a_bomb_is_not_unpacked() -> None:
    """Ten mebibytes of it stand for ten gibibytes, of which a few pieces are read."""
    compressor = zlib.compressobj(wbits=31)
    begin = compressor.compress(bytes(1 << 24))
    bomb = itertools.chain([begin], itertools.repeat(compressor.compress(bytes(1 << 20))))
    with pytest.raises(ValueError, match="more than"):
        read_all(decoded(bomb, "gzip"), most=1 << 20, seconds=60)


@pytest.mark.parametrize(("data", "encoding"), [(b"x", "br"), (b"nonsense", "gzip")])
def test_an_encoding_that_cannot_be_read(data: bytes, encoding: str) -> None:
    with pytest.raises(ValueError):
        b"".join(decoded([data], encoding))
