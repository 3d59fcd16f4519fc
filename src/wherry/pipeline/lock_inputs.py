"""The inputs of locks: the files and variables that decide what they give, so that it is known whether it still holds."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from wherry.files import real_path
from wherry.lock.formats import LockFormat, is_lock_name
from wherry.pipeline.acquired import absolute, relative
from wherry.store.memo import memo_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from wherry.context import Context
    from wherry.files import ProjectFiles
    from wherry.lock.model import Lock, LockRequest
    from wherry.pipeline.request import BuildRequest

__all__ = ["LockInputs", "input_digest", "lock_names", "read_lock_inputs"]

_PASSED_OVER = ("requirements/", "environment.y", "conda-lock.", "pixi.lock", "requirements.lock")
_ARCHIVES = (".whl", ".zip", ".gz", ".tgz", ".bz2", ".xz", ".tar")


class LockInputs(NamedTuple):
    """All that decides what locks give.

    Attributes:
        files: the digest of each input file, by its path relative to the project.
        folders: for each folder where a lock was looked for, the names found there.
        variables: a digest of the value of each variable of the environment that a lock depends on.
    """

    files: Mapping[str, str]
    folders: Mapping[str, list[str]]
    variables: Mapping[str, str]

    def hold(self, root: Path, files: ProjectFiles) -> bool:
        """Whether they are as they were, for a project in this folder."""
        return (
            all(_variable_digest(name) == digest for name, digest in self.variables.items())
            and all(
                lock_names(absolute(folder, root)) == names
                for folder, names in self.folders.items()
            )
            and all(
                input_digest(absolute(path, root), files) == digest
                for path, digest in self.files.items()
            )
        )


def read_lock_inputs(
    request: BuildRequest, locks: Mapping[LockRequest, Lock], context: Context
) -> LockInputs:
    """Digests of the files and variables that decided these locks, and the names that they were found among."""
    root = request.root
    paths = {*request.project.inputs}
    for asked, lock in locks.items():
        paths |= {*lock.inputs, lock.path, *_above(lock, asked), *lock.local_archives()}
    variables = {name for lock in locks.values() for name in lock.variables}
    return LockInputs(
        files={relative(path, root): input_digest(path, context.files) for path in sorted(paths)},
        folders={relative(folder, root): lock_names(folder) for folder in request.projects},
        variables={name: _variable_digest(name) for name in sorted(variables)},
    )


def lock_names(folder: Path) -> list[str]:
    """The names of the files in a folder that decide which lock is read there."""
    try:
        names = os.listdir(folder)  # noqa: PTH208
    except OSError:
        return []
    if "requirements" in names:
        # What lies there is not read, and warned of where nothing else is.
        with suppress(OSError):
            names += [f"requirements/{name}" for name in os.listdir(folder / "requirements")]  # noqa: PTH208
    return sorted(
        name
        for name in names
        if name == "wherry.toml" or is_lock_name(name) or name.startswith(_PASSED_OVER)
    )


def input_digest(path: Path, files: ProjectFiles) -> str:
    """The SHA-256 of a file, in hexadecimal; empty where there is none. Archives are not held in memory."""
    if path.suffix not in _ARCHIVES:
        return files.digest(path)
    import hashlib

    from wherry.files import open_regular

    try:
        with open_regular(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError):
        return ""


def _variable_digest(name: str) -> str:
    """A digest of the value that a variable of the environment has now; that of a variable without one is its own."""
    return memo_key(name, os.environ.get(name) or None)


def _above(lock: Lock, request: LockRequest) -> Iterator[Path]:
    """The files above the project that make it a member of a workspace, or would if they were there."""
    root = request.root
    if request.lock is not None or (lock.path.parent == root and lock.format.value.tool_made):
        return
    for parent in real_path(root).parents:
        yield parent / "uv.lock"
        if (parent / "uv.lock").is_file():
            yield parent / "pyproject.toml"
        if lock.format is LockFormat.UV and parent == lock.path.parent:
            return
