"""A started runtime of a function, with its Runtime API."""

from __future__ import annotations

import os
import queue
import threading
import time
import uuid
from collections import deque
from typing import TYPE_CHECKING, TypeAlias

from wherry.invoke.debugging import PROMPTS
from wherry.invoke.process import Exited, Process
from wherry.invoke.runtime_api import Answered, Failed, InitFailed, Ready, RuntimeApi
from wherry.invoke.variables import ACCOUNT, lambda_variables, region

if TYPE_CHECKING:
    from collections.abc import Callable

    from wherry.invoke.runnable import Runnable
    from wherry.invoke.sandbox import Sandbox

__all__ = ["Environment", "Message"]

_KEPT_LOG = 16 << 20
"""Bytes of output that are kept for an event. All of it is handed on."""

Message: TypeAlias = Ready | Answered | Failed | InitFailed | Exited


class Environment:
    """A started runtime with its Runtime API."""

    def __init__(
        self,
        runnable: Runnable,
        sandbox: Sandbox,
        *,
        memory: int,
        on_log: Callable[[bytes], None] | None,
    ) -> None:
        self._messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._log: deque[bytes] = deque()
        self._log_size = 0
        self._lock = threading.Lock()
        self._on_log = on_log
        self._last_peak: int | None = None
        self._at_prompt = False
        here = region(os.environ, runnable.environment)
        self.api = RuntimeApi(
            f"arn:aws:lambda:{here}:{ACCOUNT}:function:{runnable.name}", self._messages.put
        )
        try:
            variables = lambda_variables(
                runnable,
                places=sandbox.places,
                memory=memory,
                runtime_api=self.api.address,
                log_stream=f"{time.strftime('%Y/%m/%d')}/[$LATEST]{uuid.uuid4().hex}",
                caller=os.environ,
            )
            self._process: Process = sandbox.start(
                variables, on_output=self._take, on_exit=self._messages.put
            )
        except BaseException:
            self.api.close()
            raise

    @property
    def peak_memory(self) -> int | None:
        """So far, in bytes."""
        self._last_peak = self._process.peak_memory() or self._last_peak
        return self._last_peak

    def wait_ready(self, until: float) -> Message | None:
        """The runtime's first word; None when there was none in time."""
        while (message := self._next(until)) is not None:
            if isinstance(message, Ready | InitFailed | Exited):
                if isinstance(message, InitFailed):
                    # It ends by itself, and writes its last output before.
                    self._next(time.monotonic() + 1)
                return message
        return None

    def wait(self, until: float, request_id: str) -> Answered | Failed | Exited | None:
        """The outcome of the event; None when there was none in time."""
        while (message := self._next(until)) is not None:
            if isinstance(message, Exited):
                return message
            if isinstance(message, Answered | Failed) and message.request_id == request_id:
                return message
        return None

    def _next(self, until: float) -> Message | None:
        try:
            message = self._messages.get(timeout=max(until - time.monotonic(), 0.0))
        except queue.Empty:
            if not self._at_prompt:
                return None
            # Somebody steps through the function on a terminal, and takes his time.
            message = self._messages.get()
        if isinstance(message, Exited):
            self._last_peak = message.peak_memory or self._last_peak
        return message

    def take_log(self) -> bytes:
        """The output since the last call, or the end of it."""
        self._process.catch_up()
        with self._lock:
            log = b"".join(self._log)
            self._log.clear()
            self._log_size = 0
        return log

    def end(self) -> None:
        """End it; what it wrote until then can still be taken."""
        self._process.end()
        self.api.close()

    def _take(self, piece: bytes) -> None:
        # A carriage return ends a line in Lambda's log, too.
        piece = piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        self._at_prompt |= piece.endswith(PROMPTS)
        with self._lock:
            self._log.append(piece)
            self._log_size += len(piece)
            while self._log_size > _KEPT_LOG:
                self._log_size -= len(self._log.popleft())
        if self._on_log is not None:
            self._on_log(piece)
