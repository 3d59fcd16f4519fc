"""The store: content-addressed files on disk, shared by every build of a user.

A file is keyed by its SHA-256, never changes, and appears by an atomic rename once every digest that the
lock records has been verified. So what is there is sound, whichever process was killed, and any number of
processes may use the store at once. Everything lies in buckets whose names carry a version
(``files-v1/ab/abcdef….SIZE``), so that a later layout leaves an older one alone.
"""

from __future__ import annotations

import os
import re
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from wherry.errors import FetchError, StoreError
from wherry.files import open_regular, reason_of
from wherry.store.file_lock import SharedLock, exclusive
from wherry.store.memo import Memo
from wherry.store.ownership import (
    IN_USE,
    StoreUsage,
    bucket_of,
    item_name,
    measure,
    remove,
    remove_unused,
    sweep,
    tag,
    temporary_name,
)
from wherry.store.temporary import claimed
from wherry.store.verification import (
    StoreVerification,
    discard,
    is_sound,
    is_stamped,
    stamp,
    verify_files,
)
from wherry.store.writer import STRONG, StoredFile, StoreWriter, writing

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import timedelta

__all__ = ["Store"]

_CHUNK = 1 << 20
_DAY = 24 * 60 * 60
_TIMEOUT = 30.0
# The SHA-256 of files that locks know by another digest.
_SHA256_BY_DIGEST = Memo("digest", encode=str, decode=str)
_SHA256 = r"[0-9a-f]{64}"

# The locks of the stores that this process uses, by root: one for all `Store` objects, which keep it alive.
_locks: WeakValueDictionary[Path, SharedLock] = WeakValueDictionary()


