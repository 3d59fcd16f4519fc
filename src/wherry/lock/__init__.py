"""Locks: every format that a Python project may have, read as PEP 751's ``Pylock``."""

from wherry.lock.model import FindFiles, IndexedFile, Lock, LockFormat, LockRequest
from wherry.lock.read import read_lock
from wherry.lock.write import write_lock

__all__ = [
    "FindFiles",
    "IndexedFile",
    "Lock",
    "LockFormat",
    "LockRequest",
    "read_lock",
    "write_lock",
]
