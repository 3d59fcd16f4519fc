"""Problems of the input: suggestions for misspelled names, and a collector that raises all of them as one error."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wherry.errors import WherryError

__all__ = ["Problems", "did_you_mean", "nearest", "refuse_options", "suggestion"]


_MOST = 30
"""Problems that are shown."""


def nearest(name: str, known: Iterable[str], *, similarity: float = 0.6) -> str | None:
    """The known name that is most similar to ``name``; None if no name is similar enough (from 0 to 1)."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, list(known), n=1, cutoff=similarity)), None)


def did_you_mean(*names: str, known: Iterable[str]) -> str | None:
    """A hint with the known name that is nearest to each of these; None if no name is similar."""
    known = list(known)
    return suggestion(near for name in names if (near := nearest(name, known)) is not None)


def suggestion(names: Iterable[str]) -> str | None:
    """A hint that offers these names; None if there are none."""
    quoted = dict.fromkeys(f"`{name}`" for name in names)
    return f"did you mean {', '.join(quoted)}?" if quoted else None


def refuse_options(options: Mapping[str, object], known: type) -> None:
    """Refuse keyword arguments that a ``TypedDict`` does not have, and one string where it has several.

    Raises:
        TypeError: as Python raises it for arguments that a function does not take.
    """
    for name, value in options.items():
        if name not in known.__annotations__:
            hint = did_you_mean(name, known=known.__annotations__)
            raise TypeError(f"there is no option `{name}`" + (f": {hint}" if hint else ""))
        # A string is a sequence of strings, too, of one letter each.
        annotation = getattr(known.__annotations__[name], "__forward_arg__", "")
        if isinstance(value, str) and annotation.startswith("Sequence["):
            raise TypeError(f"the option `{name}` expects a list, not a string")
        if annotation == "str | None" and not isinstance(value, str | None):
            raise TypeError(f"the option `{name}` expects a string, not {value!r}")


class Problems:
    """Problems that are raised together, as one error of a class, with its message."""

    def __init__(self, error: type[WherryError], message: str) -> None:
        self._error = error
        self._message = message
        self._lines: list[tuple[int, str]] = []
        self._names: list[str] = []
        self._hints: dict[str, None] = {}

    def add(self, *parts: str, hint: str | None = None, line: int = 0) -> None:
        """Add a problem: where it is, outermost first, and what it is; those with a line are sorted by it."""
        self._lines.append((line, ": ".join((f"line {line}", *parts) if line else parts)))
        if hint is not None:
            self._hints.setdefault(hint)

    def suggest(
        self, name: str, known: Iterable[str], *, prefix: str = "", similarity: float = 0.6
    ) -> None:
        """Offer the known name that is nearest to ``name``, with ``prefix`` before it."""
        # What is not shown needs no suggestion, each of which takes time.
        if len(self._lines) > _MOST:
            return
        if (near := nearest(name, known, similarity=similarity)) is not None:
            self._names.append(f"{prefix}{near}")

    def raise_all(self) -> None:
        """Raise one error for all problems; return if there are none.

        Raises:
            WherryError: there are problems; it is of the class given to ``Problems``.
        """
        if not self._lines:
            return
        hints = [suggestion(self._names), *[*self._hints][:_MOST]]
        where = [text for _, text in sorted(self._lines, key=lambda line: line[0])]
        if (more := len(where) - _MOST) > 0:
            where[_MOST:] = [f"and {more:,} more"]
        raise self._error(
            self._message,
            where=where,
            hint="\n".join(hint for hint in hints if hint) or None,
        )
