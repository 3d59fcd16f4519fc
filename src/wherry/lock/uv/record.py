"""The requirements that ``uv.lock`` records, compared with those that a project declares now."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from wherry.lock.document import is_path
from wherry.lock.uv.local import normal_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from wherry.lock.document import Table

__all__ = ["Difference", "Places", "requirement_differences"]

_LOCAL = ("editable", "directory", "virtual", "path")
_ELSEWHERE = ("git", "url")


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """A difference between a lock and a project.

    Attributes:
        text: the difference.
        certain: only an edit explains it. Otherwise it may be only written in another way.
    """

    text: str
    certain: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """Where ``[tool.uv.sources]`` says that a project's requirements come from.

    Attributes:
        pyproject: the project's file.
        folder: its folder.
        shared: the sources of the workspace's root, which hold for its members too.
        root: the workspace's root.
        members: the folders of local packages by name.
    """

    pyproject: Table
    folder: Path
    shared: Mapping[str, object]
    root: Path
    members: Mapping[str, Path]

    def of(self, name: str) -> str | None:
        """The folder or file that a requirement comes from, ``""`` for an index, None where only uv can tell."""
        own = self.pyproject.table("tool").table("uv").table("sources").data
        for sources, base in ((own, self.folder), (self.shared, self.root)):
            for key, source in sources.items():
                if canonicalize_name(key) == name:
                    return self._place(name, source, base)
        return ""

    def _place(self, name: str, source: object, base: Path) -> str | None:
        if not isinstance(source, dict) or "marker" in source or "group" in source:
            return None
        path = source.get("path")
        if isinstance(path, str) and is_path(path):
            return normal_path(base / path)
        if source.get("workspace") is True and name in self.members:
            return normal_path(self.members[name])
        return "" if "index" in source else None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Record:
    """A requirement, in a form that is the same whether uv or the user wrote it.

    ``place`` is the folder or file that it comes from, ``""`` where it comes from an index; None where only uv
    can tell.
    """

    text: str
    extras: tuple[str, ...]
    specifier: str
    marker: str | None
    place: str | None


def requirement_differences(
    label: str,
    requirements: Iterable[tuple[str, str | None]],
    recorded: Table,
    key: str,
    places: Places,
) -> Iterator[Difference]:
    """Compare requirements with the lock's record of them.

    Args:
        label: the place where the project declares them.
        requirements: PEP 508 requirements, each with the extra that it is for.
        recorded: the table of the lock that ``key`` is in.
        key: the array of recorded requirements.
        places: where uv is told to find some of them; names the project.

    Raises:
        LockError: one cannot be understood.
    """
    now = _asked(requirements, places)
    then = _recorded(recorded, key, places.root)
    for identity in sorted(now.keys() | then.keys()):
        ours, theirs = now.get(identity, []), then.get(identity, [])
        if not theirs:
            yield Difference(text=f"`{label}` asks for `{ours[0].text}`, the lock does not have it")
        elif not ours:
            yield Difference(text=f"`{label}` no longer asks for `{theirs[0].text}`")
        else:
            yield from _changes(label, ours, theirs)


def _changes(label: str, ours: list[_Record], theirs: list[_Record]) -> Iterator[Difference]:
    certain = Difference(
        text=f"`{label}` asks for `{ours[0].text}`, the lock was made for `{theirs[0].text}`"
    )
    uncertain = Difference(text=f"`{label}` asks for `{ours[0].text}`", certain=False)
    if any(record.place is None for record in (*ours, *theirs)):
        yield uncertain
        return
    if any(record.place for record in (*ours, *theirs)):
        # uv omits the version where the place decides.
        same = {(record.extras, record.place) for record in ours} == {
            (record.extras, record.place) for record in theirs
        }
    else:
        same = sorted((record.extras, record.specifier) for record in ours) == sorted(
            (record.extras, record.specifier) for record in theirs
        )
    if not same:
        yield certain
        return
    by_writing = {(record.extras, record.specifier): record.marker for record in theirs}
    for record in ours:
        marker = by_writing.get((record.extras, record.specifier), theirs[0].marker)
        if not _same_marker(record.marker, marker):
            yield uncertain
            return


def _asked(
    requirements: Iterable[tuple[str, str | None]], places: Places
) -> dict[tuple[str, str], list[_Record]]:
    records: dict[tuple[str, str], list[_Record]] = {}
    for text, extra in requirements:
        requirement = places.pyproject.parse("dependencies", text, Requirement)
        name = canonicalize_name(requirement.name)
        record = _Record(
            text=text,
            extras=tuple(sorted(map(canonicalize_name, requirement.extras))),
            specifier=_canonical(requirement.specifier),
            marker=str(requirement.marker) if requirement.marker else None,
            place=None if requirement.url else places.of(name),
        )
        records.setdefault((name, extra or ""), []).append(record)
    return records


def _recorded(recorded: Table, key: str, root: Path) -> dict[tuple[str, str], list[_Record]]:
    records: dict[tuple[str, str], list[_Record]] = {}
    for entry in recorded.tables(key):
        name = canonicalize_name(entry.required("name", str))
        specifier = entry.parsed("specifier", SpecifierSet) or SpecifierSet()
        marker, extra = _split_extra(entry.optional("marker", str))
        extras = tuple(sorted(map(canonicalize_name, entry.strings("extras"))))
        shown = f"[{','.join(extras)}]" if extras else ""
        place: str | None = ""
        for kind in _LOCAL:
            if (path := entry.optional(kind, str)) is not None:
                place = normal_path(root / path) if is_path(path) else None
        if any(kind in entry for kind in _ELSEWHERE):
            place = None
        record = _Record(
            text=f"{name}{shown}{specifier}",
            extras=extras,
            specifier=_canonical(specifier),
            marker=marker,
            place=place,
        )
        records.setdefault((name, extra or ""), []).append(record)
    return records


def _canonical(specifiers: SpecifierSet) -> str:
    terms = (f"{each.operator}{each.version.replace(' ', '').lower()}" for each in specifiers)
    return ",".join(sorted(terms))


def _split_extra(marker: str | None) -> tuple[str | None, str | None]:
    """Split the marker that uv writes for an extra's requirement, ``… and extra == 'name'``: the rest, and the name."""
    if marker is None:
        return None, None
    match = re.fullmatch(r"(?:(?P<rest>.*) and )?extra == '(?P<extra>[^']*)'", marker)
    return (match["rest"], match["extra"]) if match else (marker, None)


