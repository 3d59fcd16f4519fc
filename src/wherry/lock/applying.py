"""Whether an entry of a lock or a requirement applies to a target: one that does not is skipped, whatever is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.markers import InvalidMarker, Marker

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from packaging.requirements import Requirement

    from wherry.target import Target

__all__ = ["applying", "may_apply"]


def may_apply(marker: object, target: Target, *, extras: Iterable[str] = ()) -> bool:
    """Whether a marker holds on the target, or cannot be understood, in which case its reader reports it.

    What is not text holds. Which groups were asked for is not known yet: a marker that names them may hold.
    """
    if not isinstance(marker, str) or "dependency_groups" in marker:
        return True
    environment: dict[str, str | frozenset[str]] = {
        **target.environment,
        "extra": "",
        "extras": frozenset(extras),
        "dependency_groups": frozenset(),
    }
    try:
        return Marker(marker).evaluate(environment, context="lock_file")
    except (InvalidMarker, LookupError, ValueError, RecursionError):
        return True


def applying(texts: Iterable[str], target: Target | None) -> Iterator[Requirement]:
    """The requirements that apply to a target, or, for None, to every target.

    One that cannot be understood is left out: the tool that locks reports it.
    """
    from packaging.requirements import InvalidRequirement, Requirement

    environment = None if target is None else {**target.environment, "extra": ""}
    for text in texts:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        marker = requirement.marker
        if marker is None or (environment is not None and marker.evaluate(environment)):
            yield requirement
