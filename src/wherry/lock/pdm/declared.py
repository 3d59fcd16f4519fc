"""The part of a project for PDM that decides its lock: its groups, its sources, and the hash of both."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from wherry.files import real_path
from wherry.lock.document import read_toml
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from packaging.utils import NormalizedName

    from wherry.files import ProjectFiles
    from wherry.lock.document import Table

__all__ = [
    "DEFAULT",
    "Needed",
    "content_hashes",
    "groups_of",
    "parse_requirement",
    "texts_with_variables",
    "workspace_members",
]

# The default group, which the others may not be called.
DEFAULT = canonicalize_name("default")

_EGG = re.compile(r"[#&]egg=(?P<name>[A-Za-z0-9._-]+)(?:\[(?P<extras>[^\]]*)\])?")


class Needed(Struct, frozen=True, kw_only=True):
    """A requirement of a project or of a locked package.

    Attributes:
        name: the normalized name; None where only a path or an address is given.
        requirement: the requirement as PEP 508 has it; None for an editable one, or one without a name.
    """

    name: NormalizedName | None
    requirement: Requirement | None
    extras: frozenset[NormalizedName]
    text: str


def parse_requirement(text: str) -> Needed:
    """A requirement as PDM writes it: PEP 508, or a path or an address, with ``-e`` in front if it is editable."""
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        egg = _EGG.search(text)
        name = canonicalize_name(egg["name"]) if egg else None
        extras = (egg["extras"] or "").split(",") if egg else []
        return Needed(
            name=name,
            requirement=None,
            extras=frozenset(canonicalize_name(each.strip()) for each in extras if each.strip()),
            text=text,
        )
    return Needed(
        name=canonicalize_name(requirement.name),
        requirement=requirement,
        extras=frozenset(map(canonicalize_name, requirement.extras)),
        text=text,
    )


def groups_of(pyproject: Table) -> dict[NormalizedName, tuple[Needed, ...]]:
    """The requirements of a project by normalized name of the group; the default group is ``default``.

    Groups are extras, dependency groups (PEP 735), and the older ``[tool.pdm.dev-dependencies]``.

    Raises:
        LockError: a part of the project is of a wrong type.
    """
    project = pyproject.table("project")
    written: dict[NormalizedName, list[Any]] = {DEFAULT: [*project.strings("dependencies")]}
    for table in (
        project.table("optional-dependencies"),
        pyproject.table("dependency-groups"),
        pyproject.table("tool").table("pdm").table("dev-dependencies"),
    ):
        for group, items in table.each(list):
            written.setdefault(canonicalize_name(group), []).extend(items)
    name = project.optional("name", str)
    own = canonicalize_name(name) if name else None
    return {group: tuple(_expanded(group, written, own)) for group in written}


def _expanded(
    group: NormalizedName, written: Mapping[NormalizedName, list[Any]], own: NormalizedName | None
) -> Iterator[Needed]:
    """The requirements of a group, and of those that it includes or names as extras of the project itself."""
    waiting, seen = [group], {group}
    while waiting:
        for item in written.get(waiting.pop(), ()):
            included: list[NormalizedName] = []
            if isinstance(item, str):
                needed = parse_requirement(item)
                if own is None or needed.name != own:
                    yield needed
                    continue
                included += sorted(needed.extras)
            elif isinstance(item, dict) and isinstance(name := item.get("include-group"), str):
                included.append(canonicalize_name(name))
            waiting += [each for each in included if each not in seen]
            seen.update(included)


def content_hashes(path: Path, files: ProjectFiles) -> Iterator[str]:
    """The values that ``content_hash`` may have for a ``pyproject.toml``, as ``sha256:…``.

    Versions of PDM differ in the groups and settings that they hash. Since workspaces exist, their members count.

    Raises:
        LockError: a part of the project, or of a member, is of a wrong type.
    """
    pyproject = read_toml(path, files)
    members = workspace_members(path, files)
    for variant in range(_VARIANTS):
        digest = _content_hash(pyproject, variant)
        yield f"sha256:{digest}"
        whole = sha256(digest.encode())
        for member in members:
            hashed = _content_hash(read_toml(member, files), variant)
            place = member.parent.relative_to(real_path(path.parent)).as_posix()
            whole.update(b"\0" + place.encode() + b"\0" + hashed.encode())
        yield f"sha256:{whole.hexdigest()}"


_VARIANTS = 4


def _content_hash(pyproject: Table, variant: int) -> str:
    project = pyproject.table("project").data
    settings = pyproject.table("tool").table("pdm")
    # PEP 735 came with 2.19.
    old_groups, old_settings = variant & 1, variant & 2
    groups: Any = settings.data.get("dev-dependencies", {})
    if not old_groups:
        merged: dict[str, list[Any]] = {}
        for table in (pyproject.table("dependency-groups"), settings.table("dev-dependencies")):
            for name, items in table.each(list):
                merged.setdefault(canonicalize_name(name), []).extend(items)
        groups = merged
    resolution = settings.table("resolution").data
    content = {
        "sources": settings.data.get("source", []),
        "dependencies": project.get("dependencies", []),
        "dev-dependencies": groups,
        "optional-dependencies": project.get("optional-dependencies", {}),
        "requires-python": project.get("requires-python", ""),
    }
    # Before 2.13 they were all that was hashed of the settings for resolution.
    overrides = settings.data.get("overrides", resolution.get("overrides", {}))
    content |= {"overrides": overrides} if old_settings else {"resolution": resolution}
    return sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def workspace_members(path: Path, files: ProjectFiles) -> list[Path]:
    """The files ``pyproject.toml`` of a workspace's members, sorted as PDM sorts them; none without a workspace.

    Raises:
        LockError: the setting is malformed.
    """
    workspace = read_toml(path, files).table("tool").table("pdm").table("workspace")
    root = real_path(path.parent)
    found: set[Path] = set()
    for pattern in workspace.strings("members"):
        try:
            paths = root.glob(pattern) if re.search(r"[*?\[]", pattern) else [root / pattern]
            found.update(real_path(each) for each in paths if (each / path.name).is_file())
        except (OSError, ValueError, RuntimeError, NotImplementedError):
            raise workspace.wrong("members", "expected paths of folders") from None
    inside = (folder for folder in found if folder.is_relative_to(root))
    return [folder / path.name for folder in sorted(inside, key=lambda each: each.as_posix())]


def texts_with_variables(pyproject: Table) -> frozenset[str]:
    """The addresses with variables in them that a project requires, in each way that a lock may write them."""
    texts: set[str] = set()
    for group in groups_of(pyproject).values():
        for needed in group:
            url = needed.requirement.url if needed.requirement is not None else needed.text
            if url is None or "${" not in url:
                continue
            bare = re.sub(r"^(-e\s+)?(\w+\+)?", "", url).partition("#")[0].strip()
            texts |= {bare, re.sub(r"@[^@/]+$", "", bare)}
    return frozenset(texts)
