"""Whether an entry of a lock applies to a target: one that does not is passed over, whatever else is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.markers import InvalidMarker, Marker

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wherry.target import Target

__all__ = ["may_apply"]


def may_apply(
    marker: object,
    target: Target,
    *,
    extras: Iterable[str] = (),
    groups: Iterable[str] | None = None,
) -> bool:
    """Whether a marker holds on the target, or cannot be understood, in which case its reader reports it.

    Args:
        marker: the marker's text; None, or anything else that is not text, holds.
        target: the target.
        extras: the extras that were asked for.
        groups: the dependency groups that were asked for; None where they are not known yet, so that a marker that
            names them may hold.
    """
    if not isinstance(marker, str) or (groups is None and "dependency_groups" in marker):
        return True
    environment: dict[str, str | frozenset[str]] = {
        **target.environment,
        "extra": "",
        "extras": frozenset(extras),
        "dependency_groups": frozenset(groups or ()),
    }
    try:
        return Marker(marker).evaluate(environment, context="lock_file")
    except (InvalidMarker, LookupError, ValueError, RecursionError):
        return True
