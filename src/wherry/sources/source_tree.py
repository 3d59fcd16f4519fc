"""Writing a tree of files with untrusted names: nothing is written outside of its folder.

Symbolic links are made at the end, so that nothing is written through one, and are resolved by hand before.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from wherry.errors import ArchiveError
from wherry.files import is_inside
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Limits", "SourceTree", "subfolder"]

_ROOTED = re.compile(r"\\|\x00|^/|^[A-Za-z]:")
_UNSOUND = re.compile(rf"{_ROOTED.pattern}|(^|/)\.\.(/|$)")
# 1980-01-02, which is 1980 in every time zone: backends that write a wheel with `zipfile` fail on earlier files.
_EARLIEST = 315_619_200
_LEAVES = "it is a link that leaves the folder"


class Limits(Struct, frozen=True, kw_only=True):
    """The most that a source archive may hold.

    Attributes:
        members: files, folders and links.
        size: bytes of all files.
        path: bytes of a path.
        segment: bytes of a name in a path.
        depth: folders in each other.
        links: symbolic links.
        steps: names that links lead through, all together.
    """

    members: int = 200_000
    size: int = 4 << 30
    path: int = 3_000
    segment: int = 255
    depth: int = 200
    links: int = 10_000
    steps: int = 1_000_000


class SourceTree:
    """A folder that is filled with the members of an archive."""

    def __init__(self, into: Path, *, filename: str, limits: Limits) -> None:
        """Take an empty folder, and the name of the archive for messages."""
        self._into = into
        self._filename = filename
        self._limits = limits
        self._members = self._size = self._steps = 0
        self._files: set[str] = set()
        self._folders: set[str] = {""}
        self._links: dict[str, str] = {}

    def folder(self, name: str) -> None:
        """Make a folder."""
        self._make(self._path(name), name)

    def file(self, name: str, content: Iterable[bytes], *, mode: int, mtime: float | None) -> None:
        """Write a file; the last one of a name counts."""
        path = self._new(name)
        place = self._into / path
        with place.open("wb") as file:
            for piece in content:
                self._size += len(piece)
                if self._size > self._limits.size:
                    raise self.too_large(f"its files have more than {self._limits.size:,} bytes")
                file.write(piece)
        # Readable, and writable for its owner alone; executable for all or for nobody.
        place.chmod(mode & 0o755 | 0o600 if mode & 0o100 else mode & 0o644 | 0o600)
        if mtime is not None:
            try:
                os.utime(place, (mtime, mtime))
                if mtime < _EARLIEST:
                    os.utime(place, (_EARLIEST, _EARLIEST))
            except (OSError, OverflowError, ValueError) as error:
                raise ArchiveError(
                    f"`{self._filename}` is damaged", where=[f"the time of {name!r} is {mtime}"]
                ) from error
        self._files.add(path)

    def hard_link(self, name: str, target: str, *, mode: int, mtime: float | None) -> None:
        """Write another file with the content of an earlier one."""
        source = self._path(target)
        if source not in self._files:
            raise self.unsafe(name, f"it is a link to {target[:200]!r}, which is no file before it")
        if source == self._path(name):
            return
        with (self._into / source).open("rb") as file:
            self.file(name, iter(lambda: file.read(1 << 16), b""), mode=mode, mtime=mtime)

    def link(self, name: str, target: str) -> None:
        """Note a symbolic link, which ``finish`` makes."""
        path = self._new(name)
        names = target.encode(errors="surrogateescape").split(b"/")
        size = len(names) - 1 + sum(map(len, names))
        if not target or size > self._limits.path or max(map(len, names)) > self._limits.segment:
            raise self.unsafe(name, "it is a link to nothing, or to a path that is too long")
        self._links[path] = target
        if len(self._links) > self._limits.links:
            raise self.too_large(f"it has more than {self._limits.links:,} links")

    def finish(self) -> None:
        """Make the links.

        Raises:
            ArchiveError: one leaves the folder.
        """
        for fold in (str, str.casefold):  # as there are file systems that do not tell the case
            links = {fold(path): target for path, target in self._links.items()}
            for path in self._links:
                self._resolve(path, links, fold)
        for path, target in self._links.items():
            (self._into / path).symlink_to(target)
        for path in self._links:
            if not is_inside(self._into / path, self._into):
                for link in self._links:
                    with suppress(OSError):
                        (self._into / link).unlink()
                raise self.unsafe(path, _LEAVES)

    def _resolve(self, path: str, links: dict[str, str], fold: Callable[[str], str]) -> None:
        """Follow a link, name by name, as the system would."""
        waiting = path.split("/")[::-1]
        place: list[str] = []
        while waiting:
            self._steps += 1
            # A link that leads to itself comes to this too.
            if self._steps > self._limits.steps or len(place) > self._limits.depth:
                raise self.unsafe(path, "it is a link that leads through too many others")
            segment = waiting.pop()
            if segment == "..":
                if not place:
                    raise self.unsafe(path, _LEAVES)
                place.pop()
            elif segment not in {"", "."}:
                place.append(segment)
                target = links.get(fold("/".join(place)))
                if target is not None:
                    if _ROOTED.search(target):
                        raise self.unsafe(path, _LEAVES)
                    place.pop()
                    waiting += target.split("/")[::-1]

    def _new(self, name: str) -> str:
        """The path of a file or link, with the folders above it, and without what was there before."""
        self._count()
        path = self._path(name)
        if path in self._folders:
            raise self.unsafe(name, "it is a folder as well")
        self._make(path.rpartition("/")[0], name)
        self._links.pop(path, None)
        if path in self._files:
            self._files.discard(path)
            (self._into / path).unlink()
        return path

    def _make(self, folder: str, name: str) -> None:
        missing: list[str] = []
        while folder not in self._folders:
            if folder in self._files or folder in self._links:
                reason = f"`{folder[:200]}` is a file or a link, and no folder"
                raise self.unsafe(name, reason)
            missing.append(folder)
            folder = folder.rpartition("/")[0]
        for path in reversed(missing):
            self._count()
            (self._into / path).mkdir()
            self._folders.add(path)

    def _path(self, name: str) -> str:
        """The path of a member in its simplest form."""
        if _UNSOUND.search(name):
            raise self.unsafe(name, "it would land outside the folder")
        segments = [segment for segment in name.split("/") if segment not in {"", "."}]
        path = "/".join(segments)
        if (
            len(path.encode(errors="surrogateescape")) > self._limits.path
            or len(segments) > self._limits.depth
            or any(
                len(segment.encode(errors="surrogateescape")) > self._limits.segment
                for segment in segments
            )
        ):
            raise self.unsafe(name, "its path is too long or too deep")
        return path

    def _count(self) -> None:
        self._members += 1
        if self._members > self._limits.members:
            raise self.too_large(f"it has more than {self._limits.members:,} members")

    def too_large(self, reason: str) -> ArchiveError:
        """The error about an archive with more than it may hold."""
        return ArchiveError(f"`{self._filename}` is too large to be unpacked", where=[reason])

    def unsafe(self, member: str, reason: str) -> ArchiveError:
        """The error about a member that is refused."""
        return ArchiveError(
            f"`{self._filename}` holds an unsafe member {member[:200]!r}",
            where=[reason],
            hint="report it to the author of this distribution",
        )


def subfolder(tree: Path, subdirectory: str | None) -> Path | None:
    """A folder of a source tree; None where there is no such folder inside it, links followed."""
    if not subdirectory:
        return tree if tree.is_dir() else None
    if "\0" in subdirectory:
        return None
    relative = Path(subdirectory)
    if relative.is_absolute() or relative.drive or ".." in relative.parts:
        return None
    place = tree / relative
    return place if place.is_dir() and is_inside(place, tree) else None
