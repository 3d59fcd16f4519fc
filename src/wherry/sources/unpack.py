"""Unpacking source archives, which are not trusted."""

from __future__ import annotations

import re
import stat
from typing import TYPE_CHECKING

from wherry.errors import ArchiveError, BuildError

if TYPE_CHECKING:
    import tarfile
    import zipfile
    from pathlib import Path

__all__ = ["unpack"]

_TAR = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar")
_UNSOUND = re.compile(r"\\|\x00|^/|^[A-Za-z]:|(^|/)\.\.(/|$)")


def unpack(archive: Path, *, filename: str, into: Path) -> Path:
    """Unpack an sdist or another archive of a source tree; the folder that holds the tree.

    Args:
        archive: a tar archive, compressed or not, or a zip archive.
        filename: its name, which tells its format.
        into: a folder to unpack to.

    Raises:
        ArchiveError: it is damaged or of another format; or a member would land outside, is a link that
            leads outside, or a device (the ``data`` filter of PEP 706).
        BuildError: this Python cannot unpack safely.
    """
    try:
        if filename.endswith(_TAR):
            _untar(archive, filename, into)
        elif filename.endswith(".zip"):
            _unzip(archive, filename, into)
        else:
            raise ArchiveError(
                f"`{filename}` is not a source archive",
                where=["expected a tar archive (`.tar.gz` and the like) or a `.zip`"],
            )
    except OSError as error:
        raise ArchiveError(
            f"`{filename}` cannot be unpacked", where=[error.strerror or str(error)]
        ) from error
    found = list(into.iterdir())
    return found[0] if len(found) == 1 and found[0].is_dir() else into


def _untar(archive: Path, filename: str, into: Path) -> None:
    import lzma
    import tarfile
    import zlib

    if not hasattr(tarfile, "data_filter"):
        raise BuildError(
            f"`{filename}` cannot be unpacked safely",
            where=["this Python lacks the filters of PEP 706"],
            hint="use a newer patch release of Python",
        )
    try:
        with tarfile.open(archive) as opened:
            for member in opened:
                _refuse(member, filename)
                opened.extract(member, into, filter="data")
    except tarfile.FilterError as error:
        raise _unsafe(filename, error.tarinfo.name, str(error)) from error
    except (tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, ValueError) as error:
        raise ArchiveError(f"`{filename}` is damaged", where=[str(error)]) from error


def _refuse(member: tarfile.TarInfo, filename: str) -> None:
    if _UNSOUND.search(member.name):
        raise _unsafe(filename, member.name, "it would land outside the folder")


def _unzip(archive: Path, filename: str, into: Path) -> None:
    import zipfile
    import zlib

    try:
        with zipfile.ZipFile(archive) as opened:
            for member in opened.infolist():
                _unzip_one(opened, member, filename, into)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ArchiveError(f"`{filename}` is damaged", where=[str(error)]) from error


def _unzip_one(opened: zipfile.ZipFile, member: zipfile.ZipInfo, filename: str, into: Path) -> None:
    import shutil

    name, mode = member.filename, member.external_attr >> 16
    if _UNSOUND.search(name):
        raise _unsafe(filename, name, "it would land outside the folder")
    if stat.S_IFMT(mode) not in {0, stat.S_IFREG, stat.S_IFDIR}:
        raise _unsafe(filename, name, "it is a link or a device")
    place = into / name
    if name.endswith("/"):
        place.mkdir(parents=True, exist_ok=True)
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    with opened.open(member) as content, place.open("wb") as file:
        shutil.copyfileobj(content, file)
    place.chmod(0o755 if mode & stat.S_IXUSR else 0o644)


def _unsafe(filename: str, member: str, reason: str) -> ArchiveError:
    return ArchiveError(
        f"`{filename}` holds an unsafe member {member!r}",
        where=[reason],
        hint="report it to the author of this distribution",
    )
