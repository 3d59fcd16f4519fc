"""A wheel as a bundle, with its members at the paths at which ``pip install --target`` puts them.

The specification is PyPA's binary distribution format. ``purelib``, ``platlib`` and ``data`` of the wheel's
own ``NAME-VERSION.data`` folder go to the root, ``scripts`` to ``bin/`` and ``headers`` to
``include/NAME/``; another folder whose name ends in ``.data`` is like any other. Nothing is generated: no
launcher for console scripts, no ``INSTALLER``. ``RECORD`` and ``METADATA`` are not changed.

A wheel is examined once: every member is decompressed and compared with its CRC. The result, a list of at most
a few hundred kilobytes, is remembered in the store, and later builds read nothing else.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from wherry.bundle.bundle import Bundle
from wherry.bundle.content import content_sha256, copied, measure, read_all, read_content
from wherry.bundle.entry import DEFLATED, STORED, Entry, Slice, SourceFile, check_path
from wherry.errors import ArchiveError, ConflictError
from wherry.store.memo import Memo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from wherry.bundle.archive import Member
    from wherry.store import Store, StoredFile

__all__ = ["LAMBDA_SHEBANG", "wheel_bundle"]

_FORMAT = 3
_INFO = re.compile(r"(?P<stem>[^/]+)\.dist-info/WHEEL")
_SHEBANG = b"#!python"
# Lambda's interpreter is the first on its PATH.
LAMBDA_SHEBANG = b"#!/usr/bin/env python3\n"
_HEADER = re.compile(rb"^(Name|Version):[ \t]*([^\r\n]*?)[ \t]*\r?$", re.MULTILINE | re.IGNORECASE)
_END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")


def wheel_bundle(stored: StoredFile, *, filename: str, owner: str, store: Store) -> Bundle:
    """The files that a wheel installs.

    The store remembers the result, and holds members that Lambda cannot unpack.

    Raises:
        ArchiveError: it is not a valid wheel.
        EntryPathError: a member's path is unsafe.
    """
    # The format is part of the key, so that a newer Wherry examines wheels again.
    key = f"{stored.sha256}-{_FORMAT}"
    memo = Memo[Bundle](
        "wheel-index",
        encode=lambda bundle: _to_document(bundle, stored),
        decode=lambda document: _from_document(document, stored, owner, store),
    )
    bundle = memo.recall(store, key)
    if bundle is None:
        bundle = _examine(stored, filename, owner, store)
        memo.remember(store, key, bundle)
    _require_name(bundle, filename)
    return bundle


def _require_name(bundle: Bundle, filename: str) -> None:
    """Compare the name of the file, under which the same bytes may come again and again with another one."""
    expected = f"{'-'.join(filename.split('-')[:2])}.dist-info/WHEEL"
    entries = bundle.entries
    place = bisect_left(entries, expected, key=attrgetter("path"))
    if entries[place : place + 1] and entries[place].path == expected:
        return
    for entry in entries:
        if (described := _INFO.fullmatch(entry.path)) is not None:
            _require_folder(described["stem"], filename=filename)


def _to_document(bundle: Bundle, stored: StoredFile) -> dict[str, object]:
    slices: list[tuple[object, ...]] = []
    files: list[tuple[object, ...]] = []
    for path, executable, payload, _ in bundle:
        if isinstance(payload, Slice):
            slices.append((path, int(executable), *payload[1:]))
        elif isinstance(payload, SourceFile):
            files.append(
                (path, int(executable), content_sha256(payload), payload.size, payload.crc)
            )
    return {"size": stored.size, "slices": slices, "files": files}


def _from_document(
    document: dict[str, Any], stored: StoredFile, owner: str, store: Store
) -> Bundle:
    if document["size"] != stored.size:
        raise LookupError(stored.path)
    entries = [
        Entry(path, executable == 1, Slice(stored.path, start, zipped, size, crc, method), owner)
        for path, executable, start, zipped, size, crc, method in document["slices"]
    ]
    for path, executable, sha256, size, crc in document["files"]:
        content = store.find(sha256)
        if content is None:
            raise LookupError(sha256)
        entries.append(Entry(path, bool(executable), SourceFile(content, size, crc), owner))
    if document["files"]:
        entries.sort(key=lambda entry: entry.path)
    return Bundle(tuple(entries))


def _examine(stored: StoredFile, filename: str, owner: str, store: Store) -> Bundle:
    from wherry.bundle.archive import read_archive

    try:
        members = read_archive(stored.path)
        stem = _require_wheel(stored.path, members, filename)
        _require_folder(stem, filename=filename)
        _require_metadata(stored.path, members, stem, filename)
        return Bundle.of(
            _entry(member, stem, stored.path, filename, owner, store) for member in members
        )
    except ArchiveError as error:
        # Files in the store are named by their digest; messages use the name of the wheel.
        message = error.message.replace(stored.path.name, filename)
        raise ArchiveError(message, where=error.where, hint=error.hint) from error
    except ConflictError as error:  # within the wheel, which no setting can resolve
        raise ArchiveError(
            f"`{filename}` is not a valid wheel", where=[error.message, *error.where]
        ) from error


def _require_wheel(path: Path, members: tuple[Member, ...], filename: str) -> str:
    """The ``NAME-VERSION`` of a wheel's own folders; raises where it is not a wheel."""
    described = [member for member in members if _INFO.fullmatch(member.name)]
    if len(described) != 1:
        raise ArchiveError(
            f"`{filename}` is not a wheel",
            where=[f"it has {len(described) or 'no'} `.dist-info/WHEEL` instead of one"],
        )
    member = described[0]
    if member.size > 1 << 20:
        raise ArchiveError(f"`{filename}` is not a wheel", where=["its `WHEEL` file is not valid"])
    text = read_all(member.slice(path)).decode(errors="replace")
    version = re.search(r"^Wheel-Version:[ \t]*(\d+)\.\d+[ \t\r]*$", text, re.MULTILINE)
    if version is None or version[1] != "1":
        line = version[0].strip()[:60] if version else "no version"
        raise ArchiveError(
            f"`{filename}` is of an unknown wheel format", where=[f"its `WHEEL` file says {line}"]
        )
    return member.name.removesuffix(".dist-info/WHEEL")


