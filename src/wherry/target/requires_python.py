"""Parsing ``requires-python`` (PEP 440), without importing packaging in simple cases.

Almost every project writes ``>=3.11`` or ``>=3.11,<3.15``, and importing packaging takes a tenth of the time of a
build that has nothing to do. packaging parses everything else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wherry.target import PythonRequirement

__all__ = ["Bounds", "parse_requires_python"]

_TERM = re.compile(r"\s*(?P<operator>>=|<)\s*(?P<major>\d{1,4})\.(?P<minor>\d{1,4})\s*")


@dataclass(frozen=True, slots=True)
class Bounds:
    """Versions of at least ``lowest`` and below ``ceiling``, each a major and a minor version."""

    text: str
    lowest: tuple[int, int]
    ceiling: tuple[int, int]

    def contains(self, version: str, *, prereleases: bool | None = None) -> bool:  # noqa: ARG002
        """Whether a final release, such as ``3.13.0``, is within the bounds."""
        major, minor = version.split(".")[:2]
        return self.lowest <= (int(major), int(minor)) < self.ceiling

    def __str__(self) -> str:
        """The text of the project."""
        return self.text


def parse_requires_python(text: str) -> PythonRequirement:
    """Parse ``requires-python``.

    Raises:
        packaging.specifiers.InvalidSpecifier: it is not a version specifier.
    """
    lowest, ceiling = (0, 0), (9999, 0)
    for term in text.split(","):
        match = _TERM.fullmatch(term)
        if match is None:
            from packaging.specifiers import SpecifierSet

            return SpecifierSet(text)
        bound = (int(match["major"]), int(match["minor"]))
        if match["operator"] == "<":
            ceiling = min(ceiling, bound)
        else:
            lowest = max(lowest, bound)
    return Bounds(text, lowest, ceiling)
