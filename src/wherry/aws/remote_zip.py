"""Reading a package on AWS without fetching all of it: the directory of a zip file is at its end.

AWS gives a signed address for the code of every function and layer version. Only the central directory is fetched
from there, by HTTP range requests, and the members that are read. If the server does not support ranges, the whole
file is fetched.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
import stat
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING

from wherry.errors import ArchiveError, FetchError
from wherry.files import reason_of
from wherry.indexes.failures import explained, shown_url
from wherry.indexes.network import Network
from wherry.indexes.session import open_session, timeouts
from wherry.structs import Struct
from wherry.untrusted import read_all

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import BinaryIO
    from zipfile import ZipFile

    import requests

__all__ = ["Contents", "PackedFile", "download", "open_local", "open_remote"]

_TAIL = 64 * 1024 + 22
"""Bytes of the end of a file that are fetched first: the longest end record, and most directories."""
_STEP = 64 * 1024
"""The fewest bytes of each further request."""
_CHUNK = 1024 * 1024
_LARGEST_PART = 1 << 28
_BIGGEST_MEMBER = 64 * 1024 * 1024
_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})")
_EXECUTABLE_BITS = 0o111


class PackedFile(Struct, frozen=True, kw_only=True):
    """A file in a package: bytes unzipped, the CRC of its content, its execute bit."""

    size: int
    crc: int
    executable: bool


class Contents:
    """The files of an open package by their paths, on this machine or on AWS, and its size in bytes."""

    def __init__(self, archive: ZipFile, size: int, title: str) -> None:
        self._archive = archive
        self._title = title
        self.size = size
        self.files: Mapping[str, PackedFile] = {
            info.filename: PackedFile(
                size=info.file_size,
                crc=info.CRC,
                executable=bool(info.external_attr >> 16 & _EXECUTABLE_BITS),
            )
            for info in archive.infolist()
            if not info.is_dir() and not stat.S_ISDIR(info.external_attr >> 16)
        }

    def read(self, path: str) -> bytes:
        """The content of one file.

        Raises:
            ArchiveError: it is damaged, or too big to be read at once.
            FetchError: it cannot be fetched.
        """
        if self.files[path].size > _BIGGEST_MEMBER:
            raise ArchiveError(f"`{path}` in {self._title} is too big to be looked at")
        with _archive_errors(self._title):
            return self._archive.read(path)


@contextmanager
def open_local(path: Path) -> Iterator[Contents]:
    """Open a package on this machine.

    Raises:
        ArchiveError: it cannot be read, or is not a zip archive.
    """
    with ExitStack() as stack:
        try:
            file = stack.enter_context(path.open("rb"))
            size = path.stat().st_size
        except OSError as error:
            raise ArchiveError(f"cannot read `{path}`", where=[reason_of(error)]) from error
        yield _contents(stack, file, size, f"`{path.name}`")


@contextmanager
def open_remote(location: str, *, what: str = "the live package") -> Iterator[Contents]:
    """Open a package at a signed address from AWS: only its directory is read at first. ``what`` names it in messages.

    The address is a secret while it is valid, and is in no message.

    Raises:
        FetchError: it cannot be fetched.
        ArchiveError: it is not a zip archive.
    """
    with ExitStack() as stack:
        session = stack.enter_context(open_session(Network()))
        remote = _RemoteFile(_Source(session, location, what))
        stack.callback(remote.close)
        remote.begin()
        yield _contents(stack, remote, remote.size, what)


def download(
    location: str, path: Path, *, what: str = "the live package", code_sha256: str | None = None
) -> None:
    """Fetch a whole package from a signed address into a new file, and verify its digest in base64 if it is given.

    Raises:
        FetchError: it cannot be fetched, is incomplete, or has another digest.
    """
    with open_session(Network()) as session, path.open("w+b") as file:
        source = _Source(session, location, what)
        source.save(source.get({}), file)
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").digest()
    if code_sha256 not in (None, base64.b64encode(digest).decode()):
        raise FetchError(
            f"cannot fetch {what}",
            where=["its digest is not the one that AWS reports"],
            hint="try again",
        )


def _contents(stack: ExitStack, file: BinaryIO | _RemoteFile, size: int, title: str) -> Contents:
    from zipfile import ZipFile

    with _archive_errors(title):
        return Contents(stack.enter_context(ZipFile(file)), size, title)


@contextmanager
def _archive_errors(title: str) -> Iterator[None]:
    """Turn every exception that ``zipfile`` raises for a damaged archive into one."""
    import struct
    import zlib
    from zipfile import BadZipFile

    try:
        yield
    except (
        BadZipFile,
        EOFError,
        IndexError,  # of a member without a name
        NotImplementedError,
        OSError,
        RuntimeError,
        UnicodeError,
        ValueError,
        struct.error,
        zlib.error,
    ) as error:
        raise ArchiveError(f"{title} is not a valid zip archive", where=[str(error)]) from error


class _Source(Struct, frozen=True):
    """Where a package is fetched from; ``what`` is its name in messages."""

    session: requests.Session
    location: str
    what: str

    def get(self, headers: dict[str, str]) -> requests.Response:
        with self.explained():
            # The signature in the address is the login; S3 refuses a second one from netrc.
            response = self.session.get(
                self.location,
                headers=headers,
                auth=lambda request: request,
                stream=True,
                timeout=timeouts(),
            )
        if response.status_code not in (200, 206):
            cause = f"HTTP {response.status_code} {response.reason or ''}".rstrip()
            response.close()
            expired = response.status_code in (400, 401, 403)
            hint = "the address that AWS gave may have expired: try again" if expired else None
            raise self.error(cause, hint=hint)
        return response

    def save(self, response: requests.Response, file: BinaryIO) -> int:
        """Write a whole answer into a file, and return the number of its bytes."""
        received = 0
        with self.explained(), response:
            for chunk in response.iter_content(_CHUNK):
                file.write(chunk)
                received += len(chunk)
        length = response.headers.get("Content-Length")
        if length is not None and length != str(received):
            raise self.error(f"{received:,} bytes of {length[:30]} came")
        return received

    def error(self, why: str, *, hint: str | None = None) -> FetchError:
        where = [f"from {shown_url(self.location)}", why]
        return FetchError(f"cannot fetch {self.what}", where=where, hint=hint)

    def explained(self) -> AbstractContextManager[None]:
        return explained(self.location, what=self.what)


class _RemoteFile(io.RawIOBase):
    """A file at an address; only the parts that are read are fetched."""

    def __init__(self, source: _Source) -> None:
        super().__init__()
        self._source = source
        self._position = 0
        self._pieces: list[tuple[int, bytes]] = []
        self._whole: BinaryIO | None = None
        self.size = 0

    def begin(self) -> None:
        """Fetch the end and the size; or the whole file, if the server answers with it."""
        response = self._source.get({"Range": f"bytes=-{_TAIL}"})
        if response.status_code == 206:
            self._keep(response)
            return
        from tempfile import TemporaryFile

        whole: BinaryIO = TemporaryFile()  # noqa: SIM115  closed in close()
        self._whole = whole
        self.size = self._source.save(response, whole)

    def close(self) -> None:
        if self._whole is not None:
            self._whole.close()
        super().close()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        if start + offset < 0:
            raise ValueError("a position before the beginning")
        self._position = start + offset
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        end = min(self._position + len(buffer), self.size)
        if end <= self._position:
            return 0
        if self._whole is not None:
            self._whole.seek(self._position)
            data = self._whole.read(end - self._position)
        else:
            data = self._part(self._position, end)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def _part(self, begin: int, end: int) -> bytes:
        for start, piece in self._pieces:
            if start <= begin and end <= start + len(piece):
                return piece[begin - start : end - start]
        last = min(max(end, begin + _STEP), self.size) - 1
        response = self._source.get({"Range": f"bytes={begin}-{last}"})
        if response.status_code != 206:
            response.close()
            raise self._source.error("it gave a part of the file first, and then not")
        self._keep(response)
        start, piece = self._pieces[-1]
        if start != begin or len(piece) < end - begin:
            raise self._source.error("another part than the one asked for came")
        return piece[: end - begin]

    def _keep(self, response: requests.Response) -> None:
        match = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
        with self._source.explained():
            data = read_all(response.iter_content(_CHUNK), most=_LARGEST_PART, seconds=300)
        if match is None:
            raise self._source.error("it does not say which part of the file it gave")
        first, last, size = (int(digits) for digits in match.groups())
        if len(data) != last - first + 1 or (self.size and size != self.size):
            raise self._source.error("what it says of the part it gave is not so")
        self.size = size
        self._pieces.append((first, data))
