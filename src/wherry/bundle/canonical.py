"""The canonical form of built wheels: the same bytes on every machine and with every zlib.

A wheel that was built on this machine depends on it: on the local compressor, the version of the backend, and
the paths of folders in which requirements were found. In its canonical form

- contents are uncompressed, one after the other in one file of the store;
- ``WHEEL`` names Wherry as the generator;
- ``METADATA`` names requirements of the local file system only by name;
- ``RECORD`` is generated: the installed paths, sorted (the recording format of PyPA's specifications);
- ``INSTALLER``, ``REQUESTED``, ``direct_url.json`` and signatures of the original ``RECORD`` are removed.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from wherry.bundle.bundle import Bundle
from wherry.bundle.content import copied, measure, read_all, read_content
from wherry.bundle.entry import STORED, BuiltSlice, Entry, Slice, inline
from wherry.errors import ArchiveError
from wherry.store.memo import Memo
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wherry.bundle.entry import Payload
    from wherry.store import Store

__all__ = [
    "INSTALLER_FILES",
    "Canonical",
    "Member",
    "canonical",
    "canonical_content",
    "wheel_document",
    "wheel_from_document",
    "wheel_memo",
]

INSTALLER_FILES = (
    "RECORD",
    "RECORD.jws",
    "RECORD.p7s",
    "INSTALLER",
    "REQUESTED",
    "direct_url.json",
)
"""Files of a ``.dist-info`` folder that describe an installation, and not the distribution."""
_WHEEL = re.compile(r"(?P<info>[^/]+\.dist-info)/WHEEL")
_GENERATOR = re.compile(rb"^Generator:[^\r\n]*", re.MULTILINE | re.IGNORECASE)
# `NAME[EXTRAS] @ file:URL ; MARKER`: a URL has no blanks, so it ends at the first.
_LOCAL_REQUIREMENT = re.compile(
    rb"^(Requires-Dist:[ \t]*[\w.-]+(?:[ \t]*\[[^]\r\n]*\])?)[ \t]*@[ \t]*file:\S*",
    re.MULTILINE | re.IGNORECASE,
)
_END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")


class Member(NamedTuple):
    """A file of the wheel at its installed path; ``sha256`` in hexadecimal."""

    path: str
    executable: bool
    payload: Payload
    sha256: str


class Canonical(Struct, frozen=True, kw_only=True):
    """A built wheel in its canonical form.

    Attributes:
        filename: the name that the backend gave the wheel.
        members: its files except ``RECORD``, sorted by path.
        compiled: the paths of compiled files, which run only on some targets.
    """

    filename: str
    info: str
    members: tuple[Member, ...]
    compiled: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256, in hexadecimal, of its paths, executable bits and contents."""
        digest = hashlib.sha256()
        for member in self.members:
            digest.update(f"{member.path}\0{member.executable:d}{member.sha256}\n".encode())
        return digest.hexdigest()

    def bundle(self, *, owner: str, keep: Callable[[str], bool] | None = None) -> Bundle:
        """Its files, with a ``RECORD`` of them.

        ``keep`` decides by the path whether a file is kept; those of the ``.dist-info`` folder always are.
        """
        own = f"{self.info}/"
        kept = [
            member
            for member in self.members
            if keep is None or member.path.startswith(own) or keep(member.path)
        ]
        entries = [Entry(path, executable, payload, owner) for path, executable, payload, _ in kept]
        entries.append(inline(f"{own}RECORD", _record(kept, f"{own}RECORD"), owner=owner))
        return Bundle.of(entries)


def canonical(bundle: Bundle, *, filename: str, store: Store) -> Canonical:
    """The canonical form of a wheel.

    The files are at their installed paths, as ``wheel_bundle`` maps them; the store receives their contents.

    Raises:
        ArchiveError: a member does not decompress, or there is no ``.dist-info`` folder.
        StoreError: the store cannot be written.
    """
    folders = [match["info"] for entry in bundle if (match := _WHEEL.fullmatch(entry.path))]
    if len(folders) != 1:
        raise ArchiveError(
            f"`{filename}` is not a wheel",
            where=[f"it has {len(folders) or 'no'} `.dist-info/WHEEL` instead of one"],
        )
    info = folders[0]
    dropped = {f"{info}/{name}" for name in INSTALLER_FILES}
    kept = [entry for entry in bundle if entry.path not in dropped]
    with store.writer() as writer:
        sums = [measure(copied(canonical_content(entry, info), writer)) for entry in kept]
        stored = writer.commit(hashes={}, name=filename)
    members: list[Member] = []
    offset = 0
    for entry, (size, crc, sha256) in zip(kept, sums, strict=True):
        payload = BuiltSlice(stored.path, offset, size, size, crc, STORED)
        members.append(Member(entry.path, entry.executable, payload, sha256))
        offset += size
    return Canonical(filename=filename, info=info, members=tuple(members))


def canonical_content(entry: Entry, info: str) -> Iterator[bytes]:
    """The canonical content of an entry; ``info`` is the ``.dist-info`` folder."""
    if entry.path == f"{info}/WHEEL":
        yield _GENERATOR.sub(b"Generator: wherry", read_all(entry.payload))
    elif entry.path == f"{info}/METADATA":
        metadata = read_all(entry.payload)
        end = _END_OF_HEADERS.search(metadata)
        cut = end.start() if end else len(metadata)
        yield _LOCAL_REQUIREMENT.sub(rb"\1", metadata[:cut]) + metadata[cut:]
    else:
        yield from read_content(entry.payload)


def _record(members: list[Member], record: str) -> bytes:
    rows = [
        (
            member.path,
            "sha256="
            + base64.urlsafe_b64encode(bytes.fromhex(member.sha256)).rstrip(b"=").decode(),
            member.payload.size,
        )
        for member in members
    ]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(sorted([*rows, (record, "", "")]))
    return text.getvalue().encode()


def wheel_memo(kind: str, store: Store) -> Memo[Canonical]:
    """A memo of wheels that ``canonical`` made, whose contents are in this store."""
    return Memo(kind, wheel_document, lambda document: wheel_from_document(document, store))


def wheel_document(wheel: Canonical) -> dict[str, object]:
    """A wheel as JSON can hold it; its members must be as ``canonical`` gives them."""
    archive = ""
    members: list[list[object]] = []
    for path, executable, payload, sha256 in wheel.members:
        if not isinstance(payload, Slice):
            raise TypeError(payload)
        archive = payload.archive.name.partition(".")[0]
        members.append([path, int(executable), payload.offset, payload.size, payload.crc, sha256])
    return {
        "filename": wheel.filename,
        "info": wheel.info,
        "archive": archive,
        "members": members,
        "compiled": wheel.compiled,
    }


def wheel_from_document(document: Any, store: Store) -> Canonical:
    """The inverse of ``wheel_document``.

    Raises:
        LookupError: the contents have left the store, or a part of the document is missing.
        ValueError, TypeError: it is not such a document.
    """
    archive = store.find(document["archive"])
    if archive is None:
        raise LookupError(document["archive"])
    return Canonical(
        filename=document["filename"],
        info=document["info"],
        members=tuple(
            Member(
                path,
                bool(executable),
                BuiltSlice(archive, offset, size, size, crc, STORED),
                sha256,
            )
            for path, executable, offset, size, crc, sha256 in document["members"]
        ),
        compiled=tuple(document["compiled"]),
    )
