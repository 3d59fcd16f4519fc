"""Installed distributions of a package, what they require, and the owner of each file.

Owners are told by the RECORD of each (PyPA's recorded projects).
"""

from __future__ import annotations

import csv
import json
import re
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from wherry.compose.needs import applicable, valid_requirements
from wherry.contents.modules import search_path
from wherry.errors import WherryError
from wherry.structs import Struct
from wherry.target.provided import provided_distributions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from packaging.metadata import RawMetadata
    from packaging.requirements import Requirement

    from wherry.contents.model import File
    from wherry.contents.modules import ModuleTable
    from wherry.target import Target

__all__ = [
    "Installed",
    "absent_requirements",
    "active_requirements",
    "find_distributions",
    "owners_of",
]

_INFO = re.compile(r"(?P<name>[^/]+?)(?:-(?P<version>[^/-]+))?\.(?:dist|egg)-info")
_LARGEST_METADATA = 1 << 24
_LARGEST_RECORD = 1 << 26
# Distributions that hold the same modules as the one whose name they begin with.
_VARIANTS = ("binary", "contrib", "contrib-headless", "cpu", "gpu", "headless", "slim", "c")


class Installed(Struct, frozen=True, kw_only=True, dict=True):
    """A distribution that is installed in a package or layer.

    Attributes:
        name: normalized, as PEP 503 has it.
        version: that of the folder with its metadata; empty where it does not say one.
        part: the name of the package that it lies in.
        folder: of the search path, in which it is installed.
        info: the files of its ``.dist-info`` folder, by name.
    """

    name: str
    version: str
    part: str
    folder: str
    info: Mapping[str, File]
    environment: Mapping[str, str]

    @cached_property
    def metadata(self) -> RawMetadata:
        """The core metadata; empty where there is none that can be read."""
        from packaging.metadata import parse_email

        file = self.info.get("METADATA") or self.info.get("PKG-INFO")
        if file is None:
            return {}
        try:
            return parse_email(file.read(most=_LARGEST_METADATA))[0]
        except (WherryError, ValueError, RecursionError):
            return {}

    @cached_property
    def requirements(self) -> tuple[Requirement, ...]:
        """All its ``Requires-Dist`` that are valid, whatever their markers say."""
        return tuple(valid_requirements(self.metadata))

    @cached_property
    def local_source(self) -> str | None:
        """The folder or file that it was installed from, where ``direct_url.json`` names one (PEP 610)."""
        file = self.info.get("direct_url.json")
        if file is None:
            return None
        try:
            url = json.loads(file.read(most=1 << 16)).get("url")
        except (WherryError, ValueError, AttributeError, RecursionError):
            return None
        return url if isinstance(url, str) and url.startswith("file:") else None

    @cached_property
    def recorded(self) -> tuple[str, ...]:
        """The places on Lambda of the files that its RECORD names."""
        file = self.info.get("RECORD")
        if file is None:
            return ()
        try:
            text = file.read(most=_LARGEST_RECORD).decode(errors="replace")
            rows = [row[0] for row in csv.reader(text.splitlines()) if row]
        except (WherryError, csv.Error):
            return ()
        return tuple(_place(self.folder, path) for path in rows)


def find_distributions(files: Mapping[str, File], target: Target) -> tuple[Installed, ...]:
    """The installed distributions in the order of the search path, then of their names."""
    environment = target.environment
    found: dict[str, dict[str, File]] = {}
    for place, file in files.items():
        folder, _, name = place.rpartition("/")
        if folder.endswith(("-info", "-info/licenses")) and "-info/" not in folder:
            found.setdefault(folder, {})[name] = file
    order = {folder: number for number, folder in enumerate(search_path(target))}
    installed = []
    for place, info in found.items():
        folder, _, last = place.rpartition("/")
        match = _INFO.fullmatch(last)
        if match is None or folder not in order:
            continue
        installed.append(
            Installed(
                name=re.sub(r"[-_.]+", "-", match["name"]).lower(),
                version=match["version"] or "",
                part=next(iter(info.values())).part,
                folder=folder,
                info=info,
                environment=environment,
            )
        )
    return tuple(sorted(installed, key=lambda each: (order[each.folder], each.name)))


