"""Distribution files: which of a lock's run on a target, and where they lie on this machine."""

from wherry.wheels.store import Store, StoredFile, StoreUsage

__all__ = ["Store", "StoreUsage", "StoredFile"]
