"""What an alias stood at, recorded at the end of its description.

AWS tells where an alias stands, not where it stood. So Wherry records the versions to which it moved the alias, the
last of them first, and those whose canary was ended: ``[wherry: 7 5 2; not 6]``. The user's own text stays before it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

__all__ = ["AliasHistory"]

_RECORD = re.compile(r"\s*\[wherry:((?: \d+)+)(?:; not((?: \d+)+))?\]\s*$")
_LONGEST = 256
"""Characters that AWS allows in a description."""
_KEPT = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class AliasHistory:
    """The versions that callers of an alias had.

    Attributes:
        text: the user's description.
        versions: those to which the alias was moved, the last first; empty if nothing is recorded.
        rejected: versions whose canary was ended.
    """

    text: str = ""
    versions: tuple[int, ...] = ()
    rejected: tuple[int, ...] = ()

    @classmethod
    def parse(cls, description: str) -> AliasHistory:
        """The history in the description of an alias."""
        match = _RECORD.search(description)
        if match is None:
            return cls(text=description)
        return cls(
            text=description[: match.start()],
            versions=tuple(map(int, match[1].split())),
            rejected=tuple(map(int, (match[2] or "").split())),
        )

    def description(self) -> str:
        """The description of the alias, in which the oldest versions make room for the user's text."""
        versions, rejected = self.versions[:_KEPT], self.rejected[:_KEPT]
        while versions:
            record = f"[wherry: {' '.join(map(str, versions))}"
            record += f"; not {' '.join(map(str, rejected))}]" if rejected else "]"
            described = f"{self.text} {record}" if self.text else record
            if len(described) <= _LONGEST:
                return described
            if rejected:
                rejected = rejected[:-1]
            else:
                versions = versions[:-1]
        return self.text

    def at(self, version: int) -> AliasHistory:
        """The history of an alias that stands at a version now, even if somebody else moved it there."""
        if not version or self.versions[:1] == (version,):
            return self
        return replace(self, versions=(version, *self.versions))

    def moved(self, was: int, to: int, *, canaries: tuple[int, ...] = ()) -> AliasHistory:
        """The history after a deployment moved the alias; the canaries that it ended are rejected, but for ``to``."""
        ended = self.at(was).rejecting(*(number for number in canaries if number != to))
        rejected = tuple(number for number in ended.rejected if number != to)
        return replace(ended.at(to), rejected=rejected)

    def back(self, was: int, to: int) -> AliasHistory:
        """The history after the alias went back, which rejects the version that it left."""
        known = self.at(was)
        later = known.versions[1:]
        versions = later[later.index(to) :] if to in later else (to,)
        return replace(known, versions=versions).rejecting(was)

    def rejecting(self, *versions: int) -> AliasHistory:
        """The history with versions that callers are not to get again."""
        new = tuple(number for number in versions if number and number not in self.rejected)
        return replace(self, rejected=(*new, *self.rejected))

    def before(self, version: int) -> tuple[int, ...]:
        """The versions that callers had before the one at which the alias stands, the last first, none rejected."""
        known = self.at(version).versions if self.versions else ()
        # One that somebody moved to $LATEST had the last recorded version before.
        known = known[1:] if version else known
        return tuple(number for number in known if number not in {*self.rejected, version})
