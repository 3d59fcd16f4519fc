"""Unpacking source archives, which are not trusted."""

from __future__ import annotations

import stat
from io import FileIO
from typing import TYPE_CHECKING

from wherry.errors import ArchiveError
from wherry.files import reason_of
from wherry.sources.source_tree import Limits, SourceTree

if TYPE_CHECKING:
    import zipfile
    from pathlib import Path

__all__ = ["unpack"]

_TAR = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar")
_CHUNK = 1 << 16
# Of the directory of a zip archive, which is read as a whole: what about 200,000 members take.
_LARGEST_DIRECTORY = 1 << 25
_DEFAULT = Limits()


def unpack(archive: Path, *, filename: str, into: Path, limits: Limits = _DEFAULT) -> Path:
    """Unpack an sdist or another archive of a source tree; the folder that holds the tree.

    The file's name tells whether it is a tar archive, compressed or not, or a zip archive. ``into`` is empty.

    Raises:
        ArchiveError: it is damaged, of another format or too large; or a member would land outside, is a link
            that leads outside, or a device.
    """
    tree = SourceTree(into, filename=filename, limits=limits)
    try:
        if filename.endswith(_TAR):
            _untar(archive, filename, tree)
        elif filename.endswith(".zip"):
            _unzip(archive, filename, tree)
        else:
            raise ArchiveError(
                f"`{filename}` is not a source archive",
                where=["expected a tar archive (`.tar.gz` and the like) or a `.zip`"],
            )
        tree.finish()
    except OSError as error:
        raise ArchiveError(f"`{filename}` cannot be unpacked", where=[reason_of(error)]) from error
    found = list(into.iterdir())
    alone = len(found) == 1 and not found[0].is_symlink() and found[0].is_dir()
    return found[0] if alone else into


def _untar(archive: Path, filename: str, tree: SourceTree) -> None:
    import lzma
    import zlib

    from wherry.sources.tar import TarError, read_tar

    try:
        for member in read_tar(archive):
            name, mode, mtime = member.name, member.mode, member.mtime
            match member.kind:
                case "folder":
                    tree.folder(name)
                case "file":
                    tree.file(name, member.content, mode=mode, mtime=mtime)
                case "link":
                    tree.link(name, member.link)
                case "hard link":
                    tree.hard_link(name, member.link, mode=mode, mtime=mtime)
                case _:
                    raise tree.unsafe(name, "it is a device, a pipe or of an unknown kind")
    except (TarError, zlib.error, lzma.LZMAError, EOFError) as error:
        raise ArchiveError(f"`{filename}` is damaged", where=[str(error)]) from error


def _unzip(archive: Path, filename: str, tree: SourceTree) -> None:
    import lzma
    import zipfile
    import zlib

    try:
        with _ZipFile(archive) as file, zipfile.ZipFile(file) as opened:
            for member in opened.infolist():
                _unzip_member(opened, member, tree)
    except (
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        EOFError,
        # Of an offset beyond what a file can have.
        OverflowError,
        # Of a member without a name.
        IndexError,
        NotImplementedError,
        RuntimeError,
        ValueError,
    ) as error:
        raise ArchiveError(f"`{filename}` is damaged", where=[str(error)]) from error


class _ZipFile(FileIO):
    """A zip archive whose directory, which `zipfile` reads at once, has a limit."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            size = _LARGEST_DIRECTORY + 1
        if size > _LARGEST_DIRECTORY + 1:
            raise ValueError(f"its directory has more than {_LARGEST_DIRECTORY:,} bytes")
        return super().read(size) or b""


def _unzip_member(opened: zipfile.ZipFile, member: zipfile.ZipInfo, tree: SourceTree) -> None:
    # Not `member.filename`, which ends before a NUL.
    name, mode = member.orig_filename, member.external_attr >> 16
    if stat.S_IFMT(mode) not in {0, stat.S_IFREG, stat.S_IFDIR}:
        raise tree.unsafe(name, "it is a link or a device")
    if name.endswith("/"):
        tree.folder(name)
        return
    with opened.open(member) as content:
        pieces = iter(lambda: content.read(_CHUNK), b"")
        tree.file(name, pieces, mode=0o755 if mode & stat.S_IXUSR else 0o644, mtime=None)
