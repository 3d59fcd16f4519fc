"""Temporary files and folders, and the removal of those that killed processes have left.

Each is locked as long as it is in use, by the process that made it. So the next run can tell what is left over, and
removes that at once: by names that Wherry gives, and nothing else.
"""

from __future__ import annotations

import errno
import os
import re
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from wherry.errors import OutputError
from wherry.files import reason_of, remove_folder
from wherry.store.file_lock import lock_if_free

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "claimed",
    "remedy",
    "remove_abandoned",
    "remove_abandoned_beside",
    "replace_file",
    "temporary_beside",
    "temporary_folder",
]

_DAY = 24 * 60 * 60
_Kind: TypeAlias = Literal[
    "audit", "build", "constraints", "container", "hooks", "inspect", "invoke", "package",
    "resolve", "rollback", "source",
]  # fmt: skip
_FOLDER = rf"wherry-({'|'.join(get_args(_Kind))})-[a-z0-9_]{{8}}"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# Of the name of a file, so that the temporary one is not too long.
_LONGEST = 40
_POLL = 0.01


def remedy(error: OSError | ValueError, elsewhere: str) -> str:
    """The hint for what cannot be written, where it helps to write elsewhere."""
    match getattr(error, "errno", None):
        case number if number in _FULL:
            return f"free some space, or {elsewhere} that has it"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return f"{elsewhere} that you may write to"
        case _:
            return elsewhere


@contextmanager
def temporary_folder(kind: _Kind) -> Iterator[Path]:
    """A new folder for temporary files, in the system's place for them; removed at the end.

    Args:
        kind: part of its name, which tells what it is for.

    Raises:
        OutputError: it cannot be made, or something cannot be written to it.
    """
    import tempfile

    from wherry.tools.guard import guard_folder

    folder = None
    try:
        above = Path(tempfile.gettempdir())
        remove_abandoned(above, _FOLDER)
        with claimed(lambda: Path(tempfile.mkdtemp(prefix=f"wherry-{kind}-", dir=above))) as folder:
            guard_folder(folder)
            try:
                yield folder
            finally:
                with suppress(OSError):
                    remove_folder(folder)
    except OSError as error:
        # Of what is done with the folder, errors that say nothing of another place are about it.
        names = [str(name) for name in (error.filename, error.filename2) if name is not None]
        inside = not names or any(name.startswith(f"{folder}{os.sep}") for name in names)
        if folder is not None and not (inside and error.errno in _FULL):
            raise
        what = tempfile.tempdir if folder is None else str(folder.parent)
        raise OutputError(
            f"cannot write to the folder for temporary files{f' `{what}`' if what else ''}",
            where=[reason_of(error)],
            hint=remedy(error, "set `TMPDIR` to another folder"),
        ) from error


@contextmanager
def temporary_beside(path: Path) -> Iterator[Path]:
    """A new, empty file in the same folder, removed at the end unless it was renamed.

    Raises:
        OSError, ValueError: it cannot be made.
    """
    remove_abandoned_beside(path)

    def make() -> Path:
        # As `mkstemp` does, whose module takes longer to import than a package of own code to write.
        while True:
            made = path.parent / f".{path.name[:_LONGEST]}.{os.urandom(4).hex()}.tmp"
            with suppress(FileExistsError):
                os.close(os.open(made, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
                return made

    with claimed(make) as temporary:
        try:
            yield temporary
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def replace_file(path: Path, content: bytes) -> None:
    """Write a file as a whole or not at all; a link stays a link, and the rights of a file stay as they are.

    Raises:
        OSError: it cannot be written.
    """
    import shutil

    target = Path(os.path.realpath(path))
    with temporary_beside(target) as temporary:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, temporary)
        else:
            temporary.chmod(0o644)
        temporary.replace(target)


def remove_abandoned_beside(path: Path) -> None:
    """Remove what killed processes have left of ``temporary_beside``."""
    remove_abandoned(path.parent, r"[a-z0-9_]{8}\.tmp", prefix=f".{path.name[:_LONGEST]}.")


@contextmanager
def claimed(make: Callable[[], Path]) -> Iterator[Path]:
    """A file or folder, made by ``make``, that ``remove_abandoned`` leaves alone until the block ends.

    Raises:
        OSError: it cannot be made.
    """
    while True:
        path = make()
        try:
            descriptor = _lock(path)
        except FileNotFoundError:
            # Another process has taken it for left over in the moment before it was locked.
            continue
        break
    try:
        yield path
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _lock(path: Path) -> int | None:
    """A descriptor that holds the lock of a file or folder; None where the file system has no locks.

    Raises:
        FileNotFoundError: it is not there any more.
    """
    if sys.platform == "win32":
        return None
    descriptor = os.open(path, os.O_RDONLY)
    try:
        while not lock_if_free(descriptor):
            time.sleep(_POLL)
        if os.path.samestat(path.stat(), os.fstat(descriptor)):
            return descriptor
    except FileNotFoundError:
        os.close(descriptor)
        raise
    except OSError:
        os.close(descriptor)
        return None
    os.close(descriptor)
    raise FileNotFoundError(path)


def remove_abandoned(folder: Path, names: str, *, prefix: str = "") -> None:
    """Remove the files and folders with such names, after the prefix, that no process holds, links left out.

    Where there are no locks, those older than a day.
    """
    try:
        with os.scandir(folder) as entries:
            found = [
                entry
                for entry in entries
                if entry.name.startswith(prefix)
                and re.fullmatch(names, entry.name.removeprefix(prefix))
            ]
    except OSError:
        return
    for entry in found:
        with suppress(OSError):
            if not entry.is_symlink():
                _remove_if_abandoned(entry)


def _remove_if_abandoned(entry: os.DirEntry[str]) -> None:
    """As ``remove_abandoned``, of one.

    Raises:
        OSError: it cannot be removed, or is somebody else's.
    """
    descriptor = -1
    if sys.platform != "win32":
        descriptor = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        try:
            left = descriptor != -1 and lock_if_free(descriptor)
            has_locks = descriptor != -1
        except OSError:
            left = has_locks = False
        if not has_locks:
            left = time.time() - entry.stat(follow_symlinks=False).st_mtime > _DAY
        if left and entry.is_dir(follow_symlinks=False):
            remove_folder(entry.path)
        elif left:
            os.unlink(entry.path)  # noqa: PTH108
    finally:
        if descriptor != -1:
            os.close(descriptor)
