"""The store: content-addressed files on disk, shared by every build of this user.

A file is keyed by its sha256, never changes, and appears by an atomic rename once every digest that the
lock records has been verified; so what is there is sound, whoever was killed, and any number of
processes may use the store at once. Everything lies in buckets whose names carry a version
(``files-v1/ab/abcdef….SIZE``), so that a later layout leaves an older one alone.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from wherry.errors import FetchError, StoreError
from wherry.wheels.arrival import STRONG, StoredFile, StoreWriter, alias, refusal
from wherry.wheels.exclusion import Presence, exclusive
from wherry.wheels.upkeep import StoreUsage, mark, measure, remove_unused, sweep

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import timedelta

__all__ = ["Store", "StoreUsage", "StoreWriter", "StoredFile"]

_VERSION = 1
_CHUNK = 1 << 20
_DAY = 24 * 60 * 60
_PATIENCE = 30.0
# Lower case only: two keys that differ by case would be one file on some systems.
_PLAIN_KEY = re.compile(r"[a-z0-9][a-z0-9._+=-]{0,150}")
_SHA256 = re.compile(r"[0-9a-f]{64}")

# The stores that this process is in, by root: one mark for all `Store` objects, which keep it alive.
_present: WeakValueDictionary[Path, Presence] = WeakValueDictionary()


class Store:
    """Content-addressed files on disk, keyed by sha256, immutable, safe for many processes."""

    def __init__(self, root: Path) -> None:
        """Name the folder; it is made when first written to."""
        self.root = root.absolute()
        self._files = os.path.join(self.root, f"files-v{_VERSION}")  # noqa: PTH118
        self._presence: Presence | None = None
        self._swept = False

    @classmethod
    def default(cls) -> Store:
        """The user's store: ``$WHERRY_CACHE_DIR``, else the user's cache folder by the system's custom.

        Raises:
            StoreError: there is no home folder to keep it in.
        """
        try:
            if chosen := os.environ.get("WHERRY_CACHE_DIR"):
                return cls(Path(chosen).expanduser())
            if sys.platform in {"win32", "darwin"}:
                from platformdirs import user_cache_path

                return cls(user_cache_path("wherry", appauthor=False))
            # What platformdirs answers, without the time that importing it takes.
            custom = os.environ.get("XDG_CACHE_HOME", "")
            folder = Path(custom) if custom.startswith("/") else Path.home() / ".cache"
            return cls(folder / "wherry")
        except RuntimeError as error:
            raise StoreError(
                "cannot tell where to keep the store",
                where=[str(error)],
                hint="set `WHERRY_CACHE_DIR` to a folder",
            ) from error

    def find(self, sha256: str) -> Path | None:
        """The file with this digest, when it is here.

        A file that has not the size it was committed with is removed, and is not here.
        """
        self._enter()
        folder = f"{self._files}/{sha256[:2]}"
        # The size is part of the name: listing a small folder and one `stat` tell whether a file is whole.
        try:
            names = os.listdir(folder)  # noqa: PTH208
        except OSError:
            return None
        for name in names:
            if not name.startswith(sha256):
                continue
            path = f"{folder}/{name}"
            try:
                found = os.stat(path)  # noqa: PTH116
            except OSError:
                continue
            if name == f"{sha256}.{found.st_size}":
                _touch(path, found.st_mtime)
                return Path(path)
            with suppress(OSError):
                os.unlink(path)  # noqa: PTH108
        return None

    def find_by(self, hashes: Mapping[str, str]) -> StoredFile | None:
        """The file with these digests, when it is here; any algorithm of ``STRONG`` will do.

        A file known by another digest than sha256 is found when it was committed with that digest.
        """
        sha256 = hashes.get("sha256", "").lower()
        if not sha256:
            for algorithm in STRONG:
                if algorithm in hashes:
                    memo = self.recall("digest", alias(algorithm, hashes[algorithm]))
                    sha256 = (memo or b"").decode("ascii", "replace")
                    break
        if not _SHA256.fullmatch(sha256):
            return None
        path = self.find(sha256)
        if path is None:
            return None
        return StoredFile(sha256=sha256, size=int(path.name.rpartition(".")[2]), path=path)

    @contextmanager
    def writer(self, *, algorithms: Collection[str] = ()) -> Iterator[StoreWriter]:
        """A new file; nothing of it is left unless ``StoreWriter.commit`` is reached.

        Args:
            algorithms: hashes to compute while writing; others that ``commit`` is given are computed
                by reading the file again. sha256 always is.

        Raises:
            StoreError: the store cannot be written.
        """
        try:
            folder = self.root / "tmp"
            folder.mkdir(parents=True, exist_ok=True)
            self._enter()
            if not self._swept:
                self._swept = True
                sweep(folder, older_than=_DAY)
            name = f"{os.getpid()}-{os.urandom(8).hex()}"
            writer = StoreWriter(self, folder / name, [a for a in algorithms if a in STRONG])
        except OSError as error:
            raise refusal(error, self.root) from error
        try:
            yield writer
        finally:
            writer.discard()

    def add(self, path: Path, *, hashes: Mapping[str, str] | None = None) -> StoredFile:
        """Copy a local file in, verifying the digests that are given.

        Raises:
            HashMismatchError: a digest is another than the one given.
            FetchError: the file cannot be read.
            StoreError: the store cannot be written.
        """
        try:
            file = path.open("rb")
        except OSError as error:
            raise FetchError(
                f"cannot read `{path}`", where=[error.strerror or str(error)]
            ) from error
        with file, self.writer(algorithms=hashes or ()) as writer:
            while True:
                try:
                    piece = file.read(_CHUNK)
                except OSError as error:
                    raise FetchError(f"cannot read `{path}`", where=[str(error)]) from error
                if not piece:
                    return writer.commit(hashes=hashes or {}, name=path.name)
                writer.write(piece)

    def recall(self, kind: str, key: str) -> bytes | None:
        """What was remembered, if anything. Memos are small derived results, and no proof of anything."""
        self._enter()
        path = os.path.join(self.root, f"{kind}-v{_VERSION}", _key(key))  # noqa: PTH118
        try:
            with open(path, "rb", buffering=0) as file:  # noqa: PTH123
                _touch(path, os.fstat(file.fileno()).st_mtime)
                return file.read()
        except OSError:
            return None

    def remember(self, kind: str, key: str, value: bytes) -> None:
        """Keep a memo. Whole or not at all; a store that cannot be written forgets it silently."""
        temporary = self.root / "tmp" / f"{os.getpid()}-{os.urandom(8).hex()}"
        try:
            temporary.parent.mkdir(parents=True, exist_ok=True)
            self._enter()
            place = self._bucket(kind) / _key(key)
            try:
                with temporary.open("xb") as file:
                    file.write(value)
                temporary.replace(place)
            finally:
                temporary.unlink(missing_ok=True)
        except OSError:
            pass

    def folder(self, kind: str, key: str) -> Path:
        """Where a folder with this key belongs. Its parents are made, it itself is not.

        Raises:
            StoreError: the store cannot be written.
        """
        try:
            place = self._bucket(kind) / _key(key)
        except OSError as error:
            raise refusal(error, self.root) from error
        self._enter()
        with suppress(OSError):
            _touch(place, place.stat().st_mtime)
        return place

    @contextmanager
    def lock(self, kind: str, key: str) -> Iterator[None]:
        """Exclude every other process, and thread, from what has this kind and key.

        Raises:
            StoreError: the store cannot be written.
        """
        place = self.root / "locks" / f"{kind}-{_key(key)}"
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            self._enter()
            held = exclusive(place)
            held.__enter__()
        except OSError as error:
            raise refusal(error, self.root) from error
        try:
            yield
        finally:
            held.__exit__(None, None, None)

    def usage(self) -> StoreUsage:
        """How many files the store holds, and how big they are."""
        return measure(self.root)

    def prune(self, *, older_than: timedelta | None) -> StoreUsage:
        """Remove what was not used for that long (to a day's precision), or everything for None.

        Waits for other processes that are building, so that none loses a file it is about to read.
        Nothing but Wherry's own buckets is touched, whatever else lies in the folder. Returns what was
        removed.

        Raises:
            StoreError: other processes kept using the store, or it cannot be written.
        """
        if not self.root.is_dir():
            return StoreUsage()
        self._enter()
        presence = self._presence
        if presence is not None and not presence.alone(patience=_PATIENCE):
            raise StoreError(
                f"the store `{self.root}` is in use",
                where=[f"another build did not end within {_PATIENCE:.0f} s"],
                hint="try again when it has ended",
            )
        try:
            # Whoever had these is gone: this process is alone.
            sweep(self.root / "tmp", older_than=0)
            sweep(self.root / "locks", older_than=0)
            since = None if older_than is None else time.time() - older_than.total_seconds()
            return remove_unused(self.root, since=since)
        except OSError as error:
            raise refusal(error, self.root) from error
        finally:
            if presence is not None:
                presence.together()

    def _enter(self) -> None:
        """Mark this process as one that uses the store; a store that is not there needs no mark."""
        if self._presence is None:
            self._presence = _present.get(self.root)
        if self._presence is None:
            with suppress(OSError):
                self._presence = _present[self.root] = Presence(self.root / ".in-use")

    def _bucket(self, kind: str) -> Path:
        bucket = self.root / f"{kind}-v{_VERSION}"
        mark(bucket)
        return bucket

    def place(self, temporary: Path, sha256: str, size: int) -> StoredFile:
        """Give a verified file its place; for ``StoreWriter``."""
        place = self._bucket("files") / sha256[:2] / f"{sha256}.{size}"
        stored = StoredFile(sha256=sha256, size=size, path=place)
        # The same bytes are there already: those who have the file open are left in peace.
        if self.find(sha256) is None:
            place.parent.mkdir(exist_ok=True)
            temporary.replace(place)
        return stored


def _touch(path: str | Path, used: float) -> None:
    """Let the file's time tell its last use, to a day."""
    if time.time() - used > _DAY:
        with suppress(OSError):
            os.utime(path)


def _key(key: str) -> str:
    return key if _PLAIN_KEY.fullmatch(key) else f"~{hashlib.sha256(key.encode()).hexdigest()}"
