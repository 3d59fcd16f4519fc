"""Reading what strangers wrote, within limits: documents, numbers, addresses, answers of servers.

Whatever comes out of a lock, an index, a server or a build backend passes here. What is wrong with it is a
``ValueError`` whose text can be shown; nothing is read without end, and nothing is nested deeper than code that calls
itself can follow.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from urllib.parse import SplitResult

__all__ = [
    "LARGEST_DOCUMENT",
    "decoded",
    "file_path",
    "inner_string",
    "inner_table",
    "parse_json",
    "parse_number",
    "parse_toml",
    "read_all",
    "split_url",
    "url_path",
]

LARGEST_DOCUMENT = 1 << 26
"""Bytes of a lock, of an index page or of an answer; the largest pages of PyPI have a tenth of it."""
_DEEPEST = 100
_LONGEST_URL = 1 << 16
_CHUNK = 1 << 18


def parse_json(document: bytes | str) -> Any:
    """The value of a JSON document.

    Raises:
        ValueError: it is not JSON, too large or nested too deeply.
    """
    import json

    return _parse(document, partial(json.loads, parse_constant=_refuse_constant))


def parse_toml(document: str) -> dict[str, Any]:
    """The table of a TOML document.

    Raises:
        ValueError: it is not TOML, too large or nested too deeply.
    """
    import tomllib

    table: dict[str, Any] = _parse(document, tomllib.loads)
    return table


def _parse(document: Any, loads: Callable[[Any], Any]) -> Any:
    _check_size(document)
    try:
        value = loads(document)
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        # Python tells how to raise its limit, which nobody is to do here.
        if "sys.set_int_max_str_digits" in str(error):
            raise ValueError("a number in it has too many digits") from None
        raise
    _check_depth(value)
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"it has {name}, which JSON has not")


def inner_table(document: object, *keys: str) -> dict[str, Any]:
    """The table at these keys of a document; empty if there is none."""
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}


def inner_string(document: object, *keys: str) -> str | None:
    """The string at these keys of a document; None if there is none, or if it is empty."""
    *tables, last = keys
    value = inner_table(document, *tables).get(last)
    return value if isinstance(value, str) and value else None


def parse_number(text: str, *, most: int) -> int:
    """A number in decimal digits.

    Raises:
        ValueError: it is none, or above ``most``.
    """
    if text.isascii() and text.isdigit() and len(text) <= 20 and int(text) <= most:
        return int(text)
    raise ValueError(f"{text[:30]!r} is not a number up to {most:,}")


def split_url(url: str) -> SplitResult:
    """The parts of an address.

    Raises:
        ValueError: it is none.
    """
    from urllib.parse import urlsplit

    try:
        if len(url) > _LONGEST_URL or "\0" in url:
            raise ValueError
        parts = urlsplit(url)
        # Looked at only when they are asked for.
        _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"{url[:200]!r} is not an address") from None
    return parts


def url_path(url: str) -> str:
    """The path of an address, without its quoting; empty for an address that is none."""
    from urllib.parse import unquote

    try:
        return unquote(split_url(url).path)
    except ValueError:
        return ""


def file_path(url: str) -> str:
    """The path that a ``file:`` address names on this machine; empty for an address that is none."""
    from urllib.request import url2pathname

    try:
        return url2pathname(split_url(url).path)
    except ValueError:
        return ""


def read_all(pieces: Iterable[bytes], *, most: int, seconds: float) -> bytes:
    """The pieces as one.

    Raises:
        ValueError: there are more than ``most`` bytes, or they do not end within the seconds.
    """
    until = time.monotonic() + seconds
    data = bytearray()
    for piece in pieces:
        data += piece
        if len(data) > most:
            raise ValueError(f"it has more than {most:,} bytes")
        if time.monotonic() > until:
            raise ValueError(f"it has not ended within {seconds:g} s")
    return bytes(data)


def decoded(pieces: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """The pieces of an answer without its ``Content-Encoding``, none larger than 256 KiB.

    Raises:
        ValueError: the encoding is unknown, or the data is damaged.
    """
    import zlib

    if encoding.lower() in {"", "identity"}:
        yield from pieces
        return
    if encoding.lower() not in {"gzip", "x-gzip", "deflate"}:
        raise ValueError(f"it is encoded as {encoding[:30]!r}, which was not asked for")
    # Either header, of gzip or of zlib.
    decompressor = zlib.decompressobj(32 + zlib.MAX_WBITS)
    try:
        for piece in pieces:
            rest = piece
            while rest and not decompressor.eof:
                yield decompressor.decompress(rest, _CHUNK)
                rest = decompressor.unconsumed_tail
    except zlib.error:
        raise ValueError("its compressed data is damaged") from None


def _check_size(document: bytes | str) -> None:
    if len(document) > LARGEST_DOCUMENT:
        raise ValueError(f"it has more than {LARGEST_DOCUMENT:,} bytes")


def _check_depth(value: object) -> None:
    level = [value]
    for _ in range(_DEEPEST):
        inner: list[object] = []
        for item in level:
            if isinstance(item, dict):
                inner += [each for each in item.values() if isinstance(each, dict | list)]
            elif isinstance(item, list):
                inner += [each for each in item if isinstance(each, dict | list)]
        if not inner:
            return
        level = inner
    raise _too_deep()


def _too_deep() -> ValueError:
    return ValueError("it is nested too deeply")
