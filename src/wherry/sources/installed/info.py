"""The ``.dist-info`` folders of an installed folder (PyPA's "Recording installed projects").

``RECORD`` tells which distribution a file came with, and nothing else: editing, renaming or removing a file does
not write it anew.
"""

from __future__ import annotations

import base64
import csv
import re
from pathlib import Path
from typing import TYPE_CHECKING

from wherry.sources.declaration import normalized
from wherry.sources.installed.scripts import entry_points
from wherry.structs import Struct
from wherry.untrusted import file_path, parse_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wherry.sources.installed.files import InstalledFile

__all__ = ["Info", "read_infos", "settle_twice"]

_FOLDER = re.compile(r"(?P<name>[^/]+?)(?:-(?P<version>[^/-]+))?\.dist-info")
_HEADER = r"^{}[ \t]*:[ \t]*(.+?)[ \t\r]*$"


class Info(Struct, frozen=True, kw_only=True):
    """A ``.dist-info`` folder.

    Attributes:
        folder: its name.
        name: the distribution's, normalized.
        version: the distribution's; None where it is unknown.
        recorded: the SHA-256 of each file it lists, in hexadecimal, by path; empty where it lists none.
        tags: those of the wheel that was installed, as its ``WHEEL`` lists them.
        points: its entry points for scripts.
        editable: the folder that an editable install leads to.
    """

    folder: str
    name: str
    version: str | None
    recorded: Mapping[str, str]
    tags: tuple[str, ...]
    points: Mapping[str, tuple[str, str]]
    editable: Path | None


def read_infos(files: Mapping[str, InstalledFile]) -> tuple[Info, ...]:
    """The ``.dist-info`` folders among these files, sorted."""
    folders = {
        top
        for path in files
        if "/" in path and _FOLDER.fullmatch(top := path.partition("/")[0]) is not None
    }
    return tuple(_read(folder, files) for folder in sorted(folders))


def _read(folder: str, files: Mapping[str, InstalledFile]) -> Info:
    def text(name: str) -> str:
        file = files.get(f"{folder}/{name}")
        return "" if file is None else file.read().decode("utf-8", "replace")

    def header(document: str, key: str) -> str | None:
        headers = re.split(r"\r?\n\r?\n", document, maxsplit=1)[0]
        found = re.search(_HEADER.format(key), headers, re.MULTILINE | re.IGNORECASE)
        return found[1] if found else None

    match = _FOLDER.fullmatch(folder)
    assert match is not None  # noqa: S101
    metadata = text("METADATA")
    tags = re.findall(_HEADER.format("Tag"), text("WHEEL"), re.MULTILINE | re.IGNORECASE)
    return Info(
        folder=folder,
        name=normalized(header(metadata, "Name") or match["name"]),
        version=header(metadata, "Version") or match["version"],
        recorded=_recorded(text("RECORD")),
        tags=tuple(tags),
        points=entry_points(text("entry_points.txt")),
        editable=_editable(text("direct_url.json")),
    )


def _recorded(record: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    try:
        for row in csv.reader(record.splitlines()):
            if row and row[0]:
                # pip records where a script lay before it was moved: `../../bin/flask`.
                path = re.sub(r"^(?:\.\./)+", "", row[0].replace("\\", "/"))
                found[path] = _hexadecimal(row[1] if len(row) > 1 else "")
    except csv.Error:
        pass
    return found


def _hexadecimal(digest: str) -> str:
    algorithm, _, value = digest.partition("=")
    if algorithm != "sha256":
        return ""
    try:
        return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).hex()
    except ValueError:
        return ""


def _editable(direct_url: str) -> Path | None:
    """The folder that ``direct_url.json`` (PEP 610) names, where the install is an editable one."""
    try:
        document = parse_json(direct_url)
        if document["dir_info"]["editable"] is not True:
            return None
        path = file_path(document["url"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return Path(path) if path else None


def settle_twice(
    infos: Iterable[Info], files: Mapping[str, InstalledFile]
) -> tuple[tuple[Info, ...], tuple[tuple[Info, Info | None], ...]]:
    """One folder of each distribution; installing over an older version leaves the older one's folder behind.

    The recorded hashes tell which of them the code belongs to. Gives the folders that count, and pairs: one that is
    left over, and the one that counts instead, or None where nothing tells them apart.
    """
    by_name: dict[str, list[Info]] = {}
    for info in infos:
        by_name.setdefault(info.name, []).append(info)
    kept: list[Info] = []
    left: list[tuple[Info, Info | None]] = []
    for same in by_name.values():
        ranked = sorted(same, key=lambda info: (_share(info, files), info.folder), reverse=True)
        best, *rest = ranked
        kept.append(best)
        undecided = bool(rest) and _share(rest[0], files) == _share(best, files)
        left += [(info, None if undecided else best) for info in rest]
    return tuple(kept), tuple(left)


def _share(info: Info, files: Mapping[str, InstalledFile]) -> float:
    """The share of the files it lists, but for its own folder's and scripts, that have the recorded hash."""
    listed = {
        path: sha256
        for path, sha256 in info.recorded.items()
        if sha256 and not path.startswith((f"{info.folder}/", "bin/"))
    }
    sound = sum(path in files and files[path].sha256 == sha256 for path, sha256 in listed.items())
    return sound / len(listed) if listed else 0.0
