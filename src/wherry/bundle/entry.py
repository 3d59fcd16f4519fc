"""An entry: a path, an executable bit and the recipe of its bytes.

The types are ``NamedTuple`` and not dataclasses because a build makes ten thousand of them, and a tuple
takes a third of the time.
"""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from wherry.errors import EntryPathError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "DEFLATED",
    "STORED",
    "Entry",
    "Inline",
    "Payload",
    "Slice",
    "SourceFile",
    "check_path",
    "inline",
]

STORED = 0
DEFLATED = 8


class Slice(NamedTuple):
    """Bytes that lie in an archive as its member, to be copied as they are.

    ``size`` and ``crc`` are those of the decompressed content, as the archive's directory tells them.
    ``method`` is the zip compression method, ``STORED`` or ``DEFLATED``: Lambda reads no other. What else
    a wheel may hold is decompressed into the store once, and is a ``SourceFile`` from there on.
    """

    archive: Path
    offset: int
    compressed_size: int
    size: int
    crc: int
    method: int


class Inline(NamedTuple):
    """A few bytes made by Wherry itself. Stored."""

    data: bytes
    size: int
    crc: int


class SourceFile(NamedTuple):
    """A file of the project's own. Stored, so that no zlib has a say in the bytes of the package.

    ``size`` and ``crc`` are of the content that was read when the entry was made; the writer refuses a
    file that has changed since.
    """

    path: Path
    size: int
    crc: int


Payload: TypeAlias = Slice | Inline | SourceFile


class Entry(NamedTuple):
    """One file of a deployment package.

    ``owner`` is the normalized name of the distribution it comes from, or the project's name: it is
    named in conflicts and counted in summaries, and is not part of the written bytes.
    """

    path: str
    executable: bool
    payload: Payload
    owner: str


def inline(path: str, data: bytes, *, owner: str, executable: bool = False) -> Entry:
    """An entry with these bytes."""
    return Entry(path, executable, Inline(data, len(data), zlib.crc32(data)), owner)


# A path is sound when it has no empty, `.` or `..` segment, no backslash, no control character and no
# drive letter; the whole is matched at once, since this runs for every member of every wheel.
_LONGEST = 4000
_UNSOUND = re.compile(r"[\\\x00-\x1f\x7f-\x9f]|^/|^[A-Za-z]:|(?:^|/)\.{0,2}(?:/|$)")


def check_path(path: str, *, owner: str) -> str:
    """The path, when it may stand in a deployment package.

    Raises:
        EntryPathError: it is empty or absolute, climbs out with ``..``, has a backslash, a drive letter,
            an empty or ``.`` segment or a control character, is too long for Linux (whose limits are
            4,096 bytes for a path, ``/var/task/`` included, and 255 for a segment), or cannot be written
            as UTF-8.
    """
    if _UNSOUND.search(path) or not path:
        raise EntryPathError(
            f"`{owner}` holds a file at the unsafe path {path!r}",
            where=[_reason(path)],
            hint="a deployment package holds relative paths with forward slashes only; "
            "report it to whoever made this distribution",
        )
    try:
        raw = path.encode()
    except UnicodeEncodeError:
        raise EntryPathError(
            f"`{owner}` holds a file whose name is not Unicode: {path!r}",
            hint="rename the file, or exclude it",
        ) from None
    if len(raw) > 255 and (
        len(raw) > _LONGEST or any(len(segment) > 255 for segment in raw.split(b"/"))
    ):
        raise EntryPathError(
            f"`{owner}` holds a file whose path is too long: `{path[:60]}…`",
            where=[f"Linux, and so AWS Lambda, cannot unpack it: {len(raw):,} bytes"],
            hint="exclude it",
        )
    return path


def _reason(path: str) -> str:
    segments = path.split("/")
    if not path:
        return "the path is empty"
    if path.startswith("/") or re.match(r"[A-Za-z]:", path):
        return "the path is absolute"
    if ".." in segments:
        return "the path climbs out of the package with `..`"
    if "\\" in path:
        return "the path has a backslash"
    if "" in segments or "." in segments:
        return "the path has an empty or `.` segment"
    return "the path has a control character"
