"""The files of one package in a folder, as Lambda unpacks them: for ``sam build``, images and debuggers.

Dates are those of the zip archive, 1980-01-01 00:00:00 UTC, and modes 0644 and 0755, of folders too. So it can be told
whether a folder is as it was written, and one that is not, or that somebody else has filled, is never replaced.
"""

from __future__ import annotations

import os
import stat
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from wherry.errors import OutputError
from wherry.files import make_folders, open_regular, reason_of, remove_folder, walk_folders
from wherry.store.temporary import claimed, remedy, remove_abandoned_beside
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wherry.bundle.bundle import Bundle
    from wherry.bundle.writer import Written

__all__ = ["UnpackedFolder"]

# 1980-01-01 00:00:00 UTC.
_DATE = 315532800
_CACHE = "__pycache__"
_CHUNK = 1 << 20


class UnpackedFolder(Struct, frozen=True):
    """As ``wherry.outputs.Output``: ``root`` holds the files of the package ``only``, or of the only one there is."""

    root: Path
    only: str | None = None

    @property
    def takes_one(self) -> bool:
        """Whether it holds one package: always."""
        return True

    @property
    def key(self) -> object:
        """The package that is written, beside which others are composed."""
        return ["unpacked", self.only]

    def takes(self, name: str) -> bool:
        """Whether this package is written."""
        return self.only in {None, name}

    def path(self, name: str) -> Path:  # noqa: ARG002
        """The folder."""
        return self.root

    def write(self, packages: Sequence[tuple[str, Bundle]]) -> list[Written]:
        """Write the files beside the folder, and rename; nothing is done where it holds the same.

        Raises:
            OutputError: the folder cannot be written, or holds what Wherry has not written.
            ArchiveError: a file that goes into the package cannot be read.
        """
        from wherry.bundle.writer import Written, measure_package

        written = []
        for _, bundle in packages:
            # The digest is that of the zip file, which AWS would report.
            sha256, size = measure_package(bundle)
            changed = not _holds(self.root, bundle)
            if changed:
                _write(bundle, self.root)
            written.append(Written(path=self.root, sha256=sha256, size=size, changed=changed))
        return written


def _write(bundle: Bundle, root: Path) -> None:
    try:
        place = Path(os.path.realpath(root))
        _require_ours(place)
        place.parent.mkdir(parents=True, exist_ok=True)
        remove_abandoned_beside(place)
        with claimed(lambda: _folder_beside(place)) as made:
            try:
                _fill(bundle, made)
                _put(made, place)
            finally:
                if made.exists():
                    remove_folder(made)
    except OSError as error:
        raise OutputError(
            f"cannot write the folder `{root}`",
            where=[reason_of(error)],
            hint=remedy(error, "choose another folder with --unpacked"),
        ) from error


def _folder_beside(place: Path) -> Path:
    import tempfile

    return Path(tempfile.mkdtemp(prefix=f".{place.name[:40]}.", suffix=".tmp", dir=place.parent))


def _fill(bundle: Bundle, folder: Path) -> None:
    """Write the files, and set the dates of folders when nothing is added to them any more."""
    from wherry.bundle.content import read_content

    folders = {str(folder)}
    for entry in bundle:
        path = os.path.join(folder, entry.path)  # noqa: PTH118
        above = os.path.dirname(path)  # noqa: PTH120
        if above not in folders:
            make_folders(above)
        while above not in folders:
            folders.add(above)
            above = os.path.dirname(above)  # noqa: PTH120
        # Two names that this file system takes for one must not become one file.
        with open(path, "xb") as file:  # noqa: PTH123
            file.writelines(read_content(entry.payload))
        os.chmod(path, 0o755 if entry.executable else 0o644)  # noqa: PTH101
        os.utime(path, (_DATE, _DATE))
    for each in sorted(folders, key=len, reverse=True):
        os.chmod(each, 0o755)  # noqa: PTH101, S103
        os.utime(each, (_DATE, _DATE))


def _put(made: Path, place: Path) -> None:
    """Rename the folder that was made, in place of one that is there."""
    if not place.exists():
        made.rename(place)
        return
    if not any(place.iterdir()):
        try:
            place.rmdir()
        except OSError:
            # Mounted, or the current folder of somebody.
            for child in made.iterdir():
                child.rename(place / child.name)
            os.utime(place, (_DATE, _DATE))
            return
        made.rename(place)
        return
    before = _folder_beside(place)
    place.rename(before / "before")
    made.rename(place)
    remove_folder(before)


def _require_ours(place: Path) -> None:
    """Refuse a folder that is not as Wherry has written it; bytecode that Python has added since does not count."""
    if not place.exists() or (place.is_dir() and not any(place.iterdir())):
        return
    foreign = "it is a file" if not place.is_dir() else _foreign(place)
    if foreign is not None:
        raise OutputError(
            f"`{place}` is not a folder that Wherry has written, or it has been changed since",
            where=[foreign],
            hint="remove it, or choose another folder with --unpacked",
        )


def _foreign(place: Path) -> str | None:
    """The first file or folder that was not written by Wherry, in words."""
    for folder, names, files in walk_folders(place):
        if os.path.basename(folder) == _CACHE:  # noqa: PTH119
            continue
        for name in files:
            path = os.path.join(folder, name)  # noqa: PTH118
            status = os.lstat(path)
            if not stat.S_ISREG(status.st_mode) or int(status.st_mtime) != _DATE:
                return f"`{os.path.relpath(path, place)}` was not written by Wherry"
        if _CACHE not in names and int(os.stat(folder).st_mtime) != _DATE:  # noqa: PTH116
            return f"something was added to `{os.path.relpath(folder, place)}`, or removed from it"
    return None


def _holds(root: Path, bundle: Bundle) -> bool:
    """Whether a folder holds the files of a bundle, with their dates and modes, and nothing else."""
    try:
        if not root.is_dir() or _foreign(root) is not None:
            return False
        found = {
            os.path.relpath(os.path.join(folder, name), root).replace(os.sep, "/")  # noqa: PTH118
            for folder, _, files in walk_folders(root)
            for name in files
        }
        return found == {entry.path for entry in bundle} and all(
            _is_same(
                root / entry.path,
                entry.payload.size,
                entry.payload.crc,
                executable=entry.executable,
            )
            for entry in bundle
        )
    except OSError:
        return False


def _is_same(path: Path, size: int, crc: int, *, executable: bool) -> bool:
    with open_regular(path) as file:
        status = os.fstat(file.fileno())
        if status.st_size != size or bool(status.st_mode & 0o100) != executable:
            return False
        found = 0
        while piece := file.read(_CHUNK):
            found = zlib.crc32(piece, found)
    return found == crc
