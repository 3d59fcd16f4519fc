"""Writing a bundle as a zip archive whose bytes depend only on the bundle.

Entries are sorted by the bytes of their paths, dated 1980-01-01 00:00:00, with mode 0644 or 0755; there are no
folders, extra fields, data descriptors or comments. Compressed bytes are copied; nothing is compressed here.
"""

from __future__ import annotations

import os
import struct
import threading
from base64 import b64encode
from collections import OrderedDict
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from msgspec.structs import replace

from wherry.bundle.content import read_content
from wherry.bundle.entry import DEFLATED, STORED, Deflated, Inline, Slice, zipped_size
from wherry.bundle.package_writer import PackageWriter
from wherry.errors import ArchiveError, OutputError
from wherry.files import reason_of
from wherry.store.temporary import remedy, temporary_beside
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from wherry.bundle.bundle import Bundle

__all__ = ["Written", "copy_package", "measure_package", "write_package"]

# APPNOTE.TXT 4.3.7 local file header and 4.3.12 central directory header, which have most fields in common.
_LOCAL = struct.Struct("<4s5H3L2H")
_DESCRIBED = struct.Struct("<5H3L2H")
_CENTRAL_END = struct.Struct("<3H2L")
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_END64_LOCATOR = struct.Struct("<4sLQL")

_VERSION = 20
_MADE_BY_UNIX = 3 << 8 | _VERSION
_EPOCH_DATE = 1 << 5 | 1  # 1980-01-01, the first day a zip archive can name
_UTF8 = 1 << 11
_FILE = 0o100644 << 16
_EXECUTABLE = 0o100755 << 16
_MAX16 = 0xFFFF
_MAX32 = 0xFFFFFFFF

_CENTRAL_START = struct.pack("<4sH", b"PK\1\2", _MADE_BY_UNIX)

_OPEN_ARCHIVES = 64
_BLOCK = 1 << 20


class Written(Struct, frozen=True, kw_only=True):
    """A written zip archive.

    Attributes:
        sha256: the digest of its bytes, in hexadecimal.
        changed: False if the file already held the same bytes and was not written.
    """

    path: Path
    sha256: str
    size: int
    changed: bool

    @property
    def code_sha256(self) -> str:
        """The digest as AWS reports it (``CodeSha256``): base64."""
        return b64encode(bytes.fromhex(self.sha256)).decode()


def write_package(bundle: Bundle, path: Path) -> Written:
    """Write the bundle to a temporary file and rename it to ``path``.

    Raises:
        OutputError: the folder or file cannot be written, or a source file has changed.
        ArchiveError: an archive that the bundle copies from is missing or truncated.
    """
    with _temporary_file(path) as temporary:
        sha256, size = _write(bundle, temporary)
        changed = not _is_same(temporary, path)
        if changed:
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(path)
    return Written(path=path, sha256=sha256, size=size, changed=changed)


def measure_package(bundle: Bundle) -> tuple[str, int]:
    """The SHA-256 and the size of the file that ``write_package`` would write; errors as there."""
    return _write(bundle, os.devnull)


def _write(bundle: Bundle, path: Path | str) -> tuple[str, int]:
    with open(path, "wb", buffering=0) as file:  # noqa: PTH123
        writer = PackageWriter(file)
        try:
            _fill(bundle, writer)
            return writer.close(), writer.size
        except BaseException:
            writer.abandon()
            raise


def copy_package(written: Written, path: Path) -> Written:
    """Copy a written package to another path, without composing and hashing it again.

    Raises:
        OutputError: the folder or file cannot be written.
    """
    with _temporary_file(path) as temporary:
        changed = not _is_same(written.path, path)
        if changed:
            import shutil

            shutil.copyfile(written.path, temporary)
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(path)
    return replace(written, path=path, changed=changed)


@contextmanager
def _temporary_file(path: Path) -> Iterator[Path]:
    """An empty file in the same folder, which is removed at the end unless it was renamed."""
    with ExitStack() as stack:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = stack.enter_context(temporary_beside(path))
        except (OSError, ValueError) as error:
            raise _unwritable(path, error) from error
        try:
            yield temporary
        except OSError as error:
            raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError | ValueError) -> OutputError:
    cause = reason_of(error)
    if isinstance(error, FileExistsError | NotADirectoryError):
        cause = f"`{error.filename}` is not a folder" if error.filename else cause
    return OutputError(
        f"cannot write `{path}`",
        where=[cause],
        hint=remedy(error, "choose another path with --output"),
    )


_reading_umask = threading.Lock()


