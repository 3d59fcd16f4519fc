"""``pylock.toml`` (PEP 751)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.errors import LockError
from wherry.lock.document import parse_toml, read_bytes, read_text
from wherry.lock.model import Lock, LockFormat
from wherry.lock.redact import redact

if TYPE_CHECKING:
    from pathlib import Path

    from packaging.pylock import Pylock

    from wherry.lock.document import Table
    from wherry.lock.model import LockRequest

__all__ = ["parse_pylock", "read_pylock"]


def read_pylock(path: Path, request: LockRequest) -> Lock:
    """Read ``pylock.toml`` or ``pylock.NAME.toml``.

    Raises:
        LockError: it is of an unknown version, no sound PEP 751 lock, older than the files it was made
            from, or lacks a group or extra that was asked for.
    """
    from wherry.lock.assemble import known, without_project
    from wherry.lock.provenance import check_provenance
    from wherry.lock.satisfied import check_satisfied

    table = parse_toml(read_text(path), file=path.name, where=str(path))
    pylock = validated(table, where=str(path))
    sources = check_provenance(table, path)
    check_satisfied(pylock, path, request)
    groups = known("group", request.groups, pylock.dependency_groups or (), path)
    extras = known("extra", request.extras, pylock.extras or (), path)
    return Lock(
        pylock=without_project(pylock, base=path.parent, project=request.root),
        format=LockFormat.PYLOCK,
        path=path,
        base=path.parent,
        inputs=(path, *sources),
        stable=True,
        groups=(*(pylock.default_groups or ()), *groups) if groups else None,
        extras=extras,
        member=request.root,
    )


def parse_pylock(text: str, *, file: str, base: Path) -> Pylock:
    """A lock that uv wrote to its standard output.

    Args:
        text: what uv wrote.
        file: what it was made from, for errors.
        base: where relative paths in it start.

    Raises:
        LockError: it is no sound PEP 751 lock.
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
        from hashlib import sha256
        from urllib.parse import urlsplit
        from urllib.request import url2pathname

        path = url2pathname(urlsplit(place).path) if place.startswith("file://") else place
        entry.data["hashes"] = {"sha256": sha256(read_bytes(base / path)).hexdigest()}


def validated(table: Table, *, where: str) -> Pylock:
    """The lock that this table holds.

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
        lines = error.message.splitlines() or ["it is not as PEP 751 says"]
        raise LockError(
            f"`{table.file}` is not a sound lock", where=[redact(f"{where}: {context}{lines[0]}")]
        ) from None
    except RecursionError:
        raise LockError(f"`{table.file}` is nested too deeply", where=[where]) from None
