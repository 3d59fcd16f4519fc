"""Additional files and folders of a package, at paths of the user's choice.

They were named one by one, so neither ``.gitignore`` nor the default excludes of a project apply. Names that begin
with a dot and byte code are left out of folders all the same.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from msgspec.structs import replace

from wherry.bundle.bundle import Bundle
from wherry.bundle.entry import Entry, check_path
from wherry.bundle.tree import Tree, TreeRules, read_file, read_tree
from wherry.errors import ProjectError
from wherry.files import is_inside

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_extra_path"]

_DEFAULT = TreeRules()


def read_extra_path(
    root: Path, path: str, *, to: str | None, owner: str, rules: TreeRules = _DEFAULT
) -> Tree:
    """The files, at their place in the package, and a digest of their content.

    The files of a folder are put directly at ``to``; a file is put into it where it ends with a slash. None is the
    same relative path, or the name alone for what lies outside of ``root``. The ``include`` and ``exclude`` of the
    rules do not count.

    Raises:
        ProjectError: there is no such file or folder, or it cannot be read.
        EntryPathError: a name cannot stand in a package.
    """
    found = root / path
    if not found.exists():
        raise ProjectError(
            f"there is no `{path}` to add to the package",
            where=[f"`extra-paths` names it, and it was looked for at `{found}`"],
            hint="relative paths start at the project's folder",
        )
    place = _default_place(root, found) if to is None else to.removeprefix("/")
    if found.is_dir():
        rules = replace(rules, include=("*",), exclude=())
        if is_inside(found, root):
            # A link to another folder of the project stays in it.
            rules = replace(rules, within=root)
        tree = read_tree(found, owner=owner, rules=rules)
        return Tree(bundle=tree.bundle.prefix(place), digest=tree.digest)
    if place == "" or place.endswith("/"):
        place += found.name
    payload, digest = read_file(found)
    executable = bool(found.stat().st_mode & stat.S_IXUSR)
    entry = Entry(check_path(place, owner=owner), executable, payload, owner)
    return Tree(bundle=Bundle((entry,)), digest=f"{digest}{executable:d}")


def _default_place(root: Path, found: Path) -> str:
    relative = os.path.relpath(found, root)
    if relative.startswith(os.pardir) or os.path.isabs(relative):  # noqa: PTH117  of a text
        return found.name
    return "" if relative == os.curdir else relative.replace(os.sep, "/")
