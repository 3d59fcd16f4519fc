"""The base of events, the protocol of reporters, and the two events that any step may emit."""

from __future__ import annotations

from typing import ClassVar, Protocol

from wherry.structs import Struct

__all__ = ["SILENT", "Event", "Note", "Reporter", "Warned"]


class Event(Struct, frozen=True, kw_only=True):
    """Something that happened. As text it is a line for people, empty if it is not for them.

    Attributes:
        verbose: whether it is shown only with ``--verbose``.
    """

    verbose: ClassVar[bool] = False

    def __str__(self) -> str:
        return ""


class Note(Event, frozen=True, kw_only=True):
    """Something worth knowing that asks for nothing.

    Attributes:
        text: one sentence.
        brief: whether it matters where building is only a step, too.
    """

    text: str
    brief: bool = False

    def __str__(self) -> str:
        return self.text


class Warned(Event, frozen=True, kw_only=True):
    """Something that the user will probably want to change."""

    text: str
    hint: str | None = None

    def __str__(self) -> str:
        return self.text


class Reporter(Protocol):
    """Whoever wants to know. Called from several threads; it must not raise."""

    def emit(self, event: Event) -> None:
        """Take one event."""
        ...


class _Silent:
    def emit(self, event: Event) -> None:
        pass


SILENT: Reporter = _Silent()
"""The reporter that says nothing."""
