"""The distributions that others need, by their metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.bundle.content import read_all

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from packaging.metadata import RawMetadata
    from packaging.requirements import Requirement

    from wherry.bundle.bundle import Bundle
    from wherry.compose.model import Distribution
    from wherry.target import Target

__all__ = ["Requirements", "applicable", "valid_requirements"]


class Requirements:
    """The requirements of distributions on a target, read from their metadata once."""

    def __init__(self, target: Target) -> None:
        """Markers are evaluated for the target."""
        self._environment = target.environment
        # The bundle is kept, so that its id stays its own.
        self._known: dict[int, tuple[Bundle, tuple[Requirement, ...]]] = {}

    def of(self, dist: Distribution) -> frozenset[str]:
        """The normalized names that a distribution requires without extras."""
        return frozenset(name for name, _ in self._active(dist, ()))

    def all_of(
        self, requirements: Iterable[str], distributions: Mapping[str, Distribution]
    ) -> set[str]:
        """The normalized names of what these requirements (PEP 508) name and need, among these distributions."""
        from packaging.requirements import Requirement
        from packaging.utils import canonicalize_name

        pending: list[tuple[str, frozenset[str]]] = []
        for text in requirements:
            requirement = Requirement(text)
            pending.append((canonicalize_name(requirement.name), frozenset(requirement.extras)))
        seen = set(pending)
        while pending:
            name, extras = pending.pop()
            if name in distributions:
                more = set(self._active(distributions[name], extras)) - seen
                seen |= more
                pending.extend(more)
        return {name for name, _ in seen if name in distributions}

    def _active(
        self, dist: Distribution, extras: Iterable[str]
    ) -> Iterable[tuple[str, frozenset[str]]]:
        from packaging.utils import canonicalize_name

        bundle = dist.bundle
        if id(bundle) not in self._known:
            self._known[id(bundle)] = bundle, tuple(_requirements(bundle))
        for requirement in applicable(self._known[id(bundle)][1], self._environment, extras):
            yield canonicalize_name(requirement.name), frozenset(requirement.extras)


def _requirements(bundle: Bundle) -> Iterable[Requirement]:
    from packaging.metadata import parse_email

    for entry in bundle:
        folder, _, name = entry.path.rpartition("/")
        if name != "METADATA" or not folder.endswith(".dist-info") or "/" in folder:
            continue
        yield from valid_requirements(parse_email(read_all(entry.payload))[0])


def valid_requirements(metadata: RawMetadata) -> Iterator[Requirement]:
    """All ``Requires-Dist`` that are valid, whatever their markers say."""
    from packaging.requirements import InvalidRequirement, Requirement

    for text in metadata.get("requires_dist", ()):
        try:
            yield Requirement(text)
        except (InvalidRequirement, RecursionError):
            continue  # old metadata is not always valid; installers ignore it too


def applicable(
    requirements: Iterable[Requirement], environment: Mapping[str, str], extras: Iterable[str]
) -> Iterator[Requirement]:
    """The requirements of which the marker holds, without extras or with one of these."""
    from packaging.markers import UndefinedComparison, UndefinedEnvironmentName

    environments = [{**environment, "extra": extra} for extra in ("", *extras)]
    for requirement in requirements:
        marker = requirement.marker
        try:
            if marker is None or any(map(marker.evaluate, environments)):
                yield requirement
        except (UndefinedComparison, UndefinedEnvironmentName, RecursionError):
            continue