def _same_marker(one: str | None, other: str | None) -> bool:
    """Whether two markers hold in the same environments of a sample; uv writes markers in its own way."""
    if one == other:
        return True
    try:
        markers = [Marker(text) if text else None for text in (one, other)]
        return all(
            (markers[0] is None or markers[0].evaluate(environment))
            == (markers[1] is None or markers[1].evaluate(environment))
            for environment in _sample()
        )
    except (ValueError, KeyError, RecursionError):
        return False


def _sample() -> Iterator[Mapping[str, str]]:
    systems = (
        ("linux", "Linux", "posix", "x86_64"),
        ("linux", "Linux", "posix", "aarch64"),
        ("darwin", "Darwin", "posix", "arm64"),
        ("win32", "Windows", "nt", "AMD64"),
    )
    implementations = (("cpython", "CPython"), ("pypy", "PyPy"))
    for minor in range(7, 17):
        for patch in (0, 4):
            for sys_platform, system, os_name, machine in systems:
                for name, implementation in implementations:
                    yield {
                        "implementation_name": name,
                        "implementation_version": f"3.{minor}.{patch}",
                        "os_name": os_name,
                        "platform_machine": machine,
                        "platform_python_implementation": implementation,
                        "platform_release": "",
                        "platform_system": system,
                        "platform_version": "",
                        "python_full_version": f"3.{minor}.{patch}",
                        "python_version": f"3.{minor}",
                        "sys_platform": sys_platform,
                        "extra": "",
                    }
