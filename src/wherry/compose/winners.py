"""Which of two different files for one path ships."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wherry.bundle.patterns import compile_patterns
from wherry.events import Note

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from wherry.events import Event

__all__ = ["Winners"]

# Documents that are never imported, and that several distributions put beside their packages.
_DOCUMENT = re.compile(
    r"""(?xi)
    (?: licen[cs]e | copying | copyright | notice | readme | changes | changelog | history | news | authors
      | contributors | contributing | security | thanks | todo | code_of_conduct | release_?notes )
    (?: (?! .* \.py[cdiow]? $ ) [-_.] [^/]* )?
    """
)


class Winners:
    """Chooses owners: by the settings, and for documents at the top by name.

    Attributes:
        remarks: notes about documents.
    """

    def __init__(self, conflicts: Mapping[str, str]) -> None:
        """Take the owners by path or gitignore pattern, of which the last that matches counts."""
        self._paths = conflicts
        self._patterns = [
            (compiled, owner)
            for key, owner in reversed(list(conflicts.items()))
            if (key.endswith("/") or not {"*", "?", "["}.isdisjoint(key))
            and (compiled := compile_patterns([key], where="`conflicts`")) is not None
        ]
        self.remarks: list[Event] = []

    def of(self, path: str, owners: frozenset[str], *, own: Collection[str]) -> str | None:
        """The owner that wins a path with different files, or None; documents of the project (``own``) win."""
        settled = self._paths.get(path)
        if settled in owners:
            return settled
        for pattern, owner in self._patterns:
            if owner in owners and pattern.match(path):
                return owner
        if "/" in path or not _DOCUMENT.fullmatch(path):
            return None
        winner, *others = sorted(owners, key=lambda owner: (owner not in own, owner))
        names = ", ".join(f"`{owner}`" for owner in others)
        note = Note(text=f"`{path}` is that of `{winner}`, and not that of {names}")
        if note not in self.remarks:
            self.remarks.append(note)
        return winner
