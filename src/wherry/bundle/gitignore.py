"""What ``.gitignore`` files leave out: those of a folder, of folders in it, and of those it lies in."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from wherry.bundle.patterns import compile_patterns
from wherry.errors import ProjectError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from wherry.bundle.patterns import Patterns

__all__ = ["Rule", "is_ignored", "read_gitignore", "repository_root", "rules_above"]


class Rule(NamedTuple):
    """The patterns of one ``.gitignore``: paths are told relative to its folder."""

    patterns: Patterns
    cut: int  # how much of a path leads to the folder
    lead: str  # how the folder leads to the root, where it lies above it

    def decide(self, path: str) -> bool | None:
        """What these patterns say of a path that is relative to the root."""
        return self.patterns.decide(self.lead + path[self.cut :])


def rules_above(root: Path) -> tuple[Rule, ...]:
    """The rules that folders above ``root`` hold, up to the root of its git repository; outermost first."""
    top = repository_root(root)
    if top is None:
        return ()
    folders = [folder for folder in root.parents if folder == top or top in folder.parents]
    rules: list[Rule] = []
    for folder in reversed(folders):
        lead = root.relative_to(folder).as_posix() + "/"
        if (patterns := read_gitignore(folder)) is not None:
            rules.append(Rule(patterns, 0, lead))
    # Whoever builds a folder that its repository ignores does not mean an empty package.
    return () if is_ignored("", rules) else tuple(rules)


def repository_root(folder: Path) -> Path | None:
    """The root of the git repository that a folder lies in, if any."""
    for place in (folder, *folder.parents):
        if (place / ".git").exists():
            return place
    return None


def read_gitignore(folder: Path) -> Patterns | None:
    """The patterns of the folder's ``.gitignore``; None without one.

    Raises:
        ProjectError: it cannot be read.
    """
    path = folder / ".gitignore"
    try:
        text = path.read_bytes().removeprefix(b"\xef\xbb\xbf").decode(errors="surrogateescape")
    except (FileNotFoundError, IsADirectoryError):
        return None
    except OSError as error:
        raise ProjectError(f"cannot read `{path}`", where=[error.strerror or str(error)]) from error
    lines = (line.removesuffix("\r") for line in text.split("\n"))
    return compile_patterns(lines, where=f"`{path}`", lenient=True)


def is_ignored(path: str, rules: Sequence[Rule]) -> bool:
    """Whether the rules, outermost first, leave a path out; a folder's path ends with a slash."""
    for rule in reversed(rules):
        decision = rule.decide(path)
        if decision is not None:
            return decision
    return False
