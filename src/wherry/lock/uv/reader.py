"""``uv.lock``, of a project or of a workspace; read by uv itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wherry.errors import LockError
from wherry.lock.document import is_path, read_toml
from wherry.lock.model import Lock, LockFormat

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from wherry.events import Reporter
    from wherry.lock.document import Table
    from wherry.lock.model import LockRequest

__all__ = ["LocalPackage", "local_packages", "read_uv_lock"]

_VERSION = 1
_HINT = "run `uv lock`"


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalPackage:
    """A package of the lock whose code is in a folder: the project, a workspace member, a path dependency.

    Attributes:
        name: its normalized name.
        folder: where it is.
        member: it belongs to the workspace.
        table: its entry in the lock.
    """

    name: str
    folder: Path
    member: bool
    table: Table


def read_uv_lock(path: Path, request: LockRequest, reporter: Reporter) -> Lock:
    """Read ``uv.lock`` by ``uv export``; the project itself stays out, other members that it needs do not.

    Raises:
        LockError: it is no sound lock, of an unknown version, older than its ``pyproject.toml``, lacks a group,
            an extra or a member that was asked for, or is of a workspace and no member was named.
        ToolError: uv is missing.
    """
    from wherry.lock.assemble import without_project
    from wherry.lock.pylock import parse_pylock
    from wherry.lock.uv.freshness import check_fresh
    from wherry.lock.uv.run import run_uv

    table = read_toml(path, hint=_HINT)
    version = table.required("version", int)
    if version != _VERSION:
        raise LockError(
            f"`{path.name}` is of the unknown lock version {version}",
            where=[f"{path}: version: this Wherry knows version {_VERSION}"],
            hint="update Wherry and uv",
        )
    root = path.parent
    locals_ = local_packages(table, root)
    check_fresh(table, locals_, root)
    package = _chosen(locals_, path, request)
    member = package.folder if package else request.root
    selection = _selection(package, root, path, request)
    answer = run_uv(
        [
            "export",
            "--frozen",
            "--format=pylock.toml",
            "--no-header",
            "--no-default-groups",
            "--no-emit-project",
            *selection,
        ],
        cwd=root,
        reporter=reporter,
        indexes=False,
        offline=True,
    )
    output = answer.expect(f"uv cannot read `{path.name}`")
    folders = {local.folder for local in locals_}
    configured = [root / "pyproject.toml", root / "uv.toml"]
    projects = [folder / "pyproject.toml" for folder in sorted(folders)]
    return Lock(
        pylock=without_project(
            parse_pylock(output, file=path.name, base=root), base=root, project=member
        ),
        format=LockFormat.UV,
        path=path,
        base=root,
        inputs=(path, *dict.fromkeys(file for file in configured + projects if file.is_file())),
        stable=True,
        extras=request.extras,
        member=member,
    )


def local_packages(table: Table, root: Path) -> tuple[LocalPackage, ...]:
    """The packages of the lock that are folders.

    Raises:
        LockError: an entry is not of the expected shape.
    """
    members = set(table.table("manifest").strings("members"))
    found = []
    for package in table.tables("package"):
        source = package.table("source")
        for kind in ("editable", "virtual", "directory"):
            if (place := source.optional(kind, str)) is not None:
                name = package.required("name", str)
                folder = _folder(root, place, source, kind)
                member = name in members if members else folder == root
                found.append(LocalPackage(name=name, folder=folder, member=member, table=package))
    return tuple(found)


def _folder(root: Path, place: str, source: Table, kind: str) -> Path:
    from pathlib import Path
    from posixpath import normpath

    if not is_path(place):
        raise source.wrong(kind, "this is no path")
    # Normalized by hand: resolving would follow links, and say `real/path` where the user says another.
    return root if normpath(place) == "." else Path(_normal(root / place))


def _normal(path: Path) -> str:
    from os.path import normpath

    return normpath(path)


def _chosen(
    packages: Iterable[LocalPackage], path: Path, request: LockRequest
) -> LocalPackage | None:
    """The member that was asked for, or that ``root`` is; None where the root is no package at all."""
    from packaging.utils import canonicalize_name

    from wherry.lock.assemble import unknown

    members = [package for package in packages if package.member]
    if request.package is not None:
        for package in members:
            if package.name == canonicalize_name(request.package):
                return package
        raise unknown("member", request.package, [package.name for package in members], path)
    here = request.root.resolve()
    for place in (here, path.parent.resolve()):
        for package in members:
            if package.folder.resolve() == place:
                return package
    if members:
        names = ", ".join(f"`{package.name}`" for package in members)
        raise LockError(
            "this is a workspace, and its root is no package",
            where=[f"{path.parent}: its members are {names}"],
            hint=f"say which one with `--package`, such as `--package {members[0].name}`",
        )
    return None


def _selection(
    package: LocalPackage | None, root: Path, path: Path, request: LockRequest
) -> list[str]:
    """The options that choose the package, its extras and groups; checks that the lock has them."""
    from wherry.lock.assemble import known

    options = []
    groups: set[str] = set()
    extras: set[str] = set()
    if package is not None:
        options.append(f"--package={package.name}")
        metadata = package.table.table("metadata")
        extras = {
            *metadata.strings("provides-extras"),
            *package.table.table("optional-dependencies").data,
        }
        groups = {
            *metadata.table("requires-dev").data,
            *package.table.table("dev-dependencies").data,
        }
    groups |= _declared_groups(package.folder if package else root)
    groups |= _declared_groups(root)
    options += [f"--extra={extra}" for extra in known("extra", request.extras, extras, path)]
    options += [f"--group={group}" for group in known("group", request.groups, groups, path)]
    return options


def _declared_groups(folder: Path) -> set[str]:
    """Groups that are empty are in no lock, and may be asked for all the same."""
    pyproject = folder / "pyproject.toml"
    if not pyproject.is_file():
        return set()
    table = read_toml(pyproject)
    groups = set(table.table("dependency-groups").data)
    return groups | ({"dev"} if "dev-dependencies" in table.table("tool").table("uv") else set())
