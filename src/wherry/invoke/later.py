"""Asynchronous invocations: events that are taken at once and run afterwards, in their order for each function."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Later"]

_IDLE = 5.0
"""Seconds after which a thread without work ends."""


class Later:
    """Runs work in threads, a few for each function."""

    def __init__(self, *, concurrency: int) -> None:
        """``concurrency`` is the number of events of one function that run at once."""
        self._concurrency = concurrency
        self._lock = threading.Lock()
        self._waiting: dict[str, queue.SimpleQueue[Callable[[], None]]] = {}
        self._threads: dict[str, int] = {}

    def add(self, function: str, work: Callable[[], None]) -> None:
        """Run ``work``, which raises nothing, after what the function has to do before."""
        with self._lock:
            waiting = self._waiting.setdefault(function, queue.SimpleQueue())
            waiting.put(work)
            if self._threads.get(function, 0) < self._concurrency:
                self._threads[function] = self._threads.get(function, 0) + 1
                threading.Thread(
                    target=self._run, args=(function, waiting), name="wherry-events", daemon=True
                ).start()

    def _run(self, function: str, waiting: queue.SimpleQueue[Callable[[], None]]) -> None:
        while True:
            try:
                work = waiting.get(timeout=_IDLE)
            except queue.Empty:
                with self._lock:
                    if waiting.empty():
                        self._threads[function] -= 1
                        return
                continue
            work()
