"""A package's files in a folder, for commands to work on, and the result.

What a command leaves as it was keeps its compressed bytes; what it changes or adds is stored, as the project's
own files are.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from wherry.bundle.bundle import Bundle
from wherry.bundle.content import read_content
from wherry.bundle.entry import Entry, SourceFile
from wherry.bundle.walk import TreeRules, Walk
from wherry.compose.model import HOOKS
from wherry.errors import EntryPathError, HookError, ProjectError
from wherry.files import make_folders, open_regular, reason_of
from wherry.store.temporary import remedy

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from wherry.store import Store

__all__ = ["Unpacked", "read_folder", "unpack"]

# 1980-01-01, as in the zip archive.
_TIME = 315532800
_CHUNK = 1 << 20

# For each path the entry, and the SHA-256 of its content.
Unpacked = dict[str, tuple[Entry, bytes]]


def unpack(bundle: Bundle, folder: Path) -> Unpacked:
    """Write the files of a bundle below a folder that exists.

    Raises:
        ArchiveError, OutputError: a file cannot be read.
        HookError: one cannot be written.
    """
    unpacked: Unpacked = {}
    made: set[str] = set()
    for entry in bundle:
        place = os.path.join(folder, entry.path)  # noqa: PTH118
        above = os.path.dirname(place)  # noqa: PTH120
        digest = hashlib.sha256()
        try:
            if above not in made:
                make_folders(above)
                made.add(above)
            # Two names that this file system takes for one must not become one file.
            with open(place, "xb") as file:  # noqa: PTH123
                for piece in read_content(entry.payload):
                    file.write(piece)
                    digest.update(piece)
            os.chmod(place, 0o755 if entry.executable else 0o644)  # noqa: PTH101
            os.utime(place, (_TIME, _TIME))
        except OSError as error:
            raise HookError(
                f"cannot unpack `{entry.path}` for the commands after bundling",
                where=[reason_of(error)],
                hint=remedy(error, "set `TMPDIR` to another folder"),
            ) from error
        unpacked[entry.path] = entry, digest.digest()
    return unpacked


def read_folder(
    folder: Path, *, what: str, store: Store, before: Mapping[str, tuple[Entry, bytes]]
) -> Bundle:
    """All files below a folder, hidden ones too, copied to the store.

    Links that stay inside are followed, and stand for the files they lead to.

    Args:
        folder: what commands have left.
        what: the folder's name for messages.
        store: where new contents are kept.
        before: what was there before, as ``unpack`` gave it.

    Raises:
        HookError: a link leaves the folder or leads nowhere, a name cannot stand in a package, or something
            cannot be read.
        StoreError: the store cannot be written.
    """
    if folder.is_symlink():
        raise HookError(f"the commands left a link in the place of the folder of {what}")
    walk = Walk(root=folder, owner=what, rules=TreeRules(include=("*",), everything=True))
    try:
        walk.enter(str(folder), (), ignored=False)
        walk.finish()
        return Bundle.of(
            _entry(file.path, file.source, file.executable, store, before) for file in walk.files
        )
    except (EntryPathError, ProjectError) as error:
        raise HookError(
            f"what the commands left in {what} cannot be packaged",
            where=error.where or [error.message],
            hint="let a further command remove it",
        ) from error
    except OSError as error:
        raise HookError(
            f"what the commands left in {what} cannot be read", where=[str(error)]
        ) from error


def _entry(
    path: str,
    source: Path,
    executable: bool,
    store: Store,
    before: Mapping[str, tuple[Entry, bytes]],
) -> Entry:
    import zlib

    known, digest = before.get(path, (None, b""))
    if known is not None:
        with open_regular(source) as file:
            same = hashlib.file_digest(file, "sha256").digest() == digest
        # Windows keeps no such bit.
        executable = known.executable if os.name == "nt" else executable
        if same:
            return known._replace(executable=executable)
    crc = size = 0
    with open_regular(source) as file, store.writer() as writer:
        while piece := file.read(_CHUNK):
            writer.write(piece)
            crc = zlib.crc32(piece, crc)
            size += len(piece)
        stored = writer.commit(hashes={}, name=path)
    return Entry(
        path, executable, SourceFile(stored.path, size, crc), known.owner if known else HOOKS
    )
