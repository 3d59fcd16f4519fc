"""Events of local runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wherry.events.base import Event
from wherry.visible import Lines

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DebuggerAwaited"]


class DebuggerAwaited(Event, frozen=True, kw_only=True):
    """The function will wait for a debugger on a port of this machine.

    ``configuration`` is what an editor needs to attach, as Visual Studio Code has it in ``launch.json``; None where that
    is as it was told before.
    """

    port: int
    configuration: Mapping[str, Any] | None

    def __str__(self) -> str:
        awaited = f"Waiting for a debugger on 127.0.0.1 port {self.port}"
        if self.configuration is None:
            return awaited
        import json

        return Lines(
            f"{awaited}; for .vscode/launch.json:\n" + json.dumps(self.configuration, indent=2)
        )
