"""The process of the command line: its signals, its streams and its end.

SIGTERM and SIGHUP end a command as Ctrl-C does: with its children ended and its temporary files removed. Nothing that
happens to the streams for people and for data decides what is built.
"""

from __future__ import annotations

import _thread
import atexit
import io
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["ended_by", "leave", "prepare"]

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
# Seconds for putting everything away.
_PATIENCE = 20.0
_GLANCE = 0.02

_received: list[int] = []
_left_with: list[int] = []


def prepare() -> None:
    """Take care of signals and streams, before anything else is done."""
    _fill_streams()
    # The first to be registered is called last, when threads have ended and everything else has been put away.
    atexit.register(_end_process)
    for name in _SIGNALS:
        number = getattr(signal, name, None)
        # Who started Wherry may have it ignored, as `nohup` does.
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)


def ended_by() -> int:
    """The number of the signal that ended the command."""
    return _received[0] if _received else signal.SIGINT


def leave(code: int) -> NoReturn:
    """End the process; all is done, so that a signal that comes now changes nothing."""
    for name in _SIGNALS:
        if (number := getattr(signal, name, None)) is not None:
            with suppress(OSError, ValueError):
                signal.signal(number, signal.SIG_IGN)
    if _received:
        # All is put away. Python itself may want to end by the signal again.
        with suppress(OSError, ValueError):
            sys.stdout.flush()
        os._exit(code)
    _left_with.append(code)
    sys.exit(code)


def _end_process() -> None:
    """End the process without freeing its objects one by one, which the system does at once."""
    if not _left_with:
        return
    # Of an output that cannot be written Python itself complains.
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(_left_with[0])


def _end(number: int, _frame: FrameType | None) -> None:
    """End the programs that run, and have the command put everything away."""
    _received.append(number)
    if len(_received) == 1:
        try:
            from wherry.tools.process import end_all
        except ImportError:
            # It is being imported, so that no program has been started.
            def end_all() -> None: ...

        # Errors of threads during the clean-up are not shown.
        threading.excepthook = lambda _: None
        sys.unraisablehook = _again
        threading.Thread(target=_watch, args=(number,), daemon=True).start()
        end_all()
    elif len(_received) > 2 or number != signal.SIGINT:
        # It has been told already.
        return
    raise KeyboardInterrupt


def _again(unraisable: sys.UnraisableHookArgs) -> None:
    """Interrupt again, where the first time was within a finalizer, whose exceptions are lost."""
    if unraisable.exc_type is KeyboardInterrupt:
        _thread.interrupt_main()


def _watch(number: int) -> None:
    """End the process if something keeps it from ending."""
    time.sleep(_PATIENCE)
    os._exit(128 + number)


def _fill_streams() -> None:
    """Have the three standard streams, and a stderr that never fails."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            # The lowest that is free: else a file that is opened would be taken for the stream.
            os.open(os.devnull, os.O_RDWR)
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    encoding = sys.stderr.encoding if sys.stderr is not None else "utf-8"
    sys.stderr = io.TextIOWrapper(
        io.BufferedWriter(_Unread(2, "w", closefd=False)),
        encoding=encoding,
        errors="backslashreplace",
        line_buffering=True,
    )


class _Unread(io.FileIO):
    """A stream whose reader may have gone, whose disk may be full, or which may not block."""

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        for _ in range(100):
            try:
                written = super().write(data)
            except OSError:
                break
            if written is not None:
                return written
            time.sleep(_GLANCE)
        return len(data)