def owners_of(files: Mapping[str, File], distributions: Sequence[Installed]) -> dict[str, str]:
    """The owner of each place that has one: by RECORD, else by the names of folders."""
    owners = {place: file.owner for place, file in files.items() if file.owner}
    tops: dict[str, str] = {}
    for each in distributions:
        for file in each.info.values():
            owners.setdefault(file.place, each.name)
        places = each.recorded
        for place in places:
            if place in files:
                owners.setdefault(place, each.name)
        if not places:
            # Some tools leave RECORD out.
            for top in _top_levels(each):
                tops.setdefault(f"{each.folder}/{top}", each.name)
    if tops or any("/__pycache__/" in place for place in files):
        for place in files:
            if place not in owners and (owner := _near(place, owners, tops)) is not None:
                owners[place] = owner
    return owners


def _top_levels(distribution: Installed) -> list[str]:
    file = distribution.info.get("top_level.txt")
    names = [distribution.name.replace("-", "_")]
    if file is not None:
        with suppress(WherryError):
            names = file.read(most=1 << 16).decode(errors="replace").split()
    return [*names, *(f"{name}.py" for name in names), f"{names[0]}.libs" if names else ""]


def _near(place: str, owners: Mapping[str, str], tops: Mapping[str, str]) -> str | None:
    folder, _, name = place.rpartition("/")
    if folder.endswith("/__pycache__"):
        source = f"{folder.removesuffix('__pycache__')}{name.partition('.')[0]}.py"
        if source in owners:
            return owners[source]
    above = place
    while above:
        if above in tops:
            return tops[above]
        above = above.rpartition("/")[0]
    return None


def _place(folder: str, path: str) -> str:
    """The place of a recorded path. With ``--target`` pip moves scripts from ``../../bin`` into the folder."""
    parts = [part for part in path.split("/") if part not in {"", ".", ".."}]
    if len(parts) > 2 and parts[0].endswith(".data"):
        # A wheel's own RECORD, of what installers put elsewhere.
        parts = ["bin", *parts[2:]] if parts[1] == "scripts" else parts[2:]
    return f"{folder}/{'/'.join(parts)}"


def active_requirements(
    distributions: Sequence[Installed],
) -> Iterator[tuple[Installed, Requirement, str]]:
    """The requirements of each distribution on the target, extras included that others require of it.

    The first distribution of each name is the one that Python finds.
    """
    from packaging.utils import canonicalize_name

    by_name = {each.name: each for each in reversed(distributions)}
    pending: list[tuple[Installed, frozenset[str]]] = [
        (each, frozenset()) for each in distributions
    ]
    seen = {(each.name, extras) for each, extras in pending}
    told: set[tuple[str, str]] = set()
    for each, extras in pending:  # grows meanwhile
        for requirement in applicable(each.requirements, each.environment, sorted(extras)):
            name = canonicalize_name(requirement.name)
            if (each.name, str(requirement)) not in told:
                told.add((each.name, str(requirement)))
                yield each, requirement, name
            wanted = (name, frozenset(requirement.extras))
            other = by_name.get(name)
            if requirement.extras and other is not None and wanted not in seen:
                seen.add(wanted)
                pending.append((other, wanted[1]))


def absent_requirements(
    requirements: Iterable[tuple[Installed, Requirement, str]],
    present: Mapping[str, Installed],
    modules: ModuleTable,
    target: Target,
) -> Mapping[str, tuple[str, ...]]:
    """The normalized names of distributions that are required and not there, by who requires them.

    One of the modules may bring it under another name, and the target's runtime brings distributions, too.
    """
    provided = provided_distributions(target.runtime)
    absent: dict[str, list[str]] = {}
    for each, _, name in requirements:
        if (
            name not in present
            and name not in provided
            and not any(f"{name}-{ending}" in present for ending in _VARIANTS)
            and modules.find(name.replace("-", "_")) is None
        ):
            absent.setdefault(each.name, []).append(name)
    return {name: tuple(dict.fromkeys(names)) for name, names in absent.items()}
