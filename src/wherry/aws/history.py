"""The versions that an alias pointed to, recorded at the end of its description.

AWS tells where an alias stands, not where it stood. So Wherry records the versions to which it moved the alias, the
last of them first, and those whose canary was ended: ``[wherry: 7 5 2; not 6]``. The user's own text stays before it.

Two more parts follow where there is something to say: ``next 8`` is a version that waits for its calls, and ``at`` are
the times of the last moves, in minutes since 1970 to the base 36. A version 0 at the end says that callers had nothing
before the versions that are recorded, or that it is not known any more.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from msgspec.structs import replace

from wherry.structs import Struct
from wherry.target.quotas import DESCRIPTION

__all__ = ["AliasHistory"]

_RECORD = re.compile(
    r"\s*\[wherry:((?: \d+)+)(?:; not((?: \d+)+))?(?:; next (\d+))?(?:; at((?: [0-9a-z]{1,6})+))?\]\s*$"
)
_KEPT = 20
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class AliasHistory(Struct, frozen=True, kw_only=True):
    """The versions that callers of an alias had.

    Attributes:
        text: the user's description.
        versions: those to which the alias was moved, the last first; empty if nothing is recorded.
        rejected: versions whose canary was ended, or that failed a test.
        waiting: a version that was published to get its calls later; 0 if there is none.
        closed: whether no other version may be taken for what callers had before those that are recorded.
        moves: the times of the moves to the first of ``versions``, in minutes since 1970; 0 if it is not known.
    """

    text: str = ""
    versions: tuple[int, ...] = ()
    rejected: tuple[int, ...] = ()
    waiting: int = 0
    closed: bool = False
    moves: tuple[int, ...] = ()

    @classmethod
    def parse(cls, description: str) -> AliasHistory:
        """The history in the description of an alias."""
        match = _RECORD.search(description)
        if match is None:
            return cls(text=description)
        versions = tuple(map(int, match[1].split()))
        closed = versions[-1] == 0
        return cls(
            text=description[: match.start()],
            versions=versions[:-1] if closed else versions,
            rejected=tuple(map(int, (match[2] or "").split())),
            waiting=int(match[3] or 0),
            closed=closed,
            moves=tuple(int(digits, 36) for digits in (match[4] or "").split()),
        )

    def description(self) -> str:
        """The description of the alias, in which times and the oldest versions make room for the user's text."""
        kept = replace(self, versions=self.versions[:_KEPT], rejected=self.rejected[:_KEPT])
        kept = replace(kept, moves=self.moves[: len(kept.versions)])
        if kept.versions != self.versions or kept.rejected != self.rejected:
            kept = replace(kept, closed=True)
        while kept.versions:
            described = f"{self.text} {_record(kept)}" if self.text else _record(kept)
            if len(described) <= DESCRIPTION:
                return described
            if kept.moves:
                kept = replace(kept, moves=kept.moves[:-1])
            elif len(kept.rejected) > 1:
                kept = replace(kept, rejected=kept.rejected[:-1], closed=True)
            else:
                kept = replace(kept, versions=kept.versions[:-1], closed=True)
        return self.text

    def at(self, version: int, when: datetime | None = None) -> AliasHistory:
        """The history of an alias that stands at a version now, even if somebody else moved it there."""
        if not version or self.versions[:1] == (version,):
            return self
        minutes = 0 if when is None else int(when.timestamp()) // 60
        moves = (minutes, *self.moves) if minutes or self.moves else ()
        waiting = 0 if self.waiting == version else self.waiting
        return replace(self, versions=(version, *self.versions), moves=moves, waiting=waiting)

    def moved(
        self, was: int, to: int, *, canaries: tuple[int, ...] = (), when: datetime | None = None
    ) -> AliasHistory:
        """The history after a deployment moved the alias; the canaries that it ended are rejected, but for ``to``."""
        ended = self.at(was).rejecting(*(number for number in canaries if number != to))
        rejected = tuple(number for number in ended.rejected if number != to)
        return replace(ended.at(to, when), rejected=rejected, waiting=0)

    def back(self, was: int, to: int, *, when: datetime | None = None) -> AliasHistory:
        """The history after the alias went back, which rejects the version that it left."""
        known = self.at(was)
        later = known.versions[1:]
        place = later.index(to) + 2 if to in later else 1
        earlier = replace(known, versions=known.versions[place:], moves=known.moves[place:])
        return earlier.at(to, when).rejecting(was)

    def rejecting(self, *versions: int) -> AliasHistory:
        """The history with versions that callers are not to get again."""
        new = tuple(number for number in versions if number and number not in self.rejected)
        waiting = 0 if self.waiting in versions else self.waiting
        return replace(self, rejected=(*new, *self.rejected), waiting=waiting)

    def offering(self, stands_at: int, version: int) -> AliasHistory:
        """The history of an alias that stays, while a version waits for its calls."""
        known = self.at(stands_at)
        rejected = tuple(number for number in known.rejected if number != version)
        return replace(known, rejected=rejected, waiting=version)

    def before(self, version: int) -> tuple[int, ...]:
        """The versions that callers had before the one at which the alias stands, the last first, none rejected."""
        known = self.at(version).versions if self.versions else ()
        # One that somebody moved to $LATEST had the last recorded version before.
        known = known[1:] if version else known
        return tuple(number for number in known if number not in {*self.rejected, version})

    def since(self, place: int) -> datetime | None:
        """The time of the move to the version at that place of ``versions``; None if it is not known."""
        minutes = self.moves[place] if place < len(self.moves) else 0
        return datetime.fromtimestamp(minutes * 60, UTC) if minutes else None


def _record(history: AliasHistory) -> str:
    record = f"[wherry: {' '.join(map(str, history.versions))}{' 0' if history.closed else ''}"
    if history.rejected:
        record += f"; not {' '.join(map(str, history.rejected))}"
    if history.waiting:
        record += f"; next {history.waiting}"
    if any(history.moves):
        record += f"; at {' '.join(map(_to_base_36, history.moves))}"
    return f"{record}]"


def _to_base_36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"
