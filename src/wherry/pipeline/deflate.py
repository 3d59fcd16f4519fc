"""Packages in which files that would be stored are deflated, if that saves enough.

What was deflated is remembered by its content, so that an edit compresses a few files and not all: small files in
groups, whose limits depend on paths alone, and large ones by themselves.
"""

from __future__ import annotations

import hashlib
import zlib
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from wherry.bundle.bundle import Bundle
from wherry.bundle.compressor import COMPRESSOR, deflated
from wherry.bundle.content import content_sha256, read_all
from wherry.bundle.entry import (
    DEFLATED,
    BuiltSlice,
    Deflated,
    Inline,
    Slice,
    SourceFile,
    zipped_size,
)
from wherry.errors import FileChangedError
from wherry.store.memo import Memo, memo_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wherry.bundle.entry import Entry, Payload
    from wherry.compose.model import Composition
    from wherry.store import Store

__all__ = ["deflate_packages"]

_MEMO: Memo[list[Any]] = Memo("deflated", list, list)

# Part of the zip rules: fewer bytes are not worth it.
_SAVING = 1 << 16
# Part of the zip rules: what is larger does not fit into a package, and would have to fit into memory.
_LARGEST = 1 << 28
# Files from this size on are remembered by themselves, in the store.
_ALONE = 1 << 18
# One file in so many ends a group.
_GROUP = 16


def deflate_packages(composition: Composition, store: Store) -> Composition:
    """The same packages; in each of those that become smaller by more than 64 KiB, all that would be stored deflated.

    Members of published wheels stay as they are, and so do files that would not become smaller.

    Raises:
        FileChangedError, OutputError, ArchiveError: a file cannot be read.
        ToolError: the installed compressor is another one than that of the zip rules.
        StoreError: the store cannot be written.
    """
    deflating = _Deflating(store)
    # Packages of the same content go on having the very same bundle.
    done: dict[int, Bundle] = {}
    for package in composition.packages:
        key = id(package.bundle)
        if key not in done:
            done[key] = deflating.bundle(package.bundle)
    if all(done[id(package.bundle)] is package.bundle for package in composition.packages):
        return composition
    packages = (
        replace(package, bundle=done[id(package.bundle)]) for package in composition.packages
    )
    return replace(composition, packages=tuple(packages))


class _Deflating:
    """Deflates files; what was deflated before, in this run or another, is not deflated again."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, list[Payload | None]] = {}

    def bundle(self, bundle: Bundle) -> Bundle:
        """The bundle with deflated files, or the same one where too little is saved."""
        entries = [entry for entry in bundle if _is_stored(entry.payload)]
        if sum(entry.payload.size for entry in entries) <= _SAVING:
            return bundle
        smaller: dict[str, Payload] = {}
        saved = 0
        for group in _groups(entries):
            for entry, payload in zip(group, self._group(group), strict=True):
                if payload is not None:
                    smaller[entry.path] = payload
                    saved += entry.payload.size - zipped_size(payload)
        if saved <= _SAVING:
            return bundle
        return Bundle(
            tuple(
                entry._replace(payload=smaller[entry.path]) if entry.path in smaller else entry
                for entry in bundle
            )
        )

    def _group(self, group: Sequence[Entry]) -> list[Payload | None]:
        """The deflated files; None for those that stay as they are."""
        key = memo_key(COMPRESSOR, [self._content(entry.payload) for entry in group])
        if key not in self._known:
            self._known[key] = self._recall(key, group) or self._deflate(key, group)
        return self._known[key]

    def _content(self, payload: Payload) -> str:
        """The identity of a content."""
        match payload:
            case Inline():
                return hashlib.sha256(payload.data).hexdigest()
            case Slice():
                # Of the wheel, whose name in the store is its digest.
                return f"{payload.archive.name}:{payload.offset}:{payload.size}"
            case SourceFile() if payload.sha256:
                return payload.sha256
            case SourceFile() if payload.path.is_relative_to(self._store.root):
                return payload.path.name.partition(".")[0]
        return content_sha256(payload)

    def _recall(self, key: str, group: Sequence[Entry]) -> list[Payload | None] | None:
        found = _MEMO.recall(self._store, key)
        if found is None or len(found) != len(group):
            return None
        payloads: list[Payload | None] = []
        try:
            for entry, value in zip(group, found, strict=True):
                size, crc = entry.payload.size, entry.payload.crc
                if isinstance(value, str):
                    payloads.append(Deflated(b64decode(value), size, crc) if value else None)
                    continue
                sha256, compressed = value
                if (path := self._store.find(sha256)) is None:
                    return None
                payloads.append(Slice(path, 0, int(compressed), size, crc, DEFLATED))
        except (ValueError, TypeError):
            return None
        return payloads

    def _deflate(self, key: str, group: Sequence[Entry]) -> list[Payload | None]:
        payloads: list[Payload | None] = []
        values: list[object] = []
        for entry in group:
            size, crc = entry.payload.size, entry.payload.crc
            data = deflated(_read(entry.payload))
            if len(data) >= size:
                payloads.append(None)
                values.append("")
            elif size < _ALONE:
                payloads.append(Deflated(data, size, crc))
                values.append(b64encode(data).decode())
            else:
                with self._store.writer() as writer:
                    writer.write(data)
                    stored = writer.commit(hashes={}, name=entry.path)
                payloads.append(Slice(stored.path, 0, len(data), size, crc, DEFLATED))
                values.append([stored.sha256, len(data)])
        _MEMO.remember(self._store, key, values)
        return payloads


def _read(payload: Payload) -> bytes:
    data = read_all(payload)
    # What is remembered under a digest must have it.
    if (
        isinstance(payload, SourceFile)
        and payload.sha256
        and hashlib.sha256(data).hexdigest() != payload.sha256
    ):
        raise FileChangedError(f"`{payload.path}` changed while it was being packaged")
    return data


def _is_stored(payload: Payload) -> bool:
    return isinstance(payload, Inline | SourceFile | BuiltSlice) and 0 < payload.size <= _LARGEST


def _groups(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    group: list[Entry] = []
    for entry in entries:
        if entry.payload.size >= _ALONE:
            yield [entry]
            continue
        group.append(entry)
        if zlib.crc32(entry.path.encode()) % _GROUP == 0:
            yield group
            group = []
    if group:
        yield group
