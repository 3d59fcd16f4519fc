"""The ``.gitignore`` files of a folder, of folders in it, and of folders above it."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from wherry.bundle.patterns import compile_patterns
from wherry.errors import ProjectError
from wherry.files import read_regular, reason_of
from wherry.sizes import format_size
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from wherry.bundle.patterns import Patterns

__all__ = ["Rule", "is_ignored", "read_gitignore", "repository_root", "rules_above"]


_LARGEST = 4 << 20


class Rule(Struct, frozen=True):
    """The patterns of one ``.gitignore``, with the way from a path to one relative to its folder."""

    patterns: Patterns
    cut: int  # the length of the path to its folder
    lead: str  # the path from its folder to the root, if the root is below it

    def decide(self, path: str) -> bool | None:
        """The decision of these patterns about a path that is relative to the root."""
        return self.patterns.decide(self.lead + path[self.cut :])


def rules_above(root: Path) -> tuple[Rule, ...]:
    """The rules of folders above ``root``, up to the root of its git repository; outermost first."""
    top = repository_root(root)
    if top is None:
        return ()
    folders = [folder for folder in root.parents if folder == top or top in folder.parents]
    rules: list[Rule] = []
    for folder in reversed(folders):
        lead = root.relative_to(folder).as_posix() + "/"
        if (patterns := read_gitignore(folder)) is not None:
            rules.append(Rule(patterns, 0, lead))
    # A project in a folder that its repository ignores must not become an empty package.
    return () if is_ignored("", rules) else tuple(rules)


def repository_root(folder: Path) -> Path | None:
    """The root of the git repository of a folder, if any."""
    for parent in (folder, *folder.parents):
        if (parent / ".git").exists():
            return parent
    return None


def read_gitignore(folder: Path) -> Patterns | None:
    """The patterns of the folder's ``.gitignore``; None if there is none that is a regular file.

    Raises:
        ProjectError: it cannot be read.
    """
    path = folder / ".gitignore"
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return None
        data = read_regular(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ProjectError(f"cannot read `{path}`", where=[reason_of(error)]) from error
    if len(data) > _LARGEST:
        raise ProjectError(
            f"cannot read `{path}`",
            where=[
                f"it has {format_size(len(data))} of patterns, more than {format_size(_LARGEST)}"
            ],
            hint="name folders instead of the files in them",
        )
    text = data.removeprefix(b"\xef\xbb\xbf").decode(errors="surrogateescape")
    lines = (line.removesuffix("\r") for line in text.split("\n"))
    return compile_patterns(lines, where=f"`{path}`", lenient=True)


def is_ignored(path: str, rules: Sequence[Rule]) -> bool:
    """Whether the rules, outermost first, exclude a path; the path of a folder ends with a slash."""
    for rule in reversed(rules):
        decision = rule.decide(path)
        if decision is not None:
            return decision
    return False
