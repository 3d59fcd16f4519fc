"""Parts of zip archives and of packages that are not written yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.bundle.archive import read_archive
from wherry.bundle.entry import check_path
from wherry.contents.model import OPT, TASK, File, Part, file_of_entry

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.bundle.archive import Member
    from wherry.compose.model import Package

__all__ = ["part_of_package", "part_of_zip"]


def part_of_zip(path: Path, *, name: str = "", kind: str = "") -> Part:
    """The part that a zip archive is.

    Its name is by default that of the file, and its kind as the folders in it suggest.

    Raises:
        ArchiveError: it is not a zip archive, or a damaged or ambiguous one.
        EntryPathError: a path in it is unsafe.
    """
    members = read_archive(path)
    name, kind = name or path.stem, kind or _kind(members)
    folder = TASK if kind == "function" else OPT
    files = tuple(
        File(
            check_path(member.name.removeprefix("./"), owner=path.name),
            f"{folder}/{member.name.removeprefix('./')}",
            name,
            member.slice(path),
            "",
            member.executable,
            member.mode,
            member.modified,
            member.is_link,
        )
        for member in members
    )
    return Part(name=name, kind=kind, files=files, path=path, size=path.stat().st_size)


def part_of_package(package: Package) -> Part:
    """The part that a composed package is, unwritten."""
    files = tuple(file_of_entry(entry, package) for entry in package.bundle)
    return Part(name=package.name, kind=package.kind, files=files)


def _kind(members: tuple[Member, ...]) -> str:
    """A layer has its code in ``python/``; a function may have a folder of that name beside other code."""
    tops = {member.name.partition("/")[0] for member in members}
    has_code = any(
        member.name.startswith("python/") and member.name.endswith((".py", ".so"))
        for member in members
    )
    beside = any(top.endswith(".py") for top in tops) or "python/__init__.py" in {
        member.name for member in members
    }
    return "layer" if has_code and not beside else "function"