def _umask() -> int:
    # The umask can only be read by setting it, so it is restored at once.
    with _reading_umask:
        mask = os.umask(0o077)
        os.umask(mask)
    return mask


def _is_same(package: Path, before: Path) -> bool:
    """Whether ``before`` can be read and holds the same bytes as the package.

    They are read from the end, where the checksums of all members stand: another file is mostly told by the first block.
    """
    try:
        size = package.stat().st_size
        if not before.is_file() or before.stat().st_size != size:
            return False
        # Read into the same memory again: new memory for each block costs more than the comparison.
        ours, theirs = bytearray(_BLOCK), bytearray(_BLOCK)
        with package.open("rb", buffering=0) as one, before.open("rb", buffering=0) as other:
            for end in range(size, 0, -_BLOCK):
                start, length = max(end - _BLOCK, 0), min(end, _BLOCK)
                one.seek(start)
                other.seek(start)
                read = one.readinto(memoryview(ours)[:length])
                if other.readinto(memoryview(theirs)[:length]) != read or ours != theirs:
                    return False
    except OSError:
        return False
    return True


def _fill(bundle: Bundle, writer: PackageWriter) -> None:
    central: list[bytes] = []
    archives = _Archives()
    offset = 0
    opened = None
    descriptor = -1
    try:
        for path, executable, payload, owner in bundle:
            name = path.encode()
            length = len(name)
            if isinstance(payload, Slice):
                archive, start, compressed, size, crc, method = payload
            else:
                size, crc, compressed = payload.size, payload.crc, zipped_size(payload)
                method = DEFLATED if isinstance(payload, Deflated) else STORED
            if length > _MAX16:
                raise OutputError(f"the path `{path[:60]}…` is too long for a zip archive")
            end = offset + _LOCAL.size + length + compressed
            if end > _MAX32 or size > _MAX32:
                raise OutputError(
                    "the deployment package would be larger than 4 GiB",
                    where=[f"`{path}` of `{owner}` does not fit"],
                    hint="AWS Lambda allows 250 MiB unzipped: exclude distributions",
                )
            # Both headers hold the same fields in the same order: version, flags, method, time, date, CRC,
            # sizes, and the lengths of the name and of the extra field.
            described = _DESCRIBED.pack(
                _VERSION,
                0 if length == len(path) else _UTF8,
                method,
                0,
                _EPOCH_DATE,
                crc,
                compressed,
                size,
                length,
                0,
            )
            mode = _EXECUTABLE if executable else _FILE
            central.append(
                b"".join(
                    (_CENTRAL_START, described, _CENTRAL_END.pack(0, 0, 0, mode, offset), name)
                )
            )
            writer.write(b"".join((b"PK\3\4", described, name)))
            if isinstance(payload, Slice):
                if archive is not opened:
                    descriptor, opened = archives.open(archive), archive
                writer.copy(descriptor, start, compressed, archive)
            elif isinstance(payload, Inline | Deflated):
                writer.write(payload.data)
            else:
                for piece in read_content(payload):
                    writer.write(piece)
            offset = end
    finally:
        archives.close()
    for piece in _end(central, len(bundle), offset):
        writer.write(piece)


def _end(central: list[bytes], count: int, start: int) -> Iterable[bytes]:
    """The central directory and its end; zip64 only where there are more than 65,535 entries."""
    directory = b"".join(central)
    yield directory
    size = len(directory)
    if count >= _MAX16 or start + size > _MAX32:
        record = start + size
        # The size is that of the fields after it; zip64 requires version 4.5.
        yield _END64.pack(
            b"PK\6\6", _END64.size - 12, 3 << 8 | 45, 45, 0, 0, count, count, size, start
        )
        yield _END64_LOCATOR.pack(b"PK\6\7", 0, record, 1)
    few = min(count, _MAX16)
    yield _END.pack(b"PK\5\6", 0, 0, few, few, min(size, _MAX32), min(start, _MAX32), 0)


class _Archives:
    """Open files to copy from; the least recently used is closed first."""

    def __init__(self) -> None:
        self._open: OrderedDict[Path, int] = OrderedDict()

    def open(self, path: Path) -> int:
        descriptor = self._open.get(path)
        if descriptor is not None:
            self._open.move_to_end(path)
            return descriptor
        if len(self._open) >= _OPEN_ARCHIVES:
            os.close(self._open.popitem(last=False)[1])
        try:
            descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except OSError as error:
            raise ArchiveError(f"cannot read `{path}`", where=[reason_of(error)]) from error
        self._open[path] = descriptor
        return descriptor

    def close(self) -> None:
        for descriptor in self._open.values():
            os.close(descriptor)
