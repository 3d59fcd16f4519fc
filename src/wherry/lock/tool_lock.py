"""Parts that the readers of ``poetry.lock``, ``pdm.lock`` and ``Pipfile.lock`` have in common."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from wherry.errors import LockError
from wherry.indexes.simple import index_finder
from wherry.lock.archives import Archives
from wherry.lock.document import read_toml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from wherry.context import Context
    from wherry.files import ProjectFiles
    from wherry.lock.document import Table
    from wherry.lock.model import LockRequest

__all__ = ["check_hash", "lock_version", "open_archives", "pyproject_beside"]

_VERSION = re.compile(r"(\d{1,3})\.(\d{1,3})(?:\.\d{1,3})?", re.ASCII)


def lock_version(
    lock: Table, key: str, path: Path, *, tool: str, known: tuple[str, str], default: str = ""
) -> tuple[int, int]:
    """The version of a lock's format.

    ``key`` is that of the version in ``[metadata]``, ``known`` has the first and the last version that are known, and
    ``default`` is that of a lock that names none.

    Raises:
        LockError: it is not known.
    """
    text = lock.table("metadata").optional(key, str) or default
    oldest, version, newest = map(_parsed, (known[0], text, known[1]))
    if not oldest <= version <= newest:
        raise LockError(
            f"`{path.name}` is of the unknown lock version {text}".rstrip(),
            where=[f"{path}: metadata.{key}: this Wherry knows {' to '.join(known)}"],
            hint=f"update Wherry, or lock again with a {tool} that it knows",
        )
    return version


def _parsed(text: str) -> tuple[int, int]:
    match = _VERSION.fullmatch(text)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def pyproject_beside(path: Path, files: ProjectFiles) -> Table:
    """The ``pyproject.toml`` beside a lock.

    Raises:
        LockError: there is none, or it is malformed.
    """
    if not path.with_name("pyproject.toml").is_file():
        raise LockError(
            f"`{path.name}` has no `pyproject.toml` beside it",
            where=[f"{path.parent}: `pyproject.toml` says which of the locked packages are needed"],
        )
    return read_toml(path.with_name("pyproject.toml"), files)


def check_hash(lock: Table, key: str, hashes: Iterator[str]) -> None:
    """Check that ``key`` of ``[metadata]`` is one of the hashes of the ``pyproject.toml`` beside a lock.

    Raises:
        LockError: it records another hash, or none.
    """
    recorded = lock.table("metadata").optional(key, str)
    if not recorded or recorded not in hashes:
        problem = "this is not the hash of the dependencies that `pyproject.toml` has now"
        raise LockError(
            f"`{lock.file}` is older than `pyproject.toml`",
            where=[f"{lock.file}: metadata.{key}: {problem if recorded else 'this is missing'}"],
            hint=lock.hint,
        )


@contextmanager
def open_archives(path: Path, request: LockRequest, context: Context) -> Iterator[Archives]:
    """Find the files of a lock's entries, on the indexes that the files beside it declare as well."""
    context.network.consult(path.parent)
    with index_finder(context.network, context.files) as find_files:
        yield Archives(
            base=path.parent,
            root=request.root,
            find_files=find_files,
            context=context,
            by_hash=request.by_hash,
        )
