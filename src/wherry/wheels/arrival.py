"""A file on its way into the store: hashed while it is written, verified before it counts."""

from __future__ import annotations

import errno
import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wherry.errors import FetchError, HashMismatchError, StoreError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from wherry.wheels.store import Store

__all__ = ["STRONG", "StoreWriter", "StoredFile", "alias", "refusal", "unproved"]

STRONG = ("sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512", "blake2b", "blake2s")
"""The hash algorithms that prove what a file is; md5 and sha1 do not."""


_CHUNK = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredFile:
    """A file of the store; ``size`` in bytes."""

    sha256: str
    size: int
    path: Path


class StoreWriter:
    """A file on its way into the store."""

    def __init__(self, store: Store, path: Path, algorithms: Collection[str]) -> None:
        """Made by ``Store.writer``."""
        self._store = store
        self._path = path
        self._file = path.open("xb")
        self._digests = {name: hashlib.new(name) for name in {"sha256", *algorithms}}
        self._sha256 = self._digests["sha256"]
        self.size = 0

    def write(self, data: bytes) -> None:
        """Append.

        Raises:
            StoreError: the disk is full, or similar.
        """
        for digest in self._digests.values():
            digest.update(data)
        self.size += len(data)
        try:
            self._file.write(data)
        except OSError as error:
            raise refusal(error, self._store.root) from error

    def commit(self, *, hashes: Mapping[str, str], name: str) -> StoredFile:
        """Verify every digest and move the file to its place, where others may have put it already.

        Args:
            hashes: hexadecimal digests by algorithm, as PEP 751 has them; may be empty for what was
                made on this machine.
            name: what messages call the file.

        Raises:
            HashMismatchError: a digest is another than the one given.
            FetchError: there are digests, but none of an algorithm that proves anything.
            StoreError: the file cannot be written.
        """
        if hashes and not any(algorithm in STRONG for algorithm in hashes):
            raise unproved(hashes, name=name)
        sha256 = self._sha256.hexdigest()
        try:
            self._file.flush()
            self._verify(hashes, name)
            os.fsync(self._file.fileno())
            self._file.close()
            self._path.chmod(0o444)
            stored = self._store.place(self._path, sha256, self.size)
        except OSError as error:
            raise refusal(error, self._store.root) from error
        for algorithm in hashes:
            if algorithm in STRONG and algorithm != "sha256":
                self._store.remember("digest", alias(algorithm, hashes[algorithm]), sha256.encode())
        return stored

    def _verify(self, hashes: Mapping[str, str], name: str) -> None:
        for algorithm, expected in hashes.items():
            if algorithm not in hashlib.algorithms_available:
                continue
            digest = self._digests.get(algorithm)
            if digest is None:
                digest = hashlib.new(algorithm, usedforsecurity=False)
                with self._path.open("rb") as file:
                    while piece := file.read(_CHUNK):
                        digest.update(piece)
            got = digest.hexdigest()
            if got != expected.lower():
                raise HashMismatchError(
                    f"`{name}` is not the file that the lock records",
                    where=[f"expected {algorithm} {expected.lower()}", f"got {algorithm} {got}"],
                    hint="somebody replaced the file: find out why before you lock again",
                )

    def discard(self) -> None:
        """Remove what was written, unless it was committed."""
        with suppress(OSError):
            self._file.close()
        with suppress(OSError):
            self._path.unlink(missing_ok=True)


def alias(algorithm: str, digest: str) -> str:
    """The key under which the sha256 of a file with this digest is remembered."""
    return f"{algorithm}-{digest.lower()}"


def unproved(hashes: Collection[str], *, name: str) -> FetchError:
    """The error for a file whose lock records no hash that proves what it is."""
    if hashes:
        cause = f"the lock records only {', '.join(sorted(hashes))}, which can be forged"
    else:
        cause = "the lock records no hash of it"
    return FetchError(
        f"`{name}` cannot be verified",
        where=[cause],
        hint="lock again with sha256 hashes",
    )


def refusal(error: OSError, root: Path) -> StoreError:
    """The error for a store that cannot be written."""
    elsewhere = "set `WHERRY_CACHE_DIR` to a folder"
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            hint = f"free some space, or {elsewhere} that has it"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            hint = f"{elsewhere} that you may write to"
        case _:
            hint = f"{elsewhere} for the store"
    return StoreError(
        f"cannot write to the store `{root}`", where=[error.strerror or str(error)], hint=hint
    )
