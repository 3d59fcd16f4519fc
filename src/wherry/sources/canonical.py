"""A built wheel in its canonical form: the same bytes whoever built it, wherever, with whatever zlib.

A wheel that was built on this machine carries marks of it: bytes of the local compressor, the version of
the backend of the day, paths of folders that requirements were found in. In its canonical form

- contents are uncompressed, and lie one after the other in one file of the store;
- ``WHEEL`` names Wherry as the generator;
- ``METADATA`` names requirements of the local file system by name alone;
- ``RECORD`` is written anew: the installed paths, sorted (the recording format of PyPA's specifications);
- ``INSTALLER``, ``REQUESTED``, ``direct_url.json`` and signatures of the former ``RECORD`` are gone.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from wherry.bundle.algebra import Bundle
from wherry.bundle.content import read_all, read_content
from wherry.bundle.entry import STORED, Entry, Slice, inline
from wherry.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wherry.bundle.entry import Payload
    from wherry.wheels.store import Store

__all__ = ["Canonical", "Member", "canonical", "canonical_content", "from_memo", "to_memo"]

_DROPPED = ("RECORD", "RECORD.jws", "RECORD.p7s", "INSTALLER", "REQUESTED", "direct_url.json")
_WHEEL = re.compile(r"(?P<info>[^/]+\.dist-info)/WHEEL")
_GENERATOR = re.compile(rb"^Generator:[^\r\n]*", re.MULTILINE | re.IGNORECASE)
# `NAME[EXTRAS] @ file:URL ; MARKER`: a URL has no blanks, so the first ends it.
_LOCAL_REQUIREMENT = re.compile(
    rb"^(Requires-Dist:[ \t]*[\w.-]+(?:[ \t]*\[[^]\r\n]*\])?)[ \t]*@[ \t]*file:\S*",
    re.MULTILINE | re.IGNORECASE,
)
_END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")


class Member(NamedTuple):
    """A file of the wheel at the path it is installed at; ``sha256`` in hexadecimal."""

    path: str
    executable: bool
    payload: Payload
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Canonical:
    """A built wheel in its canonical form.

    Attributes:
        filename: the wheel's name as its backend gave it.
        info: its ``.dist-info`` folder.
        members: its files but for ``RECORD``, sorted by path.
        compiled: the paths of those that the build compiled, which run on some targets only.
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

        Args:
            owner: who the entries belong to.
            keep: whether a file stays, by its path; those of the ``.dist-info`` folder always do.
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

    Args:
        bundle: its files at the paths they are installed at, as ``wheel_bundle`` maps them.
        filename: the wheel's name.
        store: where its contents are put.

    Raises:
        ArchiveError: a member does not decompress, or there is no ``.dist-info`` folder.
        StoreError: the store cannot be written.
    """
    found = [match["info"] for entry in bundle if (match := _WHEEL.fullmatch(entry.path))]
    if len(found) != 1:
        raise ArchiveError(
            f"`{filename}` is not a wheel",
            where=[f"it has {len(found) or 'no'} `.dist-info/WHEEL`, and one is wanted"],
        )
    info = found[0]
    dropped = {f"{info}/{name}" for name in _DROPPED}
    places: list[tuple[Entry, int, int, int, str]] = []
    offset = 0
    with store.writer() as writer:
        for entry in bundle:
            if entry.path in dropped:
                continue
            crc = size = 0
            digest = hashlib.sha256()
            for piece in canonical_content(entry, info):
                writer.write(piece)
                crc = zlib.crc32(piece, crc)
                size += len(piece)
                digest.update(piece)
            places.append((entry, offset, size, crc, digest.hexdigest()))
            offset += size
        stored = writer.commit(hashes={}, name=filename)
    return Canonical(
        filename=filename,
        info=info,
        members=tuple(
            Member(
                entry.path,
                entry.executable,
                Slice(stored.path, start, size, size, crc, STORED),
                sha256,
            )
            for entry, start, size, crc, sha256 in places
        ),
    )


def canonical_content(entry: Entry, info: str) -> Iterator[bytes]:
    """The content of an entry as every machine would have built it; ``info`` is the ``.dist-info`` folder."""
    if entry.path == f"{info}/WHEEL":
        yield _GENERATOR.sub(b"Generator: wherry", read_all(entry.payload))
    elif entry.path == f"{info}/METADATA":
        yield _without_local_paths(read_all(entry.payload))
    else:
        yield from read_content(entry.payload)


def _without_local_paths(metadata: bytes) -> bytes:
    end = _END_OF_HEADERS.search(metadata)
    cut = end.start() if end else len(metadata)
    return _LOCAL_REQUIREMENT.sub(rb"\1", metadata[:cut]) + metadata[cut:]


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


def to_memo(wheel: Canonical) -> bytes:
    """What ``from_memo`` makes the same wheel of; its members must be as ``canonical`` gives them."""
    archive = ""
    members: list[list[object]] = []
    for path, executable, payload, sha256 in wheel.members:
        if not isinstance(payload, Slice):
            raise TypeError(payload)
        archive = payload.archive.name.partition(".")[0]
        members.append([path, int(executable), payload.offset, payload.size, payload.crc, sha256])
    document = {
        "filename": wheel.filename,
        "info": wheel.info,
        "archive": archive,
        "members": members,
        "compiled": wheel.compiled,
    }
    return json.dumps(document, separators=(",", ":")).encode()


def from_memo(memo: bytes, store: Store) -> Canonical | None:
    """The remembered wheel; None when the memo is of no use, or its contents have left the store."""
    try:
        document = json.loads(memo)
        archive = store.find(document["archive"])
        if archive is None:
            return None
        members = tuple(
            Member(
                path,
                bool(executable),
                Slice(archive, offset, size, size, crc, STORED),
                sha256,
            )
            for path, executable, offset, size, crc, sha256 in document["members"]
        )
        return Canonical(
            filename=document["filename"],
            info=document["info"],
            members=members,
            compiled=tuple(document["compiled"]),
        )
    except (ValueError, KeyError, TypeError):
        return None
