"""The function's process and the supervisor above it, as Wherry sees them: through pipes.

What the function writes is handed on as it comes, and that it has ended when all of that was handed on.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wherry.errors import InvokeError
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PATIENCE", "Exited", "Process"]

PATIENCE = 10.0
"""Seconds that the supervisor has for an answer."""


class Exited(Struct, frozen=True, kw_only=True):
    """The function's process has ended.

    Attributes:
        status: its exit code, negative for a signal.
        peak_memory: in bytes.
        beyond: the memory in bytes for which it was ended, being more than it may have; None where that was not so.
    """

    status: int
    peak_memory: int | None
    beyond: int | None = None


class Process:
    """The supervisor and the function's process below it."""

    def __init__(
        self,
        plan: dict[str, Any],
        *,
        on_output: Callable[[bytes], None],
        on_exit: Callable[[Exited], None],
    ) -> None:
        """Start both; ``failed`` says why, where they could not be."""
        self.failed: str | None = None
        self._on_output, self._on_exit = on_output, on_exit
        self._answers: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._settled, self._exited = threading.Event(), threading.Event()
        self._reusable = plan["sandbox"] is not None
        self._reading = threading.Lock()
        self._closed = self._drained = False
        self._read, write = os.pipe()
        try:
            self._supervisor = subprocess.Popen(
                [
                    sys.executable,
                    "-I",
                    "-S",
                    "-c",
                    _SUPERVISE.format(str(Path(__file__).parents[2])),
                ],
                # A function can read the environment of its ancestors.
                env={name: os.environ[name] for name in _OWN_NEEDS if name in os.environ},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=write,
                pass_fds=() if plan.get("terminal") is None else (plan["terminal"],),
                # Ctrl-C is for Wherry, which then ends this.
                start_new_session=True,
            )
        except OSError as error:
            os.close(self._read)
            raise InvokeError(
                "cannot start the function's supervisor", where=[str(error)]
            ) from error
        finally:
            os.close(write)
        assert self._supervisor.stdin is not None  # noqa: S101  both are pipes
        assert self._supervisor.stdout is not None  # noqa: S101
        self._stdin, self._stdout = self._supervisor.stdin, self._supervisor.stdout
        self._threads = [
            threading.Thread(target=target, daemon=True) for target in (self._listen, self._follow)
        ]
        for thread in self._threads:
            thread.start()
        self._tell(json.dumps(plan))
        if not self._settled.wait(PATIENCE):
            self.failed = "the supervisor does not answer"

    def peak_memory(self) -> int | None:
        """The most memory that the function's process has had so far, in bytes."""
        if self._supervisor.poll() is not None or not self._tell("peak"):
            return None
        try:
            return self._answers.get(timeout=PATIENCE)
        except queue.Empty:
            return None

    def catch_up(self) -> None:
        """Have handed on whatever the process has written by now."""
        while self._pump(wait=0):
            pass
        # What another thread has read it may not have handed on yet.
        with self._reading:
            pass

    def again(
        self,
        plan: dict[str, Any],
        *,
        on_output: Callable[[bytes], None],
        on_exit: Callable[[Exited], None],
    ) -> bool:
        """Start another process where the last one ran, and has ended; False where that cannot be."""
        if self._closed or not self._exited.is_set():
            return False
        self._on_output, self._on_exit = on_output, on_exit
        self._exited.clear()
        self._settled.clear()
        if not self._tell(json.dumps(plan)) or not self._settled.wait(PATIENCE):
            return False
        # Answers that nobody waited for any more.
        with suppress(queue.Empty):
            while True:
                self._answers.get_nowait()
        return self.failed is None

    def end(self) -> None:
        """End the function's process and all that it started; in a sandbox, another may follow."""
        stopped = self._reusable and (
            self._exited.is_set() or (self._tell("stop") and self._exited.wait(PATIENCE))
        )
        if not stopped:
            self.close()

    def close(self) -> None:
        """End everything."""
        if self._closed:
            return
        self._closed = True
        with suppress(OSError):
            self._stdin.close()
        try:
            self._supervisor.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._supervisor.kill()
            self._supervisor.wait()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(PATIENCE)
        self._stdout.close()

    def _tell(self, line: str) -> bool:
        try:
            self._stdin.write(line.encode() + b"\n")
            self._stdin.flush()
        except (OSError, ValueError):
            return False
        return True

    def _listen(self) -> None:
        """Take what the supervisor tells."""
        for line in self._stdout:
            said = json.loads(line)
            if "failed" in said:
                self.failed = said["failed"]
            if "peak" in said:
                self._answers.put(said["peak"])
            if "exit" in said:
                self._tell_exit(
                    Exited(status=said["exit"], peak_memory=said["peak"], beyond=said["beyond"])
                )
            self._settled.set()
        if not self._settled.is_set():
            self.failed = "the supervisor ended"
            self._settled.set()
        if self.failed is None and not self._exited.is_set():
            self._tell_exit(Exited(status=-9, peak_memory=None))

    def _tell_exit(self, exited: Exited) -> None:
        self.catch_up()
        self._on_exit(exited)
        self._exited.set()

    def _follow(self) -> None:
        """Hand on what the function's process writes."""
        while self._pump(wait=None) is not None:
            pass

    def _pump(self, *, wait: float | None) -> bool | None:
        """Hand on one piece: True when there was one, False when there is none yet, None at the end."""
        if not self._ready(wait):
            return False
        with self._reading:
            # Another thread may have taken it, or seen the end.
            if self._drained:
                return None
            if not self._ready(0):
                return False
            piece = os.read(self._read, 1 << 16)
            if not piece:
                self._drained = True
                os.close(self._read)
                return None
            self._on_output(piece)
            return True

    def _ready(self, wait: float | None) -> bool:
        """Whether there is something to read, or the end of it."""
        if sys.platform == "win32":
            # Pipes cannot be asked there: whoever may wait reads.
            return threading.current_thread() is self._threads[1]
        import select

        if self._drained:
            return True
        # Not `select`, which knows no more than 1,024 descriptors. One that was closed in between is ready, too.
        waiting = select.poll()
        waiting.register(self._read, select.POLLIN)
        return bool(waiting.poll(None if wait is None else wait * 1000))


# Without `site`: it needs nothing but the standard library and its own two modules.
_SUPERVISE = "import sys; sys.path.append({!r}); from wherry.invoke.supervisor import main; main()"
# What Wherry's own interpreter may need to start, and what Windows always does.
_OWN_NEEDS = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TEMP")
