"""Files of written packages, and the parts that they come in: the package of a function, and layers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from wherry.bundle.content import read_content
from wherry.bundle.entry import zipped_size
from wherry.errors import ArchiveError
from wherry.structs import Struct

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.bundle.entry import Entry, Payload
    from wherry.compose.model import Package

__all__ = ["LARGEST_FILE", "OPT", "TASK", "File", "Part", "file_of_entry", "is_compiled_name"]

TASK = "/var/task"
"""The folder that Lambda unpacks a function's package to."""

OPT = "/opt"
"""The folder that Lambda unpacks layers to, one over the other."""

LARGEST_FILE = 1 << 28
"""The most bytes of one file that are held in memory; AWS takes no package with a larger one."""


_COMPILED = re.compile(r".+\.(?:so(?:\.[\d.]+)?|pyd|dylib|dll)")


class File(NamedTuple):
    """A file of a package.

    Attributes:
        place: its absolute path on Lambda.
        part: the name of the package that it lies in.
        owner: the name of its distribution where that is known without reading RECORD; else empty.
        mode: its permissions; 0 where the archive has none.
        modified: its date and time as MS-DOS writes them; 0 where it has none.
        is_link: whether it is a symbolic link, and holds its target.
    """

    path: str
    place: str
    part: str
    payload: Payload
    owner: str = ""
    executable: bool = False
    mode: int = 0
    modified: int = 0
    is_link: bool = False

    @property
    def name(self) -> str:
        """The last segment of its path."""
        return self.path.rpartition("/")[2]

    @property
    def size(self) -> int:
        """Its bytes unzipped."""
        return self.payload.size

    @property
    def zipped(self) -> int:
        """The bytes that it takes in the zip archive, its headers aside."""
        return zipped_size(self.payload)

    def read(self, *, most: int = LARGEST_FILE) -> bytes:
        """Its content.

        Raises:
            ArchiveError: it has more than ``most`` bytes, or is damaged.
            OutputError: it cannot be read.
        """
        if self.size > most:
            raise ArchiveError(
                f"`{self.path}` is too large to be read", where=[f"it has {self.size:,} bytes"]
            )
        return b"".join(read_content(self.payload))

    def head(self, size: int) -> bytes:
        """Its first bytes, fewer than ``size`` for a short file; errors as ``read``."""
        data = b""
        pieces = read_content(self.payload)
        for piece in pieces:
            data += piece
            if len(data) >= size:
                break
        return data[:size]


def file_of_entry(entry: Entry, package: Package) -> File:
    """The file that an entry of a composed package is."""
    folder = TASK if package.kind == "function" else OPT
    return File(
        entry.path,
        f"{folder}/{entry.path}",
        package.name,
        entry.payload,
        entry.owner,
        entry.executable,
    )


def is_compiled_name(name: str) -> bool:
    """Whether files of that name hold machine code by custom."""
    return _COMPILED.fullmatch(name) is not None


class Part(Struct, frozen=True, kw_only=True, dict=True):
    """The package of a function, or a layer.

    Attributes:
        name: of the function or layer, or of its file.
        kind: ``function`` or ``layer``.
        path: of its zip archive; None for one that is not written.
        size: bytes of the zip archive; 0 for one that is not written.
    """

    name: str
    kind: str
    files: tuple[File, ...]
    path: Path | None = None
    size: int = 0

    @property
    def unzipped_size(self) -> int:
        """The bytes of all its files."""
        return sum(file.size for file in self.files)

    @property
    def overhead(self) -> int:
        """The bytes of the zip archive that are not content of files: headers and the directory."""
        return self.size - sum(file.zipped for file in self.files) if self.size else 0
