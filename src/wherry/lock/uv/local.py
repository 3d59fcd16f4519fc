"""The packages of a ``uv.lock`` whose code is in a folder, the one that is chosen, and uv's workspaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.errors import LockError
from wherry.files import real_path
from wherry.lock.document import is_path, read_toml
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from wherry.files import ProjectFiles
    from wherry.lock.document import Table
    from wherry.lock.model import LockRequest

__all__ = [
    "LocalPackage",
    "choose_member",
    "enclosing_workspace",
    "find_workspace",
    "local_packages",
    "require_workspace",
    "workspace_members",
]


class LocalPackage(Struct, frozen=True, kw_only=True):
    """A package whose code is in a folder: the project, a workspace member, a path dependency."""

    name: str
    folder: Path
    member: bool
    table: Table


def local_packages(lock: Table, root: Path) -> tuple[LocalPackage, ...]:
    """The packages of a lock in ``root`` that are folders.

    Raises:
        LockError: an entry is not of the expected shape.
    """
    members = set(lock.table("manifest").strings("members"))
    packages = []
    for package in lock.tables("package"):
        source = package.table("source")
        for kind in ("editable", "virtual", "directory"):
            if (place := source.optional(kind, str)) is not None:
                name = package.required("name", str)
                folder = _folder(root, place, source, kind)
                member = name in members if members else folder == root
                packages.append(
                    LocalPackage(name=name, folder=folder, member=member, table=package)
                )
    return tuple(packages)


def choose_member(
    packages: Iterable[LocalPackage], path: Path, request: LockRequest
) -> LocalPackage | None:
    """Choose the member that was asked for, or whose folder the project is.

    None where the lock is of a project that is not a package.

    Raises:
        LockError: there is no such member, or none was named and the root of the workspace is not a package.
    """
    from packaging.utils import canonicalize_name

    from wherry.lock.assemble import unknown

    members = [package for package in packages if package.member]
    if request.package is not None:
        for package in members:
            if package.name == canonicalize_name(request.package):
                return package
        raise unknown("member", request.package, [package.name for package in members], path)
    for folder in (real_path(request.root), real_path(path.parent)):
        for package in members:
            if real_path(package.folder) == folder:
                return package
    if members:
        names = ", ".join(f"`{package.name}`" for package in members)
        raise LockError(
            "this is a workspace, and its root is not a package",
            where=[f"{path.parent}: its members are {names}"],
            hint=f"name one with `--package`, such as `--package {members[0].name}`",
        )
    return None


def workspace_members(root: Path, files: ProjectFiles) -> tuple[Path, ...]:
    """The folders of the workspace at ``root``, itself first where it is a package; empty where it is not a workspace.

    Raises:
        LockError: its ``pyproject.toml`` is malformed.
    """
    pyproject = read_toml(root / "pyproject.toml", files)
    workspace = pyproject.table("tool").table("uv").table("workspace")
    if not workspace.data:
        return ()
    excluded = set(_matches(root, workspace.strings("exclude")))
    members = [
        folder
        for folder in _matches(root, workspace.strings("members"))
        if folder not in excluded and _is_managed(folder, files)
    ]
    return ((root,) if "project" in pyproject else ()) + tuple(members)


def _is_managed(folder: Path, files: ProjectFiles) -> bool:
    """Whether a folder is a project that uv looks after."""
    if not (folder / "pyproject.toml").is_file():
        return False
    settings = read_toml(folder / "pyproject.toml", files).table("tool").table("uv")
    return settings.data.get("managed") is not False


def find_workspace(folder: Path, files: ProjectFiles) -> Path | None:
    """Find the root of the nearest workspace that has a ``uv.lock`` and ``folder`` as a member."""
    resolved = real_path(folder)
    for root in resolved.parents:
        if not (root / "uv.lock").is_file() or not (root / "pyproject.toml").is_file():
            continue
        try:
            members = workspace_members(root, files)
        except LockError:
            # A file above the project that has nothing to do with it.
            continue
        if resolved in {real_path(member) for member in members}:
            return root
    return None


def require_workspace(pyproject: Table, folder: Path, files: ProjectFiles) -> None:
    """Refuse a member of a workspace that was copied without it: what it shares with others is not there.

    Raises:
        LockError: a dependency comes from a workspace, and no folder above holds one.
    """
    uv = pyproject.table("tool").table("uv")
    shared = [
        name
        for name, source in uv.table("sources").data.items()
        if isinstance(source, dict) and source.get("workspace") is True
    ]
    if not shared or "workspace" in uv:
        return
    for parent in real_path(folder).parents:
        path = parent / "pyproject.toml"
        if path.is_file():
            try:
                table = read_toml(path, files)
                if "workspace" in table.table("tool").table("uv"):
                    return
            except LockError:
                continue
    names = ", ".join(f"`{name}`" for name in shared)
    raise LockError(
        "the project is a member of a workspace that is not here",
        where=[
            f"{folder / 'pyproject.toml'}: tool.uv.sources: {names} comes from the workspace",
            "no folder above has a `pyproject.toml` with [tool.uv.workspace], and its `uv.lock`",
        ],
        hint="build where the whole workspace is: in the member's folder, or at the root with `--package`; in `sam build`, with `--build-in-source`",
    )


def enclosing_workspace(folder: Path, files: ProjectFiles) -> Path | None:
    """The root of the workspace that ``folder`` is in, whether it is locked or not; None where it is in none."""
    resolved = real_path(folder)
    for root in (resolved, *resolved.parents):
        try:
            members = workspace_members(root, files) if (root / "pyproject.toml").is_file() else ()
        except LockError:
            continue
        if members and resolved in {root, *(real_path(member) for member in members)}:
            return root
    return None


def _matches(root: Path, patterns: Iterable[str]) -> list[Path]:
    matches: dict[Path, None] = {}
    for pattern in patterns:
        try:
            folders = sorted(root.glob(pattern.rstrip("/")))
        except (ValueError, NotImplementedError, IndexError):
            # An empty or absolute pattern, which uv itself refuses.
            continue
        matches.update(dict.fromkeys(folder for folder in folders if folder.is_dir()))
    return list(matches)


def _folder(root: Path, place: str, source: Table, kind: str) -> Path:
    from os.path import normpath
    from pathlib import Path

    if not is_path(place):
        raise source.wrong(kind, "this is not a path")
    # Resolving would follow links, and differ from the path that the user gave.
    return root if normpath(place) == "." else Path(normpath(root / place))
