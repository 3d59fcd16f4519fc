"""A collector of problems, so that one error names all of them and the user fixes them at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.nearest import nearest, suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wherry.errors import WherryError

__all__ = ["Problems"]


class Problems:
    """Problems that are raised together.

    Args:
        error: the class of the error.
        message: its message.
    """

    def __init__(self, error: type[WherryError], message: str) -> None:
        self._error = error
        self._message = message
        self._lines: list[tuple[int, str]] = []
        self._names: list[str] = []
        self._hints: dict[str, None] = {}

    def add(self, *parts: str, hint: str | None = None, line: int = 0) -> None:
        """Add a problem.

        Args:
            parts: where it is, outermost first, and what it is.
            hint: what the user can do about it.
            line: the line of the file that it is in; problems are sorted by it.
        """
        self._lines.append((line, ": ".join(parts)))
        if hint is not None:
            self._hints.setdefault(hint)

    def suggest(
        self, name: str, known: Iterable[str], *, prefix: str = "", similarity: float = 0.6
    ) -> None:
        """Offer the known name that is nearest to ``name``, with ``prefix`` before it."""
        if (near := nearest(name, known, similarity=similarity)) is not None:
            self._names.append(f"{prefix}{near}")

    def raise_all(self) -> None:
        """Raise one error for all problems; return if there are none.

        Raises:
            WherryError: there are problems; it is of the class given to ``Problems``.
        """
        if not self._lines:
            return
        hints = [suggestion(self._names), *self._hints]
        raise self._error(
            self._message,
            where=[text for _, text in sorted(self._lines, key=lambda line: line[0])],
            hint="\n".join(hint for hint in hints if hint) or None,
        )
