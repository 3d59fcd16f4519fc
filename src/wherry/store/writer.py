"""Writing a new file into the store: hashed while it is written, verified before it is kept."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

from wherry.errors import FetchError, HashMismatchError, StoreError
from wherry.files import reason_of
from wherry.store.temporary import remedy
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from pathlib import Path

__all__ = [
    "STRONG",
    "StoreWriter",
    "StoredFile",
    "unverifiable",
    "write_error",
    "writing",
]

STRONG = ("sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512", "blake2b", "blake2s")
"""The hash algorithms that prove what a file is; md5 and sha1 do not."""


class StoredFile(Struct, frozen=True, kw_only=True):
    """A file of the store; ``size`` in bytes."""

    sha256: str
    size: int
    path: Path


class StoreWriter:
    """A new file of a store; made by ``Store.writer``.

    Attributes:
        size: how many bytes were written.
    """

    def __init__(
        self,
        path: Path,
        algorithms: Collection[str],
        *,
        root: Path,
        keep: Callable[[Path, str, int, Mapping[str, str]], StoredFile],
    ) -> None:
        """Begin to write.

        Args:
            path: of the temporary file, which is there.
            algorithms: hashes to compute while writing, besides SHA-256.
            root: the folder of the store, for messages.
            keep: moves a verified file to where it is kept, by its path, SHA-256, size and further digests.
        """
        self._root = root
        self._keep = keep
        self._path = path
        self._file = path.open("wb")
        self._digests = {name: hashlib.new(name) for name in {"sha256", *algorithms}}
        self._sha256 = self._digests["sha256"]
        self.size = 0

    def write(self, data: bytes) -> None:
        """Append bytes to the file.

        Raises:
            StoreError: the disk is full, or similar.
        """
        for digest in self._digests.values():
            digest.update(data)
        self.size += len(data)
        with writing(self._root):
            self._file.write(data)

    def commit(self, *, hashes: Mapping[str, str], name: str) -> StoredFile:
        """Verify every digest, and move the file to where it is kept.

        Args:
            hashes: hexadecimal digests by algorithm, as PEP 751 has them; may be empty for what was
                made on this machine.
            name: what messages call the file.

        Raises:
            HashMismatchError: the file has another digest than the one given.
            FetchError: digests are given, but none of a strong algorithm.
            StoreError: the file cannot be written.
        """
        if hashes and not any(algorithm in STRONG for algorithm in hashes):
            raise unverifiable(hashes, name=name)
        sha256 = self._sha256.hexdigest()
        with writing(self._root):
            self._file.flush()
            self._verify(hashes, name)
            os.fsync(self._file.fileno())
            self._file.close()
            self._path.chmod(0o444)
            return self._keep(self._path, sha256, self.size, hashes)

    def _verify(self, hashes: Mapping[str, str], name: str) -> None:
        for algorithm, expected in hashes.items():
            # Of those whose digests have any length, no two tools take the same.
            if algorithm not in hashlib.algorithms_available or algorithm.startswith("shake"):
                continue
            digest = self._digests.get(algorithm)
            if digest is None:
                new = partial(hashlib.new, algorithm, usedforsecurity=False)
                with self._path.open("rb") as file:
                    digest = hashlib.file_digest(file, new)
            got = digest.hexdigest()
            if got != expected.lower():
                raise HashMismatchError(
                    f"`{name}` is not the file that the lock records",
                    where=[f"expected {algorithm} {expected.lower()}", f"got {algorithm} {got}"],
                    hint="the file was replaced: find out why before you lock again",
                )

    def discard(self) -> None:
        """Remove what was written, unless it was committed."""
        with suppress(OSError):
            self._file.close()
        with suppress(OSError):
            self._path.unlink(missing_ok=True)


def unverifiable(hashes: Collection[str], *, name: str) -> FetchError:
    """The error for a file of which the lock records no strong hash."""
    if hashes:
        cause = f"the lock records only {', '.join(sorted(hashes))}, which can be forged"
    else:
        cause = "the lock records no hash of it"
    return FetchError(
        f"`{name}` cannot be verified",
        where=[cause],
        hint="lock again with sha256 hashes",
    )


def write_error(error: OSError, root: Path) -> StoreError:
    """The error for a store that cannot be written."""
    return StoreError(
        f"cannot write to the store `{root}`",
        where=[reason_of(error)],
        hint=remedy(error, "set `WHERRY_CACHE_DIR` to another folder"),
    )


@contextmanager
def writing(root: Path) -> Iterator[None]:
    """Turn every OSError inside the block into the error for the store in ``root``.

    Raises:
        StoreError: the store cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise write_error(error, root) from error