def _require_metadata(path: Path, members: tuple[Member, ...], stem: str, filename: str) -> None:
    name = f"{stem}.dist-info/METADATA"
    member = next((member for member in members if member.name == name), None)
    if member is None or member.size > 1 << 24:
        raise ArchiveError(f"`{filename}` is not a wheel", where=["it has no valid `METADATA`"])
    _compare_metadata(read_all(member.slice(path)), stem, filename=filename)


def _entry(member: Member, stem: str, path: Path, filename: str, owner: str, store: Store) -> Entry:
    target, script = _installed_path(check_path(member.name, owner=owner), stem, owner, filename)
    if target != member.name:
        check_path(target, owner=owner)
    member_slice = member.slice(path)
    payload: Slice | SourceFile = member_slice
    if script and _begins_with(member_slice, _SHEBANG):
        content = _with_lambda_shebang(read_content(member_slice))
        payload = _in_store(content, store, member.name)
    elif member_slice.method not in {STORED, DEFLATED}:
        # Lambda cannot read bzip2, LZMA or Zstandard.
        payload = _in_store(read_content(member_slice), store, member.name)
    else:
        for _ in read_content(member_slice):
            pass  # reading it to the end verifies it
    return Entry(target, member.executable or script, payload, owner)


def _installed_path(name: str, stem: str, owner: str, filename: str) -> tuple[str, bool]:
    """The path at which a member is installed, and whether it is a script."""
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
        f"`{filename}` is not a valid wheel",
        where=[f"`{name}` cannot be installed: its folder is unknown"],
    )


def _begins_with(payload: Slice, prefix: bytes) -> bool:
    head = b""
    for piece in read_content(payload):
        head += piece
        if len(head) >= len(prefix):
            break
    return head.startswith(prefix)


def _with_lambda_shebang(content: Iterator[bytes]) -> Iterator[bytes]:
    """A script with Lambda's interpreter in place of the first line, which its wheel leaves open.

    Arguments in that line are replaced too, as installers do.
    """
    yield LAMBDA_SHEBANG
    for piece in content:
        _, newline, rest = piece.partition(b"\n")
        if newline:
            yield rest
            break
    yield from content


def _in_store(content: Iterator[bytes], store: Store, name: str) -> SourceFile:
    with store.writer() as writer:
        size, crc, _ = measure(copied(content, writer))
        stored = writer.commit(hashes={}, name=name)
    return SourceFile(stored.path, size, crc)


def _require_folder(stem: str, *, filename: str) -> None:
    """Compare the ``NAME-VERSION`` of the ``.dist-info`` folder with the name of the file."""
    if "-" in stem and filename.startswith(f"{stem}-"):
        return
    parts = filename.removesuffix(".whl").split("-")
    if len(parts) < 5:
        return  # it is not the name of a wheel, which others refuse
    name, _, version = stem.rpartition("-")
    if not (_same_name(name, parts[0]) and _same_version(version, parts[1])):
        raise _disagrees(filename, f"its folder is `{stem}.dist-info`")


def _compare_metadata(metadata: bytes, stem: str, *, filename: str) -> None:
    """Compare the name and version in ``METADATA`` with those of the ``.dist-info`` folder."""
    end = _END_OF_HEADERS.search(metadata)
    headers: dict[str, str] = {}
    for key, value in _HEADER.findall(metadata[: end.start() if end else None]):
        headers.setdefault(key.decode().lower(), value.decode(errors="replace"))
    folder_name, _, folder_version = stem.rpartition("-")
    for key, folder, same in (
        ("name", folder_name, _same_name),
        ("version", folder_version, _same_version),
    ):
        if not headers.get(key):
            raise ArchiveError(
                f"`{filename}` is not a valid wheel", where=[f"its `METADATA` has no {key}"]
            )
        if not same(headers[key], folder):
            raise _disagrees(filename, f"its `METADATA` has the {key} `{headers[key]}`")


def _same_name(first: str, second: str) -> bool:
    names = [re.sub(r"[-_.]+", "-", name).lower() for name in (first, second)]
    return names[0] == names[1]


def _same_version(first: str, second: str) -> bool:
    if first == second:
        return True
    from packaging.version import InvalidVersion, Version

    try:
        # The name of a file may have `_` where a version has `-`.
        return Version(first) == Version(second.replace("_", "-"))
    except InvalidVersion:
        return _same_name(first.replace("+", "-"), second.replace("+", "-"))


def _disagrees(filename: str, reason: str) -> ArchiveError:
    return ArchiveError(
        f"`{filename}` is of another distribution or version than its name says",
        where=[reason],
        hint="pip and uv refuse it too: report it to whoever made it, or lock another version",
    )
