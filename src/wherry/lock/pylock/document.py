"""A ``pylock.toml`` (PEP 751) as ``packaging.pylock`` reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.errors import LockError
from wherry.indexes.redact import redact
from wherry.lock.document import file_sha256, parse_toml

if TYPE_CHECKING:
    from pathlib import Path

    from packaging.pylock import Pylock

    from wherry.lock.document import Table

__all__ = ["parse_pylock", "validated"]


def parse_pylock(text: str, *, file: str, base: Path) -> Pylock:
    """Parse a lock that uv wrote to its standard output.

    Args:
        text: uv's output.
        file: the name of what it was made from, for errors.
        base: the folder that relative paths in it start from.

    Raises:
        LockError: it is not a valid PEP 751 lock.
    """
    table = parse_toml(text, file=file, where=file)
    for package in table.tables("packages"):
        for entry in (package.table("sdist"), package.table("archive"), *package.tables("wheels")):
            _complete(entry, base)
    return validated(table, where=file)


def _complete(entry: Table, base: Path) -> None:
    """Older versions of uv leave out the hash of a file that is on the disk."""
    if entry.data.get("hashes"):
        return
    place = entry.optional("path", str) or entry.optional("url", str) or ""
    if "://" in place and not place.startswith("file://"):
        return
    if place:
        from urllib.parse import urlsplit
        from urllib.request import url2pathname

        path = url2pathname(urlsplit(place).path) if place.startswith("file://") else place
        entry.data["hashes"] = {"sha256": file_sha256(base / path)}


def validated(table: Table, *, where: str) -> Pylock:
    """Check that a table is a PEP 751 lock.

    Raises:
        LockError: it is of an unknown version or of a wrong shape; says where, as ``packages[3].wheels[0]``.
    """
    from packaging.pylock import Pylock, PylockUnsupportedVersionError, PylockValidationError

    try:
        return Pylock.from_dict(table.data)
    except PylockUnsupportedVersionError:
        raise LockError(
            f"`{table.file}` is of the unknown lock version {table.data.get('lock-version')}",
            where=[f"{where}: lock-version: this Wherry knows version 1.0"],
            hint="update Wherry, or write the lock again with a tool that knows version 1.0",
        ) from None
    except PylockValidationError as error:
        context = f"{error.context}: " if error.context else ""
        lines = error.message.splitlines() or ["it does not follow PEP 751"]
        raise LockError(
            f"`{table.file}` is not a valid lock", where=[redact(f"{where}: {context}{lines[0]}")]
        ) from None
    except RecursionError:
        raise LockError(f"`{table.file}` is nested too deeply", where=[where]) from None
