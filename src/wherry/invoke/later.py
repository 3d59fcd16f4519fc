"""Asynchronous invocations: events that are taken at once and run afterwards, in their order for each function.

A function that fails gets its event again, as "Asynchronous invocation" of AWS Lambda's documentation has it: twice,
a minute and then two minutes later. Here the waiting is shorter.
"""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Work = Callable[[int], bool]
    """Runs an attempt, by its number from 1, raises nothing, and tells whether another is to follow."""

__all__ = ["DELAYS", "Later"]

DELAYS = (1.0, 2.0)
"""Seconds before the second and the third attempt; on AWS, 60 and 120."""

_IDLE = 5.0
"""Seconds after which a thread without work ends."""


class Later:
    """Runs work in threads, a few for each function."""

    def __init__(
        self, *, concurrency: int = 1, retries: int = 2, delays: Sequence[float] = DELAYS
    ) -> None:
        """Nothing runs yet. Events of one function run ``concurrency`` at once; delays before retries are in seconds."""
        self._concurrency, self._delays = concurrency, tuple(delays)[:retries]
        self._lock = threading.Lock()
        self._waiting: dict[str, queue.SimpleQueue[tuple[Work, int]]] = {}
        self._threads: dict[str, int] = {}
        self._timers: set[threading.Timer] = set()
        self._closed = False

    def delay_after(self, attempt: int) -> float | None:
        """Seconds before the attempt after this one; None after the last."""
        return self._delays[attempt - 1] if attempt <= len(self._delays) else None

    def add(self, function: str, work: Work, attempt: int = 1) -> None:
        """Run ``work`` after what the function has to do before."""
        with self._lock:
            if self._closed:
                return
            waiting = self._waiting.setdefault(function, queue.SimpleQueue())
            waiting.put((work, attempt))
            if self._threads.get(function, 0) < self._concurrency:
                self._threads[function] = self._threads.get(function, 0) + 1
                threading.Thread(
                    target=self._run, args=(function, waiting), name="wherry-events", daemon=True
                ).start()

    def close(self) -> None:
        """Forget what has not begun."""
        with self._lock:
            self._closed = True
            timers, self._timers = self._timers, set()
        for timer in timers:
            timer.cancel()

    def _run(self, function: str, waiting: queue.SimpleQueue[tuple[Work, int]]) -> None:
        while True:
            try:
                work, attempt = waiting.get(timeout=_IDLE)
            except queue.Empty:
                with self._lock:
                    if waiting.empty():
                        self._threads[function] -= 1
                        return
                continue
            if self._closed:
                return
            delay = self.delay_after(attempt)
            if work(attempt) and delay is not None:
                self._add_after(delay, function, work, attempt + 1)

    def _add_after(self, delay: float, function: str, work: Work, attempt: int) -> None:
        def add() -> None:
            with self._lock:
                self._timers.discard(timer)
            self.add(function, work, attempt)

        timer = threading.Timer(delay, add)
        timer.daemon = True
        with self._lock:
            if not self._closed:
                self._timers.add(timer)
                timer.start()
