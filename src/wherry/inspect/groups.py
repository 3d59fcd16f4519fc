"""Sums of the files of a package by distribution, folder or kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from wherry.contents.model import is_compiled_name

if TYPE_CHECKING:
    from wherry.inspect.model import FileSize, Inspected

__all__ = ["Group", "group_files"]

_KINDS = {
    ".py": "Python sources",
    ".pyc": "bytecode",
    ".pyi": "stubs",
    ".pyx": "Cython sources",
    ".pxd": "Cython sources",
    ".h": "C headers",
    ".hpp": "C headers",
}


class Group(NamedTuple):
    """Files that are counted together: bytes in the zip file, bytes unzipped, and how many there are."""

    name: str
    size: int
    unzipped_size: int
    files: int


def _folder(file: FileSize) -> str:
    """The first two folders of layers' ``python/``, else the first folder."""
    parts = file.path.split("/")
    if parts[0] == "python" and len(parts) > 2:
        if len(parts) > 5 and parts[1] == "lib" and parts[3] == "site-packages":
            return "/".join(parts[:5]) + "/"
        return "/".join(parts[:2]) + "/"
    return f"{parts[0]}/" if len(parts) > 1 else "(top)"


def _kind(file: FileSize) -> str:
    folder, _, name = file.path.rpartition("/")
    if folder.endswith((".dist-info", ".egg-info")) or "-info/" in folder:
        return "metadata and licences"
    if f"/{folder}/".find("/tests/") >= 0 and file.loaded != "init":
        return "tests"
    if is_compiled_name(name):
        return "compiled"
    stem, dot, suffix = name.rpartition(".")
    return _KINDS.get(f".{suffix}", "data") if stem and dot else "data"


_GROUPINGS = {"distribution": lambda file: file.owner, "folder": _folder, "kind": _kind}
"""The name of the group that a file is in, by the word for the grouping."""


def group_files(package: Inspected, by: str) -> tuple[Group, ...]:
    """The groups of a package's files by ``distribution``, ``folder`` or ``kind``, the biggest first."""
    found: dict[str, list[FileSize]] = {}
    for file in package.files:
        found.setdefault(_GROUPINGS[by](file), []).append(file)
    groups = [
        Group(
            name,
            sum(file.size for file in files),
            sum(file.unzipped_size for file in files),
            len(files),
        )
        for name, files in found.items()
    ]
    return tuple(sorted(groups, key=lambda each: (-each.size, each.name)))
