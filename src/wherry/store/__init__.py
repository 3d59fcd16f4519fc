"""Content-addressed files on disk, shared by every build of a user."""

from wherry.store.ownership import StoreUsage
from wherry.store.store import Store
from wherry.store.writer import StoredFile

__all__ = ["Store", "StoreUsage", "StoredFile"]
