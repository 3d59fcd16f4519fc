"""``[tool.uv.sources]``: where uv was told to find the distributions that a project asks for."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from packaging.markers import InvalidMarker, Marker
from packaging.utils import canonicalize_name

from wherry.indexes.redact import without_credentials
from wherry.lock.document import is_path
from wherry.structs import Struct
from wherry.untrusted import file_path

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from packaging.requirements import Requirement

    from wherry.lock.document import Table

__all__ = ["Place", "Places", "recorded_place", "sources_of"]

_LOCAL = ("editable", "directory", "virtual", "path")
_REVISIONS = ("rev", "tag", "branch")


class Place(Struct, frozen=True, kw_only=True):
    """The place that a requirement comes from.

    Attributes:
        kind: ``path``, ``git``, ``url``, ``index`` for an index that is named, or empty for any index.
        where: the path or the address.
        revision: the revision of a repository, such as ``tag=1.0``; empty for its default branch.
        subdirectory: the folder within a repository or an archive; empty for the whole.
    """

    kind: str = ""
    where: str = ""
    revision: str = ""
    subdirectory: str = ""

    def __str__(self) -> str:
        """The place as a message says it."""
        details = ", ".join(filter(None, (self.revision, self.subdirectory)))
        return f"{self.where} ({details})" if details else self.where


_FROM_INDEX = Place()


class Places(Struct, frozen=True, kw_only=True):
    """Where the requirements of one project come from.

    Attributes:
        own: its own sources by normalized name.
        root: the folder of its workspace, where it is in one.
        shared: the sources of that workspace, which hold where it has none of its own.
    """

    folder: Path
    own: Mapping[str, Any]
    root: Path
    shared: Mapping[str, Any]
    members: Mapping[str, Path]
    indexes: Mapping[str, str]

    def of(
        self, requirement: Requirement, *, extra: str | None = None, group: str | None = None
    ) -> list[tuple[Place | None, Marker | None]]:
        """The places that a requirement comes from, each with the marker under which it does.

        A place of None cannot be told from the project's files. Where a requirement comes from an index unless a
        marker holds, that index stands last, with no marker.
        """
        if requirement.url is not None:
            return [(_direct(requirement.url, self.root), None)]
        name = canonicalize_name(requirement.name)
        value, base = self.own.get(name), self.folder
        if value is None:
            value, base = self.shared.get(name), self.root
        found: list[tuple[Place | None, Marker | None]] = []
        for source in value if isinstance(value, list) else [value]:
            if not isinstance(source, dict):
                continue
            for key, wanted in (("extra", extra), ("group", group)):
                named = source.get(key)
                if isinstance(named, str) and canonicalize_name(named) != wanted:
                    break
            else:
                found.append((self._place(name, source, base), _marker(source.get("marker"))))
        if all(marker is not None for _, marker in found):
            found.append((_FROM_INDEX, None))
        return found

    def _place(self, name: str, source: Mapping[str, Any], base: Path) -> Place | None:
        texts = {key: value for key, value in source.items() if isinstance(value, str)}
        subdirectory = _folder(texts.get("subdirectory", ""))
        if source.get("workspace") is True:
            return _path(str(self.members[name])) if name in self.members else Place(kind="path")
        if (path := texts.get("path")) is not None and is_path(path):
            return _path(str(base / path))
        if (git := texts.get("git")) is not None:
            named = [f"{key}={texts[key]}" for key in _REVISIONS if key in texts]
            return _git(git, "".join(named), subdirectory)
        if (url := texts.get("url")) is not None:
            return Place(kind="url", where=without_credentials(url), subdirectory=subdirectory)
        if (index := texts.get("index")) is not None and index in self.indexes:
            return _index(self.indexes[index])
        return None


def sources_of(table: Table) -> dict[str, Any]:
    """The entries of the ``sources`` of a table ``[tool.uv]``, by normalized name; none where it says `no-sources`."""
    if table.data.get("no-sources") is True:
        return {}
    return {canonicalize_name(name): value for name, value in table.table("sources").data.items()}


def recorded_place(entry: Table, root: Path) -> Place | None:
    """The place that ``uv.lock`` in ``root`` records for a requirement; None where it is not understood."""
    for kind in _LOCAL:
        if (path := entry.optional(kind, str)) is not None:
            return _path(str(root / path)) if is_path(path) else None
    if (git := entry.optional("git", str)) is not None:
        url, _, query = git.partition("?")
        values = dict(parse_qsl(query.partition("#")[0]))
        named = [f"{key}={values[key]}" for key in _REVISIONS if key in values]
        return _git(url, "".join(named), _folder(values.get("subdirectory", "")))
    if (address := entry.optional("url", str)) is not None:
        subdirectory = _folder(entry.optional("subdirectory", str) or "")
        place = _direct(address, root)
        return Place(kind="url", where=place.where, subdirectory=place.subdirectory or subdirectory)
    if (index := entry.optional("index", str)) is not None:
        return _index(index)
    return _FROM_INDEX


def _marker(text: object) -> Marker | None:
    try:
        return Marker(text) if isinstance(text, str) else None
    except (InvalidMarker, RecursionError):
        return None


def _folder(text: str) -> str:
    return "" if os.path.normpath(text) == "." else os.path.normpath(text).replace("\\", "/")


def _path(path: str) -> Place:
    return Place(kind="path", where=os.path.realpath(path))


def _git(url: str, revision: str, subdirectory: str) -> Place:
    url = re.sub(r"(?<=://)[^/@]*@", "", url.removeprefix("git+")).rstrip("/").removesuffix(".git")
    return Place(kind="git", where=url, revision=revision, subdirectory=subdirectory)


def _index(url: str) -> Place:
    url = without_credentials(url)
    if url.startswith("file:") or "://" not in url:
        # uv records where the folder was on the machine where it was run.
        path = file_path(url) if url.startswith("file:") else url
        url = path.replace("\\", "/").rstrip("/").rpartition("/")[2]
    return Place(kind="index", where=url.rstrip("/"))


def _direct(url: str, root: Path) -> Place:
    """The place of a requirement ``name @ url``."""
    url, _, fragment = url.partition("#")
    subdirectory = _folder(dict(parse_qsl(fragment)).get("subdirectory", ""))
    if url.startswith("git+"):
        address, at, revision = url.rpartition("@")
        # A user stands before the host, and a revision behind the path.
        if not at or "/" not in address.partition("://")[2]:
            address, revision = url, ""
        return _git(address, f"rev={revision}" if revision else "", subdirectory)
    if url.startswith("file:"):
        path = file_path(_expanded(url, root))
        return _path(path) if is_path(path) else Place(kind="url", where=url)
    if "://" not in url and is_path(url):
        return _path(str(root / _expanded(url, root)))
    return Place(kind="url", where=without_credentials(url), subdirectory=subdirectory)


def _expanded(url: str, root: Path) -> str:
    """The address with the one variable of uv's own, ``${PROJECT_ROOT}``, expanded."""
    return url.replace("file:///${PROJECT_ROOT}", root.as_uri()).replace(
        "${PROJECT_ROOT}", str(root)
    )
