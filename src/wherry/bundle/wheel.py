"""A wheel as a bundle: where each of its members comes to lie, as ``pip install --target`` puts it.

The specification is PyPA's binary distribution format. ``purelib``, ``platlib`` and ``data`` of the wheel's
own ``NAME-VERSION.data`` folder go to the root, ``scripts`` to ``bin/`` and ``headers`` to
``include/NAME/``; a folder of another name that ends in ``.data`` is like any other. Nothing is generated: no
launcher for console scripts, no ``INSTALLER``. ``RECORD`` and ``METADATA`` stay as they are.

A wheel is examined once: every member is decompressed and compared with its CRC. What comes of it, a list
of a few hundred kilobytes at most, is remembered in the store, and later builds read nothing else.
"""

from __future__ import annotations

import json
import re
import zlib
from typing import TYPE_CHECKING

from wherry.bundle.algebra import Bundle
from wherry.bundle.content import read_all, read_content
from wherry.bundle.entry import DEFLATED, STORED, Entry, Slice, SourceFile, check_path
from wherry.errors import ArchiveError, ConflictError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from wherry.bundle.archive import Member
    from wherry.wheels.store import Store, StoredFile

__all__ = ["LAMBDA_SHEBANG", "wheel_bundle"]

_MEMO = "wheel-index"
_FORMAT = 2
_INFO = re.compile(r"(?P<stem>[^/]+)\.dist-info/WHEEL")
_SHEBANG = b"#!python"
# Lambda's interpreter is first on its PATH; the path of another machine's would be of no use there.
LAMBDA_SHEBANG = b"#!/usr/bin/env python3\n"


def wheel_bundle(stored: StoredFile, *, filename: str, owner: str, store: Store) -> Bundle:
    """The files that a wheel installs.

    Args:
        stored: the wheel.
        filename: its name, for messages.
        owner: the normalized name of its distribution.
        store: where the examination is remembered, and where members go that Lambda could not unpack.

    Raises:
        ArchiveError: it is not a sound wheel.
        EntryPathError: a member's path is unsafe.
    """
    # The format is part of the key, so that a newer Wherry examines again what an older one accepted.
    key = f"{stored.sha256}-{_FORMAT}"
    if (memo := store.recall(_MEMO, key)) is not None:
        bundle = _from_memo(memo, stored, owner, store)
        if bundle is not None:
            return bundle
    bundle = _examine(stored, filename, owner, store)
    store.remember(_MEMO, key, _to_memo(bundle, stored))
    return bundle


def _to_memo(bundle: Bundle, stored: StoredFile) -> bytes:
    slices: list[tuple[object, ...]] = []
    files: list[tuple[object, ...]] = []
    for path, executable, payload, _ in bundle:
        if isinstance(payload, Slice):
            slices.append((path, int(executable), *payload[1:]))
        elif isinstance(payload, SourceFile):
            files.append((path, int(executable), _digest_in_store(payload), *payload[1:]))
    document = {"size": stored.size, "slices": slices, "files": files}
    body = json.dumps(document, separators=(",", ":")).encode()
    return b"%08x%b" % (zlib.crc32(body), body)


def _from_memo(memo: bytes, stored: StoredFile, owner: str, store: Store) -> Bundle | None:
    """The remembered bundle; None when the memo or something it points at is of no use any more."""
    if memo[:8] != b"%08x" % zlib.crc32(memoryview(memo)[8:]):
        return None
    try:
        document = json.loads(memo[8:])
        entries = [
            Entry(path, bool(executable), Slice(stored.path, *place), owner)
            for path, executable, *place in document["slices"]
        ]
        if document["size"] != stored.size:
            return None
        for path, executable, sha256, size, crc in document["files"]:
            content = store.find(sha256)
            if content is None:
                return None
            entries.append(Entry(path, bool(executable), SourceFile(content, size, crc), owner))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if document["files"]:
        entries.sort(key=lambda entry: entry.path)
    return Bundle(tuple(entries))


