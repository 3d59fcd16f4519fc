"""Whether a ``Pipfile.lock`` is as new as its ``Pipfile``.

The lock records a hash of the ``Pipfile``. For one without ``[[source]]``, pipenv hashes the indexes that pip was set
up for where it was locked, and records only the first. Then the requirements themselves are compared.
"""

from __future__ import annotations

import json
import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion

from wherry.errors import LockError
from wherry.events import Note

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wherry.events import Reporter
    from wherry.lock.document import Table

__all__ = ["check_fresh"]

_OTHERS = frozenset({"source", "requires", "scripts", "pipfile", "pipenv", "default", "develop"})
_SECTIONS = {"packages": "default", "dev-packages": "develop"}


def check_fresh(lock: Table, pipfile: Table, reporter: Reporter, *, hint: str) -> None:
    """Check that a lock is as new as its ``Pipfile``; the reporter is told where that cannot be known.

    Raises:
        LockError: it is older.
    """
    meta = lock.table("_meta")
    recorded = meta.table("hash").optional("sha256", str)
    sources = pipfile.data.get("source", meta.data.get("sources"))
    if recorded in set(_hashes(pipfile, sources)):
        return
    where = [f"{lock.file}: _meta.hash.sha256: this is not the hash of `Pipfile` as it is now"]
    if "source" not in pipfile and recorded is not None:
        where = list(_differences(lock, pipfile))
    if where:
        raise LockError(f"`{lock.file}` is older than `Pipfile`", where=where, hint=hint)
    text = (
        "`Pipfile` names no [[source]], and the hash holds those of the machine where it was locked"
    )
    reporter.emit(Note(text=f"whether `{lock.file}` is up to date is not certain: {text}"))


def _hashes(pipfile: Table, sources: object) -> Iterator[str]:
    """The hashes of those parts that decide a lock, as the versions of pipenv compute it."""
    # Since 2024, names are normalized.
    for normalized in (False, True):
        data: dict[str, Any] = {
            "_meta": {"sources": sources or [], "requires": pipfile.data.get("requires", {})},
            "default": {},
            "develop": {},
        }
        for section, category in _categories(pipfile):
            packages = pipfile.data[section]
            if normalized and isinstance(packages, dict):
                packages = {canonicalize_name(name): value for name, value in packages.items()}
            data[category] = packages
        text = json.dumps(data, sort_keys=True, separators=(",", ":"), default=str)
        yield sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _categories(pipfile: Table) -> Iterator[tuple[str, str]]:
    """The sections that hold packages, each with its category in the lock."""
    for section in pipfile.data:
        if section not in _OTHERS:
            yield section, _SECTIONS.get(section, section)


def _differences(lock: Table, pipfile: Table) -> Iterator[str]:
    """The requirements of the ``Pipfile`` that the lock does not meet."""
    wanted, held = pipfile.data.get("requires", {}), lock.table("_meta").data.get("requires", {})
    if wanted != held:
        yield f"`Pipfile` requires {_python(wanted)}, the lock was made for {_python(held)}"
    for section, category in _categories(pipfile):
        locked = {
            canonicalize_name(name): entry.optional("version", str)
            for name, entry in lock.table(category).each_table()
        }
        table = pipfile.table(section)
        for name, value in table.data.items():
            key = canonicalize_name(name)
            if key not in locked:
                yield f"`Pipfile` asks for `{name}` in [{section}], the lock does not have it"
                continue
            text = value.get("version") if isinstance(value, dict) else value
            version = re.sub(r"^\s*={2,3}\s*", "", locked[key] or "")
            if isinstance(text, str) and version and not _admits(text, version):
                yield f"`Pipfile` asks for `{name}{text}`, the lock has {version}"


def _admits(specifier: str, version: str) -> bool:
    try:
        return SpecifierSet(specifier.strip()).contains(version, prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        # `*`, which admits everything; or what pipenv itself reports.
        return True


def _python(requires: object) -> str:
    values = requires.values() if isinstance(requires, dict) else ()
    return f"Python {', '.join(map(str, values))}" if values else "any Python"
