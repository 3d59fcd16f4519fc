"""Names that only some file systems can tell apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.errors import EntryPathError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["refuse_case_twins"]


def refuse_case_twins(paths: Iterable[str], *, owner: str) -> None:
    """Refuse paths that a checkout on macOS or Windows could not hold side by side.

    Raises:
        EntryPathError: two paths, or folders of two paths, differ by case alone; all such are named.
    """
    spellings: dict[str, str] = {}
    twins: set[tuple[str, str]] = set()
    for path in paths:
        part = path
        while part:
            known = spellings.setdefault(_folded(part), part)
            if known is not part:
                # Its folders were seen with it, unless they are spelled in another way.
                if known == part:
                    break
                twins.add((min(known, part), max(known, part)))
            part = part.rpartition("/")[0]
    if twins:
        # Where folders are twins, so is all that lies in them: name the folders.
        roots = [pair for pair in twins if _parents(pair) not in twins]
        raise EntryPathError(
            f"`{owner}` holds names that differ by case alone",
            where=[f"`{one}` and `{other}`" for one, other in sorted(roots)],
            hint="rename one of them: macOS and Windows cannot hold both, and would build other bytes",
        )


def _parents(pair: tuple[str, str]) -> tuple[str, str]:
    one, other = (path.rpartition("/")[0] for path in pair)
    return (min(one, other), max(one, other))


def _folded(path: str) -> str:
    if path.isascii():
        return path.lower()
    import unicodedata

    return unicodedata.normalize("NFC", path).casefold()
