"""Facts about files that take time to find out, remembered in a store by content.

Files of a distribution are remembered together, under a digest of all of them. The project's own files, which change
one by one, are remembered under the name of the project, each by its CRC and size.
"""

from __future__ import annotations

import hashlib
import sys
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from wherry.bundle.entry import Slice
from wherry.store.memo import Memo, memo_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from wherry.contents.model import File
    from wherry.store import Store

__all__ = ["HOST", "Facts"]

T = TypeVar("T")

HOST = f"{sys.version_info[0]}.{sys.version_info[1]}"
"""The version of Python that parses sources; another may understand more, or less."""


class Facts(Generic[T]):
    """Facts of one kind.

    ``variant`` is of what else they depend on, their format among it. ``decode`` is the inverse of ``encode``, which
    turns a fact into what JSON can hold; errors as for ``Memo``.
    """

    def __init__(
        self,
        kind: str,
        variant: str,
        find: Callable[[File], T],
        *,
        encode: Callable[[T], object],
        decode: Callable[[Any], T],
    ) -> None:
        self._memo: Memo[dict[str, Any]] = Memo(kind, dict, dict)
        self._variant = variant
        self._find, self._encode, self._decode = find, encode, decode
        self._facts: dict[str, T] = {}
        self._groups: dict[str, _Group] = {}
        self._store: Store | None = None

    def attach(
        self, store: Store, groups: Mapping[str, Sequence[File]], own: Mapping[str, str]
    ) -> None:
        """Remember in a store.

        ``groups`` are the files whose facts are asked for, by owner; ``own`` has a name that stays the same for
        owners whose files change one by one.
        """
        self._store = store
        for owner, files in groups.items():
            group = _Group(files, own.get(owner))
            for file in files:
                self._groups[file.place] = group

    def of(self, file: File) -> T:
        """The fact of a file."""
        if file.place not in self._facts:
            self._facts[file.place] = self._recall(file)
        return self._facts[file.place]

    def remember(self) -> None:
        """Keep what was found out."""
        if self._store is None:
            return
        for group in {id(group): group for group in self._groups.values()}.values():
            if group.news and group.known is not None:
                self._memo.remember(self._store, self._key(group), group.kept())
                group.news = False

    def _key(self, group: _Group) -> str:
        return memo_key(self._variant, group.key)

    def _recall(self, file: File) -> T:
        group = self._groups.get(file.place)
        if group is None or self._store is None:
            return self._find(file)
        if group.known is None:
            group.known = self._memo.recall(self._store, self._key(group)) or {}
        name = group.name_of(file)
        if name in group.known:
            try:
                return self._decode(group.known[name])
            except (ValueError, LookupError, TypeError):
                pass
        fact = self._find(file)
        group.known[name] = self._encode(fact)
        group.news = True
        return fact


class _Group:
    """The files of one owner."""

    def __init__(self, files: Sequence[File], own: str | None) -> None:
        self._files, self._own = files, own
        self._key = ""
        self.known: dict[str, Any] | None = None
        self.news = False

    @property
    def key(self) -> str:
        if not self._key:
            self._key = self._own if self._own is not None else _digest(self._files)
        return self._key

    def name_of(self, file: File) -> str:
        if self._own is None:
            return file.place
        return f"{file.payload.crc:08x}-{file.size}"

    def kept(self) -> dict[str, Any]:
        """The facts of the files that are there: those of the project's own come and go."""
        assert self.known is not None  # noqa: S101
        names = {self.name_of(file) for file in self._files}
        return {name: fact for name, fact in self.known.items() if name in names}


def _digest(files: Sequence[File]) -> str:
    """A digest of the places and contents of files; of files of the store's wheels, nothing is read."""
    digest = hashlib.sha256()
    opened: dict[Path, BinaryIO] = {}
    try:
        for file in sorted(files, key=lambda each: each.place):
            payload = file.payload
            digest.update(repr((file.place, payload.size, payload.crc)).encode())
            if isinstance(payload, Slice):
                # A file of the store is named after its content.
                if len(payload.archive.name) > 64:
                    digest.update(f"{payload.archive.name}:{payload.offset}".encode())
                    continue
                if payload.archive not in opened:
                    opened[payload.archive] = payload.archive.open("rb")
                archive = opened[payload.archive]
                archive.seek(payload.offset)
                digest.update(archive.read(payload.compressed_size))
    except OSError:
        # Whoever reads the file tells.
        digest.update(repr(files).encode())
    finally:
        for archive in opened.values():
            archive.close()
    return digest.hexdigest()
