"""Wheels that Wherry itself needs: of the version that it was tested with, by their hash.

Adapters for web applications and AWS's runtime client are not part of a project's lock. They come from the
index that the user has configured, and are refused unless their bytes are the pinned ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.indexes.index_url import index_url
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wherry.bundle.bundle import Bundle
    from wherry.context import Context
    from wherry.store import StoredFile

__all__ = ["PinnedFile", "fetch_pinned", "pinned_bundles"]


class PinnedFile(Struct, frozen=True):
    """A wheel by its filename on an index, and its SHA-256 in hexadecimal."""

    filename: str
    sha256: str

    @property
    def name(self) -> str:
        """The normalized name of its distribution."""
        return self.filename.partition("-")[0].replace("_", "-")

    @property
    def version(self) -> str:
        """The version of its distribution."""
        return self.filename.split("-")[1]


def fetch_pinned(files: Sequence[PinnedFile], context: Context) -> tuple[StoredFile, ...]:
    """Bring wheels into the store, from the default index if it does not have them; in the order given.

    Raises:
        HashMismatchError: the index has another file of this name.
        FetchError: the index does not answer or has no such file.
        StoreError: the store cannot be written.
    """
    from wherry.wheels.fetch import RemoteFile, fetch

    remote = [
        RemoteFile(
            filename=file.filename,
            url=index_url(file.name, file.filename, index=None),
            hashes={"sha256": file.sha256},
            size=None,
            project=file.name,
        )
        for file in files
    ]
    return fetch(remote, context)


def pinned_bundles(files: Sequence[PinnedFile], context: Context) -> list[Bundle]:
    """The contents of wheels, which belong to their distributions; errors are those of ``fetch_pinned``."""
    from wherry.bundle.wheel import wheel_bundle

    return [
        wheel_bundle(stored, filename=file.filename, owner=file.name, store=context.store)
        for file, stored in zip(files, fetch_pinned(files, context), strict=True)
    ]
