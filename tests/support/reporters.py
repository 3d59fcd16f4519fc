"""A reporter that remembers what it was told."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wherry.events import Event

__all__ = ["Heard"]


class Heard:
    """Collects events."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def emit(self, event: Event) -> None:
        self.events.append(event)

    @property
    def builds(self) -> int:
        """How many builds began."""
        return sum(type(event).__name__ == "BuildStarted" for event in self.events)

    def texts(self, kind: type[Event] | None = None) -> list[str]:
        """The events of one kind, or all, as text."""
        return list(map(str, self.events if kind is None else self.of(kind)))

    def of(self, kind: type[Event]) -> list[Event]:
        """The events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]
