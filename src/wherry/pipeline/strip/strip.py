"""Packages without what only debuggers read of their compiled files.

A package is composed of whole files first, so that functions and layers share what they share whether or not one
of them is stripped. What came of a wheel's files is remembered in the store, by the wheel.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from wherry.bundle.bundle import Bundle
from wherry.bundle.compressor import STRIPPING
from wherry.bundle.entry import DEFLATED, Deflated, Inline, Slice, SourceFile, zipped_size
from wherry.bundle.patterns import compile_patterns
from wherry.compose.model import Saving
from wherry.compose.stack import code_folder
from wherry.elf.model import is_elf
from wherry.settings.model import LayerSettings
from wherry.store.memo import Memo, memo_key

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from wherry.bundle.entry import Entry, Payload
    from wherry.compose.model import Composition, Package
    from wherry.compose.recipe import Recipe
    from wherry.settings.model import Settings
    from wherry.store import Store

__all__ = ["strip_packages"]

_MEMO: Memo[dict[str, Any]] = Memo("stripped", dict, dict)
# The smallest file that has something to leave out.
_SMALLEST = 4096


def strip_packages(
    composition: Composition, recipes: Sequence[Recipe], settings: Settings, store: Store
) -> Composition:
    """The same packages; those whose settings say so, without what only debuggers read.

    Args:
        composition: all packages.
        recipes: of the packages.
        settings: of the project.
        store: where the stripped files are kept.

    Raises:
        ArchiveError, OutputError: a file cannot be read.
        ToolError: the installed compressor is another one than that of the zip rules.
        StoreError: the store cannot be written.
    """
    stripping = _Stripping(store)
    by_name = {recipe.name: recipe for recipe in recipes}
    done: dict[tuple[int, tuple[str, ...], str], Package] = {}
    packages = []
    for package in composition.packages:
        content = by_name[package.name].settings
        patterns = settings.chosen("strip", content)
        folder = ""
        if isinstance(content, LayerSettings):
            folder = code_folder(content.layout, composition.target)
        if not patterns:
            packages.append(package)
            continue
        # Packages of the same content go on having the very same bundle.
        key = id(package.bundle), patterns, folder
        if key not in done:
            done[key] = _stripped(package, patterns, folder, stripping)
        packages.append(replace(package, bundle=done[key].bundle, saving=done[key].saving))
    stripping.remember()
    return replace(composition, packages=tuple(packages))


def _stripped(
    package: Package, patterns: Sequence[str], folder: str, stripping: _Stripping
) -> Package:
    matcher = compile_patterns(patterns, where="`strip`")
    files = size = unzipped = 0
    entries: list[Entry] = []
    for entry in package.bundle:
        # For a layer, paths are those that Python sees.
        path = entry.path.removeprefix(f"{folder}/") if folder else entry.path
        payload = None
        if entry.payload.size > _SMALLEST and matcher is not None and matcher.match(path):
            payload = stripping.stripped(entry.payload)
        if payload is not None:
            files += 1
            size += zipped_size(entry.payload) - zipped_size(payload)
            unzipped += entry.payload.size - payload.size
            entry = entry._replace(payload=payload)  # noqa: PLW2901
        entries.append(entry)
    return replace(
        package,
        bundle=Bundle(tuple(entries)),
        saving=Saving(files=files, size=size, unzipped_size=unzipped),
    )


class _Stripping:
    """Files and what they are when stripped; what was found out before is not done again."""

    def __init__(self, store: Store) -> None:
        self._store = store
        # By the wheel or file they lie in: what is known of it, by offset; and whether that is news.
        self._known: dict[str, dict[str, Any]] = {}
        self._news: set[str] = set()

    def stripped(self, payload: Payload) -> Payload | None:
        """The file stripped; None where it stays as it is."""
        if isinstance(payload, Inline | Deflated):
            return None
        place, offset = (
            (payload.archive, payload.offset) if isinstance(payload, Slice) else (payload.path, 0)
        )
        # A file of the project's own may change at any time, and is looked at each time.
        if not place.is_relative_to(self._store.root):
            return self._strip(payload)
        digest, key = place.name.partition(".")[0], str(offset)
        if digest not in self._known:
            self._known[digest] = _MEMO.recall(self._store, memo_key(STRIPPING, digest)) or {}
        known = self._known[digest]
        if key in known:
            again = None if known[key] is None else self._from_memo(known[key])
            if known[key] is None or again is not None:
                return again
        made = self._strip(payload)
        known[key] = None if made is None else _to_memo(made)
        self._news.add(digest)
        return made

    def remember(self) -> None:
        """Keep what was found out."""
        for digest in sorted(self._news):
            _MEMO.remember(self._store, memo_key(STRIPPING, digest), self._known[digest])

    def _from_memo(self, found: Any) -> Payload | None:
        try:
            sha256, compressed, size, crc, method = found
        except (TypeError, ValueError):
            return None
        path = self._store.find(sha256)
        if path is None:
            return None
        if method == DEFLATED:
            return Slice(path, 0, compressed, size, crc, method)
        return SourceFile(path, size, crc)

    def _strip(self, payload: Slice | SourceFile) -> Payload | None:
        from wherry.bundle.stripped import strip_file

        if not _is_elf(payload) or (made := strip_file(payload)) is None:
            return None
        path = self._keep(made.data)
        if made.method == DEFLATED:
            return Slice(path, 0, len(made.data), made.size, made.crc, DEFLATED)
        return SourceFile(path, made.size, made.crc)

    def _keep(self, data: bytes) -> Path:
        with self._store.writer() as writer:
            writer.write(data)
            return writer.commit(hashes={}, name="stripped file").path


def _to_memo(payload: Payload) -> list[object]:
    assert isinstance(payload, Slice | SourceFile)  # noqa: S101
    if isinstance(payload, Slice):
        sha256 = payload.archive.name.partition(".")[0]
        return [sha256, payload.compressed_size, payload.size, payload.crc, payload.method]
    return [payload.path.name.partition(".")[0], payload.size, payload.size, payload.crc, 0]


def _is_elf(payload: Slice | SourceFile) -> bool:
    """Whether the file begins as ELF files do."""
    if isinstance(payload, SourceFile):
        return is_elf(_read(payload.path, 0, 4))
    head = _read(payload.archive, payload.offset, min(payload.compressed_size, 512))
    if payload.method != DEFLATED:
        return is_elf(head)
    try:
        return is_elf(zlib.decompressobj(-zlib.MAX_WBITS).decompress(head, 4))
    except zlib.error:
        return False


def _read(path: Path, offset: int, size: int) -> bytes:
    """Bytes of a file; none of one that cannot be read, which its writer will tell."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(size)
    except OSError:
        return b""
