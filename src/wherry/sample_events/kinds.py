"""The kinds of events by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.sample_events.templates import read_kinds
from wherry.sample_events.web import WEB

if TYPE_CHECKING:
    from wherry.sample_events.choices import Kind

__all__ = ["KINDS"]

# The files of this folder, in the order of `wherry event --list`.
_FAMILIES = (
    "web",
    "storage",
    "messages",
    "operations",
    "deployments",
    "users",
    "devices",
    "services",
)

KINDS: dict[str, Kind] = {
    kind.name: kind for family in (WEB, *map(read_kinds, _FAMILIES)) for kind in family
}
