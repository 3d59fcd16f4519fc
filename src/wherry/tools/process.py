"""Running a program that is not Wherry's, with limits: on its time, and on how much of its output is kept.

None outlives Wherry: all are ended when it is told to end (``end_all``), and when it is killed (``wherry.tools.guard``).
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from wherry.errors import ToolError
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from subprocess import Popen
    from typing import IO

__all__ = [
    "Command",
    "Done",
    "KeptOutput",
    "TimeLimitError",
    "end_all",
    "run",
    "run_tool",
    "started",
    "time_limit",
]

_CHUNK = 1 << 16
_HEAD = 1 << 18
_TAIL = 1 << 22
# Seconds for ending after SIGTERM, and for output that comes after the end.
_PATIENCE = 5.0
_DRAIN = 2.0

_running: set[Popen[bytes]] = set()
_ending = threading.Event()


class TimeLimitError(Exception):
    """The program ran longer than it may; it has been ended, with all that it started."""


class Command(Struct, frozen=True, kw_only=True):
    """A program and its surroundings.

    Attributes:
        environment: its environment variables, all of them.
        seconds: the most that it may run.
        umask: of its files; None for that of Wherry.
    """

    arguments: Sequence[str | Path]
    cwd: Path
    environment: Mapping[str, str]
    seconds: float
    umask: int | None = None
    stdin: bytes = b""


class Done(Struct, frozen=True, kw_only=True):
    """A program that has ended: its exit status, standard output and standard error."""

    status: int
    output: bytes
    errors: str


class KeptOutput:
    """The beginning and the end of an output of any length."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._head = bytearray()
        self._tail = bytearray()
        self._size = 0

    def add(self, data: bytes) -> None:
        """Take in more of it."""
        self._size += len(data)
        room = _HEAD - len(self._head)
        self._head += data[:room]
        self._tail += data[room:] if room > 0 else data
        if len(self._tail) > 2 * _TAIL:
            del self._tail[:-_TAIL]

    def text(self) -> str:
        """The text of it, with a note in place of what was left out."""
        tail = self._tail[-_TAIL:]
        omitted = self._size - len(self._head) - len(tail)
        note = f"\n[{omitted:,} bytes were left out here]\n".encode() if omitted > 0 else b""
        return (self._head + note + tail).decode("utf-8", "replace")


def time_limit(variable: str, default: float) -> float:
    """The seconds that an environment variable sets, else the default.

    Raises:
        ToolError: the variable is not a number above 0.
    """
    text = os.environ.get(variable, "")
    if not text:
        return default
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < threading.TIMEOUT_MAX:
        raise ToolError(f"`{variable}` is `{text}`", hint="it must be a number of seconds above 0")
    return seconds


def run(
    command: Command,
    output: Callable[[bytes], object],
    errors: Callable[[bytes], object] | None = None,
) -> int:
    """Run a program to its end; its exit status.

    ``output`` is told its standard output, piece by piece, from another thread; without ``errors``, that has standard
    error, too.

    Raises:
        OSError, ValueError: it cannot be started.
        TimeLimitError: it ran too long.
    """
    import subprocess

    windows = sys.platform == "win32"
    with started(
        lambda: subprocess.Popen(
            command.arguments,
            cwd=command.cwd,
            env=dict(command.environment),
            stdin=subprocess.PIPE if command.stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if errors is None else subprocess.PIPE,
            bufsize=0,
            # A group of its own: all that it started can be ended with it.
            process_group=None if windows else 0,
            umask=-1 if windows or command.umask is None else command.umask,
        )
    ) as process:
        readers = [_reader(process.stdout, output)]
        if errors is not None:
            readers.append(_reader(process.stderr, errors))
        if process.stdin is not None:
            with suppress(OSError), process.stdin as stdin:
                # Unbuffered, it may take less than all at once.
                rest = memoryview(command.stdin)
                while rest:
                    rest = rest[stdin.write(rest) :]
        # `Popen.wait` with a limit looks only every 50 ms whether the program has ended.
        end = threading.Thread(target=process.wait, name="wherry-end", daemon=True)
        end.start()
        try:
            end.join(command.seconds)
            if process.returncode is None:
                raise TimeLimitError
            return process.returncode
        finally:
            if sys.exc_info()[0] is not None:
                _end(process)
            for reader in readers:
                # Something that it left running may keep its output open.
                reader.join(_DRAIN)


def run_tool(command: Command, name: str, variable: str) -> Done:
    """Run a program of Wherry's to its end; the variable of the environment sets its limit of time.

    Raises:
        OSError, ValueError: it cannot be started.
        ToolError: it ran too long.
    """
    output, errors = bytearray(), KeptOutput()
    try:
        status = run(command, output.extend, errors.add)
    except TimeLimitError:
        raise ToolError(
            f"`{name}` was ended after {command.seconds:g} seconds",
            hint=f"set `{variable}` to more seconds",
        ) from None
    return Done(status=status, output=bytes(output), errors=errors.text())


@contextmanager
def started(start: Callable[[], Popen[bytes]]) -> Iterator[Popen[bytes]]:
    """A program that is ended, with all that it started, where the block is left by an exception.

    ``start`` starts it, in a process group of its own.

    Raises:
        KeyboardInterrupt: Wherry was told to end.
    """
    from wherry.tools.guard import guarded

    if _ending.is_set():
        raise KeyboardInterrupt
    process = start()
    _running.add(process)
    try:
        with guarded(process.pid):
            try:
                yield process
                if _ending.is_set():
                    raise KeyboardInterrupt
            except BaseException:
                _end(process)
                raise
    finally:
        _running.discard(process)


def end_all() -> None:
    """Tell all programs that run to end, and let none be started any more."""
    _ending.set()
    for process in tuple(_running):
        _tell(process, signal.SIGTERM)


def _reader(stream: IO[bytes] | None, take: Callable[[bytes], object]) -> threading.Thread:
    assert stream is not None  # noqa: S101

    def read() -> None:
        with stream:
            while piece := stream.read(_CHUNK):
                take(piece)

    thread = threading.Thread(target=read, name="wherry-output", daemon=True)
    thread.start()
    return thread


def _end(process: Popen[bytes]) -> None:
    """End a program and what it started, gently first."""
    from subprocess import TimeoutExpired

    _tell(process, signal.SIGTERM)
    with suppress(TimeoutExpired):
        process.wait(_PATIENCE)
    if sys.platform != "win32":
        _tell(process, signal.SIGKILL)
    process.wait()


def _tell(process: Popen[bytes], number: int) -> None:
    with suppress(OSError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, number)
