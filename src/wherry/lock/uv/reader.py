"""``uv.lock``, of a project or of a workspace; exported by uv itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.errors import LockError
from wherry.lock.assemble import known
from wherry.lock.document import read_toml
from wherry.lock.model import Lock
from wherry.lock.pylock import parse_pylock
from wherry.lock.uv.freshness import check_fresh
from wherry.lock.uv.local import choose_member, local_packages, require_workspace
from wherry.tools.uv import run_uv_offline

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from packaging.pylock import Pylock

    from wherry.context import Context
    from wherry.files import ProjectFiles
    from wherry.lock.model import LockRequest
    from wherry.lock.uv.local import LocalPackage

__all__ = ["read"]

_VERSION = 1
_HINT = "run `uv lock`"


def read(path: Path, request: LockRequest, context: Context) -> Lock:
    """Read ``uv.lock`` by ``uv export``, without the project itself, but with other members that it needs.

    Raises:
        LockError: it is malformed, of an unknown version, older than its ``pyproject.toml``, lacks a group,
            an extra or a member that was asked for, or is of a workspace and no member was named.
        ToolError: uv is missing.
    """
    table = read_toml(path, context.files, hint=_HINT)
    version = table.required("version", int)
    if version != _VERSION:
        raise LockError(
            f"`{path.name}` is of the unknown lock version {version}",
            where=[f"{path}: version: this Wherry knows version {_VERSION}"],
            hint="update Wherry and uv",
        )
    root = path.parent
    packages = local_packages(table, root)
    # Once for all members of a workspace, and for all targets.
    files = context.files
    if (root / "pyproject.toml").is_file():
        require_workspace(read_toml(root / "pyproject.toml", files), root, files)
    if not request.frozen:
        files.once(
            ("uv-freshness", path),
            lambda: check_fresh(table, packages, root, files, context.reporter),
        )
    package = choose_member(packages, path, request)
    options = tuple(_selection(package, path, request, files))
    # It is for every target.
    pylock = files.once(("uv-export", path, options), lambda: _export(path, options, context))
    configured = [root / "pyproject.toml", root / "uv.toml"]
    projects = [folder / "pyproject.toml" for folder in sorted({each.folder for each in packages})]
    return Lock(
        pylock=pylock,
        path=path,
        base=root,
        inputs=(path, *dict.fromkeys(file for file in configured + projects if file.is_file())),
        stable=True,
        extras=request.extras,
        member=package.folder if package else request.root,
    )


def _export(path: Path, options: Iterable[str], context: Context) -> Pylock:
    answer = run_uv_offline(
        [
            "export",
            "--frozen",
            "--format=pylock.toml",
            "--no-header",
            "--no-default-groups",
            "--no-emit-project",
            *options,
        ],
        cwd=path.parent,
        reporter=context.reporter,
    )
    output = answer.expect(f"uv cannot read `{path.name}`")
    return parse_pylock(output, file=path.name, base=path.parent)


def _selection(
    package: LocalPackage | None, path: Path, request: LockRequest, files: ProjectFiles
) -> list[str]:
    """The options that choose the package, its extras and groups; checks that the lock has them."""
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
        groups |= _declared_groups(package.folder, files)
    groups |= _declared_groups(path.parent, files)
    options += [f"--extra={extra}" for extra in known("extra", request.extras, extras, path)]
    options += [f"--group={group}" for group in known("group", request.groups, groups, path)]
    return options


def _declared_groups(folder: Path, files: ProjectFiles) -> set[str]:
    """The groups that a project declares; empty groups are in no lock, and may be asked for all the same."""
    pyproject = folder / "pyproject.toml"
    if not pyproject.is_file():
        return set()
    table = read_toml(pyproject, files)
    groups = set(table.table("dependency-groups").data)
    return groups | ({"dev"} if "dev-dependencies" in table.table("tool").table("uv") else set())
