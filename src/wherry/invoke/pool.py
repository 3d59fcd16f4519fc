"""Several environments of one function: each runs one event at a time, and more events than environments wait."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wherry.invoke.outcome import Invocation
    from wherry.invoke.session import Session

__all__ = ["Pool"]


class Pool:
    """Hands events to whichever session is free, the one used last first, as Lambda does."""

    def __init__(self, sessions: Sequence[Session]) -> None:
        """Takes sessions that were entered; who made them closes them."""
        self._free: queue.LifoQueue[Session] = queue.LifoQueue()
        for session in reversed(sessions):
            self._free.put(session)

    def invoke(self, event: bytes) -> Invocation:
        """As ``Session.invoke``, from any thread.

        Raises:
            InvokeError: as ``Session.invoke``.
        """
        session = self._free.get()
        try:
            return session.invoke(event)
        finally:
            self._free.put(session)
