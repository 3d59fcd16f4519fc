"""Names that some file systems do not distinguish."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.errors import EntryPathError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["refuse_case_conflicts"]


def refuse_case_conflicts(paths: Iterable[str], *, owner: str) -> None:
    """Refuse paths that macOS or Windows cannot store side by side.

    Raises:
        EntryPathError: paths, or folders of paths, differ only by case; the error names all of them.
    """
    spellings: dict[str, str] = {}
    conflicts: set[tuple[str, str]] = set()
    for path in paths:
        part = path
        while part:
            known = spellings.setdefault(_folded(part), part)
            if known is not part:
                # Its folders were checked with it, unless they are spelled in another way.
                if known == part:
                    break
                conflicts.add((min(known, part), max(known, part)))
            part = part.rpartition("/")[0]
    if conflicts:
        # If folders conflict, so does everything in them: name only the folders.
        roots = [pair for pair in conflicts if _parents(pair) not in conflicts]
        raise EntryPathError(
            f"`{owner}` holds names that differ only by case",
            where=[f"`{first}` and `{second}`" for first, second in sorted(roots)],
            hint="rename one of them: macOS and Windows cannot store both, and would build other bytes",
        )


def _parents(pair: tuple[str, str]) -> tuple[str, str]:
    first, second = (path.rpartition("/")[0] for path in pair)
    return (min(first, second), max(first, second))


def _folded(path: str) -> str:
    if path.isascii():
        return path.lower()
    import unicodedata

    return unicodedata.normalize("NFC", path).casefold()
