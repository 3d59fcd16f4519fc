"""The things that can be pruned, and the old versions that are in use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import to_builtins

from wherry.sizes import first
from wherry.structs import Struct

if TYPE_CHECKING:
    from datetime import datetime

    from wherry.aws.transfer import StoredObject

__all__ = ["Pruning", "Removal", "Spared"]


class Removal(Struct, frozen=True, kw_only=True):
    """One thing that can be removed.

    Attributes:
        kind: ``function`` or ``layer`` (a version of either), ``package`` or ``upload`` (in the bucket, the latter
            unfinished).
        name: of the function or layer on AWS.
        version: its number; None for a thing in the bucket.
        modified: when it was created; None if AWS does not tell.
        size: in bytes; None if AWS does not tell.
        freed_by: versions of functions that use this layer version, and can be removed too.
    """

    kind: str
    name: str
    version: int | None = None
    modified: datetime | None = None
    size: int | None = None
    freed_by: tuple[tuple[str, int], ...] = ()
    stored: StoredObject | None = None
    upload_id: str | None = None

    @property
    def url(self) -> str | None:
        """The address of a thing in the bucket."""
        return self.stored.url if self.stored is not None else None

    def __str__(self) -> str:
        day = f" of {self.modified:%Y-%m-%d}" if self.modified is not None else ""
        match self.kind:
            case "package":
                return f"{self.url}{day}"
            case "upload":
                return f"unfinished upload {self.url}{day}"
            case _:
                return f"{self.kind} {self.name} version {self.version}{day}"

    def document(self) -> dict[str, Any]:
        """The JSON document of one removal."""
        return {
            "kind": self.kind,
            "name": self.name,
            "version": self.version,
            "modified": self.modified.isoformat() if self.modified is not None else None,
            "size": self.size,
            "url": self.url,
        }


class Spared(Struct, frozen=True, kw_only=True):
    """A version that is old and stays, because something uses it."""

    kind: str
    name: str
    version: int
    users: tuple[str, ...]

    def __str__(self) -> str:
        users = first(self.users, 3)
        return f"{self.kind} {self.name} version {self.version} is used by {users}"


class Pruning(Struct, frozen=True, kw_only=True):
    """The things that can be removed, in this order, and old versions that stay. False if nothing can be removed."""

    removals: tuple[Removal, ...]
    spared: tuple[Spared, ...]

    def __bool__(self) -> bool:
        return bool(self.removals)

    @property
    def size(self) -> int:
        """The sum of the known sizes, in bytes."""
        return sum(removal.size or 0 for removal in self.removals)

    def document(self) -> dict[str, Any]:
        """The JSON document of ``wherry prune --json``, without what was done."""
        return {
            "removals": [removal.document() for removal in self.removals],
            "spared": [to_builtins(spared) for spared in self.spared],
            "size": self.size,
        }