class Store:
    """Content-addressed files on disk: keyed by SHA-256, immutable, safe for many processes.

    Attributes:
        root: the folder.
    """

    def __init__(self, root: Path | str) -> None:
        """Use a folder; it is made when first written to."""
        self.root = Path(root).absolute()
        self._files = str(bucket_of(self.root, "files"))
        self._lock: SharedLock | None = None
        self._tagged = self._swept = False
        # Files that were verified and could not be stamped: their paths, inodes and modification times.
        self._verified: set[tuple[str, int, int]] = set()

    @classmethod
    def default(cls) -> Store:
        """The user's store: ``$WHERRY_CACHE_DIR``, else the user's cache folder by the custom of the system.

        Raises:
            StoreError: there is no home folder.
        """
        try:
            if (chosen := os.environ.get("WHERRY_CACHE_DIR")) and not chosen.startswith("~"):
                return cls(Path(chosen))
            # What platformdirs answers, without the time that importing it takes.
            custom = os.environ.get("XDG_CACHE_HOME", "")
            if not chosen and sys.platform not in {"win32", "darwin"} and custom.startswith("/"):
                return cls(Path(custom, "wherry"))
            home = os.environ.get("HOME")
            if home is not None and sys.platform != "win32" and not home.startswith("/"):
                # As a path it would be a folder at the root of the disk, or below the current folder.
                raise RuntimeError(f"`HOME` is `{home}`" if home else "`HOME` is empty")
            if chosen:
                return cls(Path(chosen).expanduser())
            if sys.platform in {"win32", "darwin"}:
                from platformdirs import user_cache_path

                return cls(user_cache_path("wherry", appauthor=False))
            return cls(Path.home() / ".cache" / "wherry")
        except RuntimeError as error:
            raise StoreError(
                "cannot tell where to keep the store",
                where=[str(error)],
                hint="set `WHERRY_CACHE_DIR` to a folder",
            ) from error

    def find(self, sha256: str) -> Path | None:
        """The file with this digest, if the store has it.

        A file that has changed since it was verified is read again. One that is damaged is removed, and not found.
        """
        self._use()
        folder = f"{self._files}/{sha256[:2]}"
        # The size is part of the name: listing a small folder and one `stat` tell whether a file is whole.
        try:
            names = os.listdir(folder)  # noqa: PTH208
        except OSError:
            return None
        for name in names:
            digest, _, size = name.partition(".")
            if digest != sha256 or not size.isdecimal():
                continue
            path = f"{folder}/{name}"
            try:
                status = os.stat(path)  # noqa: PTH116
                if status.st_size == int(size) and self._is_verified(path, sha256, status):
                    return Path(path)
            except OSError:
                continue
            discard(Path(path))
        return None

    def _is_verified(self, path: str, sha256: str, status: os.stat_result) -> bool:
        """Whether a file is what its name says; records that it is used."""
        if is_stamped(sha256, status):
            if time.time() - status.st_atime > _DAY:
                stamp(path, sha256, status, used=time.time_ns())
            return True
        seen = (path, status.st_ino, status.st_mtime_ns)
        if seen not in self._verified:
            if not is_sound(path, sha256):
                return False
            stamp(path, sha256, status, used=time.time_ns())
            self._verified.add(seen)
        return True

    def find_by(self, hashes: Mapping[str, str]) -> StoredFile | None:
        """The file with these digests, if the store has it; any algorithm of ``STRONG`` will do.

        A file is found by another digest than SHA-256 if it was committed with that digest.
        """
        sha256 = hashes.get("sha256", "").lower()
        if not sha256:
            for algorithm in STRONG:
                if algorithm in hashes:
                    key = _digest_key(algorithm, hashes[algorithm])
                    sha256 = _SHA256_BY_DIGEST.recall(self, key) or ""
                    break
        if not re.fullmatch(_SHA256, sha256):
            return None
        path = self.find(sha256)
        if path is None:
            return None
        return StoredFile(sha256=sha256, size=int(path.name.rpartition(".")[2]), path=path)

    @contextmanager
    def writer(self, *, algorithms: Collection[str] = ()) -> Iterator[StoreWriter]:
        """Write a new file; nothing of it is left unless ``StoreWriter.commit`` is reached.

        Args:
            algorithms: hashes to compute while writing, besides SHA-256. Others that ``commit`` is given are
                computed by reading the file again.

        Raises:
            StoreError: the store cannot be written.
        """
        with writing(self.root), self.temporary() as path:
            strong = [name for name in algorithms if name in STRONG]
            writer = StoreWriter(path, strong, root=self.root, keep=self._keep)
            try:
                yield writer
            finally:
                writer.discard()

    @contextmanager
    def temporary(self, *, folder: bool = False) -> Iterator[Path]:
        """A new, empty file or folder for something that is being written; removed at the end unless it was renamed.

        Raises:
            OSError, StoreError: the store cannot be written.
        """

        def make() -> Path:
            path = above / temporary_name()
            if folder:
                path.mkdir()
            else:
                path.open("xb").close()
            return path

        above = self._make("tmp")
        self.sweep()
        with claimed(make) as path:
            try:
                yield path
            finally:
                with suppress(OSError):
                    remove(path)

    def sweep(self) -> None:
        """Remove the temporary files that killed processes have left; once in a run."""
        if not self._swept:
            self._swept = True
            sweep(self.root, "tmp", older_than=_DAY)

    def add(self, path: Path, *, hashes: Mapping[str, str] | None = None) -> StoredFile:
        """Copy a local file into the store, verifying the digests that are given.

        Raises:
            HashMismatchError: the file has another digest than the one given.
            FetchError: the file cannot be read.
            StoreError: the store cannot be written.
        """
        try:
            file = open_regular(path)
        except OSError as error:
            raise FetchError(f"cannot read `{path}`", where=[reason_of(error)]) from error
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
        """The bytes of a memo, if there is one; for ``Memo``."""
        self._use()
        path = os.path.join(bucket_of(self.root, kind), item_name(key))  # noqa: PTH118
        try:
            with open_regular(path) as file:
                _touch(path, os.fstat(file.fileno()).st_mtime)
                return file.read()
        except OSError:
            return None

    def remember(self, kind: str, key: str, value: bytes) -> None:
        """Keep the bytes of a memo, whole or not at all; a store that cannot be written keeps nothing."""
        with suppress(OSError, StoreError):
            bucket = self._bucket(kind)
            with self.temporary() as temporary:
                temporary.write_bytes(value)
                temporary.replace(bucket / item_name(key))

    def folder(self, kind: str, key: str) -> Path:
        """The path of a folder with this key. Its parents are made, it itself is not.

        Raises:
            StoreError: the store cannot be written.
        """
        with writing(self.root):
            folder = self._bucket(kind) / item_name(key)
        self._use()
        with suppress(OSError):
            _touch(folder, folder.stat().st_mtime)
        return folder

    @contextmanager
    def lock(self, kind: str, key: str) -> Iterator[None]:
        """Exclude every other process, and thread, from what has this kind and key.

        Raises:
            StoreError: the store cannot be written.
        """
        with ExitStack() as stack:
            with writing(self.root):
                path = self._make("locks") / f"{kind}-{item_name(key)}"
                stack.enter_context(exclusive(path))
            yield

    def usage(self) -> StoreUsage:
        """How many files the store holds, and how big they are."""
        return measure(self.root)

    def verify(self) -> StoreVerification:
        """Read every file again, compare it with its SHA-256, and remove those that are damaged.

        Raises:
            StoreError: a file cannot be read.
        """
        if self.root.is_dir():
            self._use()
        try:
            return verify_files(self.root)
        except OSError as error:
            raise StoreError(
                f"cannot read the store `{self.root}`", where=[reason_of(error)]
            ) from error

    def prune(self, *, older_than: timedelta | None) -> StoreUsage:
        """Remove what was not used for that long (to a day's precision), or everything for None.

        Waits for other processes that are building, so that none loses a file it is about to read.
        Nothing but what Wherry itself has put into the folder is touched. Returns what was removed.

        Raises:
            StoreError: other processes kept using the store, or it cannot be written.
        """
        if not self.root.is_dir():
            return StoreUsage()
        self._use()
        lock = self._lock
        if lock is not None and not lock.take_alone(timeout=_TIMEOUT):
            raise StoreError(
                f"the store `{self.root}` is in use",
                where=[f"another build did not end within {_TIMEOUT:.0f} s"],
                hint="try again when it has ended",
            )
        try:
            with writing(self.root):
                # No other process is there to need these.
                sweep(self.root, "tmp", older_than=0)
                sweep(self.root, "locks", older_than=0)
                return remove_unused(self.root, older_than=older_than)
        finally:
            if lock is not None:
                lock.share()

    def _keep(
        self, temporary: Path, sha256: str, size: int, hashes: Mapping[str, str]
    ) -> StoredFile:
        path = self._bucket("files") / sha256[:2] / f"{sha256}.{size}"
        # Where the same bytes are there already, processes that have the file open are not disturbed.
        if self.find(sha256) is None:
            path.parent.mkdir(exist_ok=True)
            temporary.replace(path)
            # Not before, when it would look like a file that a killed process left long ago.
            stamp(path, sha256, path.stat(), used=time.time_ns())
        for algorithm, digest in hashes.items():
            if algorithm in STRONG and algorithm != "sha256":
                _SHA256_BY_DIGEST.remember(self, _digest_key(algorithm, digest), sha256)
        return StoredFile(sha256=sha256, size=size, path=path)

    def _use(self) -> None:
        """Tell other processes that this one uses the store, if there is one."""
        if self._lock is None:
            self._lock = _locks.get(self.root)
        if self._lock is None:
            with suppress(OSError):
                self._lock = _locks[self.root] = SharedLock(self.root / IN_USE)

    def _tag(self) -> None:
        if not self._tagged:
            tag(self.root)
            self._tagged = True

    def _make(self, name: str) -> Path:
        """A folder of the store's root, made if it is missing."""
        self._tag()
        folder = self.root / name
        folder.mkdir(parents=True, exist_ok=True)
        self._use()
        return folder

    def _bucket(self, kind: str) -> Path:
        self._tag()
        bucket = bucket_of(self.root, kind)
        tag(bucket)
        return bucket


def _digest_key(algorithm: str, digest: str) -> str:
    return f"{algorithm}-{digest.lower()}"


def _touch(path: str | Path, used: float) -> None:
    """Let the modification time of a memo or folder tell its last use, to a day."""
    if time.time() - used > _DAY:
        with suppress(OSError):
            os.utime(path)
