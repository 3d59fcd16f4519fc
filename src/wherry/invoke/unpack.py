"""Zips unpacked into the store, once for the same bytes, read-only, and compared with what was unpacked before each use.

Lambda unpacks every layer over the ones before it. Here the last file for a path is the only one that is
written, and the folder is keyed by the digests of all zips, so that whoever runs the same bytes again finds
them there.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from wherry.bundle.entry import DEFLATED, STORED, Entry, check_path
from wherry.errors import ArchiveError, InvokeError
from wherry.files import make_folders, reason_of, remove_folder, walk_folders
from wherry.store.memo import Memo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from wherry.bundle.bundle import Bundle
    from wherry.store import Store

__all__ = ["unpack_archives", "unpack_bundle"]

_KIND = "unpacked"
_STATE = Memo("unpacked-state", encode=str, decode=str)
_FORMAT = "1"


def unpack_archives(archives: Sequence[Path], store: Store) -> Path:
    """The folder that holds these zips, each unpacked over the ones before it.

    Raises:
        InvokeError: a zip is not there, or has a file where another has a folder.
        ArchiveError: one is not a sound zip archive, or holds what Lambda could not unpack.
        EntryPathError: a member's path would leave the folder.
        StoreError: the store cannot be written.
    """
    digest = hashlib.sha256(_FORMAT.encode())
    for archive in archives:
        try:
            with archive.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        except OSError as error:
            raise InvokeError(
                f"cannot read the deployment package `{archive}`",
                where=[reason_of(error)],
                hint="run `wherry build`",
            ) from error

    def entries() -> Iterable[Entry]:
        from wherry.bundle.archive import read_archive

        last: dict[str, Entry] = {}
        for archive in archives:
            for member in read_archive(archive):
                path = check_path(member.name, owner=archive.name)
                if member.method not in {STORED, DEFLATED}:
                    raise ArchiveError(
                        f"AWS Lambda cannot unpack `{archive.name}`",
                        where=[f"`{path}` is compressed by method {member.method}"],
                    )
                payload = member.slice(archive)
                last[path] = Entry(path, member.executable, payload, archive.name)
        return last.values()

    return _kept(digest.hexdigest(), entries, store)


def unpack_bundle(bundle: Bundle, store: Store) -> Path:
    """The folder that holds the files of a bundle.

    Raises:
        ArchiveError: an archive that the bundle points into is damaged.
        StoreError: the store cannot be written.
    """
    digest = hashlib.sha256(_FORMAT.encode())
    for entry in bundle:
        # A file of the store is named after its content, so its path stands for that.
        digest.update(repr((entry.path, entry.executable, entry.payload)).encode())
    return _kept(digest.hexdigest(), lambda: bundle, store)


def _kept(key: str, entries: Callable[[], Iterable[Entry]], store: Store) -> Path:
    place = store.folder(_KIND, key)
    if _is_unchanged(place, key, store):
        return place

    from wherry.store.writer import write_error

    with store.lock(_KIND, key):
        if _is_unchanged(place, key, store):
            return place
        try:
            if place.is_dir():
                remove_folder(place)
            with store.temporary(folder=True) as temporary:
                folders = _write(entries(), temporary)
                temporary.replace(place)
            # A folder that may not be written cannot be moved, so it is closed last.
            for folder in (*folders, ""):
                (place / folder).chmod(0o555)
            _STATE.remember(store, key, _state(place))
        except OSError as error:
            raise write_error(error, store.root) from error
    return place


def _is_unchanged(place: Path, key: str, store: Store) -> bool:
    """Whether a folder is there, and holds what was unpacked.

    A function that runs as root, without namespaces, can write beside itself: what it leaves is not for others.
    """
    return place.is_dir() and _STATE.recall(store, key) == _state(place)


def _state(folder: Path) -> str:
    """A digest of the names and the times of all that a folder holds; whoever writes a file changes its time."""
    digest = hashlib.sha256()
    for path, folders, names in walk_folders(folder):
        folders.sort()
        digest.update(f"{path[len(str(folder)) :]}\0{folders}\0".encode(errors="surrogateescape"))
        for name in sorted(names):
            status = os.lstat(os.path.join(path, name))  # noqa: PTH118
            facts = (status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
            digest.update(f"{name}\0{facts}\0{status.st_ino}\0".encode(errors="surrogateescape"))
    return digest.hexdigest()


def _write(entries: Iterable[Entry], root: Path) -> list[str]:
    """Write the files, and return the folders, inner ones first."""
    from wherry.bundle.content import read_content

    folders: set[str] = set()
    base = str(root)
    for entry in entries:
        folder = entry.path.rpartition("/")[0]
        try:
            if folder and folder not in folders:
                make_folders(f"{base}/{folder}")
                while folder and folder not in folders:
                    folders.add(folder)
                    folder = folder.rpartition("/")[0]
            mode = 0o555 if entry.executable else 0o444
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
            with open(os.open(f"{base}/{entry.path}", flags, mode), "wb") as file:  # noqa: PTH123
                file.writelines(read_content(entry.payload))
        except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
            raise InvokeError(
                f"`{entry.owner}` cannot be unpacked over the zips before it",
                where=[f"`{entry.path}` is a file in one and a folder in another"],
            ) from error
    return sorted(folders, key=lambda folder: -folder.count("/"))
