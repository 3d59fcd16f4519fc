"""Wheels that Wherry itself asks for: of a version that it was tested with, by their hash.

Adapters for web applications and AWS's runtime client are not part of a project's lock. They come from the
index that the user has configured, and their bytes are those that are pinned here, or nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wherry.events import SILENT
from wherry.lock.located import index_url

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wherry.events import Reporter
    from wherry.indexes.access import Access
    from wherry.wheels.store import Store, StoredFile

__all__ = ["PinnedFile", "fetch_pinned"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PinnedFile:
    """A wheel by its hash.

    Attributes:
        name: the normalized name of its distribution.
        version: its version.
        filename: its name on an index.
        sha256: of its bytes, in hexadecimal.
    """

    name: str
    version: str
    filename: str
    sha256: str


def fetch_pinned(
    files: Sequence[PinnedFile],
    store: Store,
    *,
    offline: bool = False,
    access: Access | None = None,
    reporter: Reporter = SILENT,
) -> tuple[StoredFile, ...]:
    """Have these wheels in the store, in the order given; the default index is asked for what is not there.

    Raises:
        HashMismatchError: the index has other bytes under the name.
        FetchError: the index does not answer or has no such file.
        StoreError: the store cannot be written.
    """
    found = [store.find_by({"sha256": file.sha256}) for file in files]
    if None not in found:
        return tuple(stored for stored in found if stored is not None)
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
    return fetch(remote, store, offline=offline, access=access, reporter=reporter)
