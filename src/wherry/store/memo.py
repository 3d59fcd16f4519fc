"""Memos: small results that a store remembers by key, so that they are not computed again.

A memo is a shortcut and proves nothing: without it the result is the same.
"""

from __future__ import annotations

import os
import zlib
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import msgspec

from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Memo", "memo_key"]

T = TypeVar("T")


class _Bytes(Protocol):
    """The part of a store that keeps the bytes of memos."""

    def recall(self, kind: str, key: str, /) -> bytes | None: ...

    def remember(self, kind: str, key: str, value: bytes, /) -> None: ...


# Without slots, in which a frozen class cannot be made by `Memo[...](...)`.
class Memo(Struct, Generic[T], frozen=True, dict=True):
    """Values of one kind that a store remembers by key; a damaged one is none.

    Attributes:
        kind: the name of the kind, and of its bucket in the store.
        encode: turns a value into what JSON can hold.
        decode: the inverse of ``encode``; ValueError, LookupError and TypeError mean that there is no memo.
    """

    kind: str
    encode: Callable[[T], object]
    decode: Callable[[Any], T]

    def recall(self, store: _Bytes, key: str) -> T | None:
        """The value remembered under a key; None where there is none, or none that can be read."""
        memo = store.recall(self.kind, key)
        if memo is None or memo[:8] != self._checksum(key, memoryview(memo)[8:]):
            return None
        try:
            return self.decode(_parse(memo[8:]))
        except (ValueError, LookupError, TypeError, RecursionError):
            return None

    def remember(self, store: _Bytes, key: str, value: T) -> None:
        """Keep a value under a key, in place of an earlier one. A store that cannot be written keeps nothing."""
        # msgspec would write infinite numbers as null.
        import json

        body = json.dumps(self.encode(value), separators=(",", ":")).encode()
        store.remember(self.kind, key, self._checksum(key, body) + body)

    def _checksum(self, key: str, body: bytes | memoryview) -> bytes:
        # Of the key too, so that the memo of another key, or of another kind, is not taken for this one's.
        start = zlib.crc32(f"{self.kind}\0{key}\0".encode(errors="surrogatepass"))
        return b"%08x" % zlib.crc32(body, start)


def memo_key(*facts: object) -> str:
    """The key of a memo that depends on these facts: the SHA-256 of their JSON, in hexadecimal.

    Facts are what JSON can hold, sets and paths; the order of a mapping's keys or of a set makes no difference.
    """
    import hashlib

    try:
        text = msgspec.json.encode(facts, enc_hook=os.fspath, order="sorted")
    except UnicodeEncodeError:
        # Of a path that is no UTF-8.
        import json

        text = json.dumps(facts, sort_keys=True, default=os.fspath).encode()
    return hashlib.sha256(text).hexdigest()


def _parse(body: bytes) -> Any:
    """The document that ``json.dumps`` wrote."""
    try:
        return msgspec.json.decode(body)
    except ValueError:
        # It does not read lone surrogates, as of paths that are no UTF-8, and infinite numbers.
        import json

        return json.loads(body)
