"""Composing: distributions and the project's own code become packages, not yet written.

Pure: whatever had to be fetched or built was so before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wherry.bundle.algebra import Bundle

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wherry.target import Target

__all__ = ["Composition", "Distribution", "Package", "compose"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Distribution:
    """A distribution, or the project itself, and what it puts into a package.

    Attributes:
        name: normalized, as PEP 503 has it.
        version: None for a project without metadata.
        bundle: its files, owned by ``name``.
    """

    name: str
    version: str | None
    bundle: Bundle


@dataclass(frozen=True, kw_only=True, slots=True)
class Package:
    """A deployment package, unwritten."""

    name: str
    kind: str
    bundle: Bundle
    distributions: tuple[Distribution, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Composition:
    """All packages of a project for one target."""

    target: Target
    packages: tuple[Package, ...]


def compose(
    name: str,
    distributions: Iterable[Distribution],
    target: Target,
    *,
    conflicts: Mapping[str, str] | None = None,
) -> Composition:
    """One function package with everything.

    Args:
        name: the package's name.
        distributions: what goes in, the project's own code among it.
        target: what the distributions were selected for.
        conflicts: the winner of each path that two distributions claim with different files.

    Raises:
        ConflictError: two different files for one path, and no winner said.
    """
    everything = tuple(sorted(distributions, key=lambda one: (one.name, one.version or "")))
    winners = conflicts or {}

    def settle(path: str, owners: frozenset[str]) -> str | None:
        winner = winners.get(path)
        return winner if winner in owners else None

    bundle = Bundle().merge(*(one.bundle for one in everything), settle=settle)
    package = Package(name=name, kind="function", bundle=bundle, distributions=everything)
    return Composition(target=target, packages=(package,))