def _digest_in_store(payload: SourceFile) -> str:
    import hashlib

    with payload.path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _examine(stored: StoredFile, filename: str, owner: str, store: Store) -> Bundle:
    from wherry.bundle.archive import read_archive

    try:
        members = read_archive(stored.path)
        stem = _require_wheel(stored.path, members, filename)
        return Bundle.of(
            _entry(member, stem, stored.path, filename, owner, store) for member in members
        )
    except ArchiveError as error:
        # In the store a file goes by its digest; the user knows it by its name.
        message = error.message.replace(stored.path.name, filename)
        raise ArchiveError(message, where=error.where, hint=error.hint) from error
    except ConflictError as error:  # of the wheel with itself, which no setting can settle
        raise ArchiveError(
            f"`{filename}` is not a sound wheel", where=[error.message, *error.where]
        ) from error


def _require_wheel(path: Path, members: tuple[Member, ...], filename: str) -> str:
    """The ``NAME-VERSION`` by which the wheel calls itself, when it is one."""
    described = [member for member in members if _INFO.fullmatch(member.name)]
    if len(described) != 1:
        raise ArchiveError(
            f"`{filename}` is not a wheel",
            where=[f"it has {len(described) or 'no'} `.dist-info/WHEEL`, and one is wanted"],
        )
    member = described[0]
    if member.size > 1 << 20 or member.method not in {STORED, DEFLATED}:
        raise ArchiveError(f"`{filename}` is not a wheel", where=["its `WHEEL` file is not sound"])
    text = read_all(_slice(member, path)).decode(errors="replace")
    version = re.search(r"^Wheel-Version:[ \t]*(\d+)\.\d+[ \t\r]*$", text, re.MULTILINE)
    if version is None or version[1] != "1":
        said = version[0].strip() if version else "no version"
        raise ArchiveError(
            f"`{filename}` is of an unknown wheel format", where=[f"its `WHEEL` file says {said}"]
        )
    return member.name.removesuffix(".dist-info/WHEEL")


def _slice(member: Member, path: Path) -> Slice:
    # Some tools call an empty file deflated although there is no deflate stream at all.
    method = member.method if member.compressed_size or member.size else STORED
    return Slice(path, member.offset, member.compressed_size, member.size, member.crc, method)


def _entry(member: Member, stem: str, path: Path, filename: str, owner: str, store: Store) -> Entry:
    target, script = _installed(check_path(member.name, owner=owner), stem, owner, filename)
    if target != member.name:
        check_path(target, owner=owner)
    held = _slice(member, path)
    payload: Slice | SourceFile = held
    if script and _begins_with(held, _SHEBANG):
        content = _with_lambda_shebang(read_content(held))
        payload = _in_store(content, store, member.name)
    elif held.method not in {STORED, DEFLATED}:
        # Lambda does not know bzip2, LZMA or Zstandard.
        payload = _in_store(read_content(held), store, member.name)
    else:
        for _ in read_content(held):
            pass  # reading to the end is what verifies it
    return Entry(target, member.executable or script, payload, owner)


def _installed(name: str, stem: str, owner: str, filename: str) -> tuple[str, bool]:
    """The path a member is installed at, and whether it is a script."""
    data = f"{stem}.data/"
    if not name.startswith(data):
        return name, False
    scheme, _, rest = name.removeprefix(data).partition("/")
    if rest:
        match scheme:
            case "purelib" | "platlib" | "data":
                return rest, False
            case "scripts":
                return f"bin/{rest}", True
            case "headers":
                return f"include/{owner}/{rest}", False
    raise ArchiveError(
        f"`{filename}` is not a sound wheel", where=[f"`{name}` has no place to be installed to"]
    )


def _begins_with(payload: Slice, prefix: bytes) -> bool:
    head = b""
    for piece in read_content(payload):
        head += piece
        if len(head) >= len(prefix):
            break
    return head.startswith(prefix)


def _with_lambda_shebang(content: Iterator[bytes]) -> Iterator[bytes]:
    """The script with an interpreter that exists on Lambda, where its wheel leaves that open.

    The whole line is replaced, its arguments too, as installers do.
    """
    yield LAMBDA_SHEBANG
    for piece in content:
        _, newline, rest = piece.partition(b"\n")
        if newline:
            yield rest
            break
    yield from content


def _in_store(content: Iterator[bytes], store: Store, name: str) -> SourceFile:
    crc = size = 0
    with store.writer() as writer:
        for piece in content:
            writer.write(piece)
            crc = zlib.crc32(piece, crc)
            size += len(piece)
        stored = writer.commit(hashes={}, name=name)
    return SourceFile(stored.path, size, crc)
