"""A small program between Wherry and the function's process: it lays out the file system and leaves no process behind.

It is run by Wherry's own interpreter, reads a plan as one line of JSON from stdin, and ends with all that it has
started when stdin ends: so a Wherry that is killed takes its function along. On stdout it tells, one JSON
document a line, that the sandbox could not be made, that the function's process has started or exited, and,
asked with a line ``peak``, how much memory it has used. Where the plan has a limit of memory, it ends a function
that goes beyond it.

With namespaces the function sees a root of its own, as ``namespaces`` describes it. Another plan may follow there when
the process has ended, or was ended with a line ``stop``: the new one finds in ``/tmp`` what the last has left.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from wherry.invoke.namespaces import (
    RefusedError,
    System,
    drop_capabilities,
    make_root,
    unshare,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["main"]

# <linux/prctl.h>
_SET_PDEATHSIG, _SET_CHILD_SUBREAPER = 1, 36
_OPEN_FILES = 1024
"""Open files that a process has at most, as on Lambda."""
_WATCHED_EVERY = 0.05
"""Seconds between two looks at the memory of the function's processes."""


def main() -> None:
    """Run the plan that stdin brings."""
    line = sys.stdin.buffer.readline()
    if not line:
        return
    plan = json.loads(line)
    if plan["sandbox"] is None:
        system = None
        if sys.platform == "linux":
            # Become the parent of orphans, so that they can be found.
            with suppress(RefusedError, OSError):
                system = System()
                system.prctl(_SET_CHILD_SUBREAPER, 1)
        _supervise(plan, system, _everything_below)
        return
    try:
        system = System()
        unshare(system)
        first = os.fork()
    except (RefusedError, OSError) as error:
        _say(failed=str(error))
        return
    if first:
        _, status = os.waitpid(first, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
    # The first process of a namespace: when it ends, the kernel ends every other in it.
    system.prctl(_SET_PDEATHSIG, signal.SIGKILL)
    try:
        proc = make_root(system, plan["sandbox"])
    except (RefusedError, OSError) as error:
        _say(failed=str(error))
        os._exit(0)
    # To the first process of a namespace, -1 stands for all others in it.
    _supervise(plan, system, lambda _: _kill(-1), proc=proc, again=True)


def _say(**document: object) -> None:
    with suppress(OSError):
        os.write(1, json.dumps(document).encode() + b"\n")


def _supervise(
    plan: Mapping[str, Any],
    system: System | None,
    end_others: Callable[[int], None],
    *,
    proc: bool = True,
    again: bool = False,
) -> None:
    """Start the process, answer questions, and end everything when stdin or the process ends.

    ``end_others`` ends what the process, whose number it is given, has left; ``proc`` says whether ``/proc`` tells of
    the process, and ``again`` whether another plan may follow for the same place.
    """
    plans: queue.SimpleQueue[Mapping[str, Any]] = queue.SimpleQueue()
    running: list[int] = []

    def listen() -> None:
        for line in sys.stdin.buffer:
            match line.strip():
                case b"peak":
                    _say(peak=_peak(running[0]) if proc and running else None)
                case b"stop":
                    for pid in running:
                        _kill(pid)
                case another:
                    plans.put(json.loads(another))
        for pid in running:
            end_others(pid)
        os._exit(0)

    listener = threading.Thread(target=listen, daemon=True)
    while True:
        child = _start(plan, system)
        running.append(child.pid)
        _say(started=child.pid)
        if not listener.is_alive():
            listener.start()
        watch = None
        if plan["memory"] is not None and proc and sys.platform == "linux":
            watch = _Watch(child.pid, plan["memory"])
            watch.start()
        status, peak = _wait(child)
        running.clear()
        end_others(child.pid)
        _say(exit=status, peak=peak, beyond=watch.end() if watch is not None else None)
        if not again:
            os._exit(0)
        plan = plans.get()


def _start(plan: Mapping[str, Any], system: System | None) -> subprocess.Popen[bytes]:
    def confine() -> None:
        if system is not None:
            setrlimit(RLIMIT_NOFILE, (most, most))
            drop_capabilities(system, isolated=plan["sandbox"] is not None)

    if system is not None:
        # Only on Linux; not in the child, which must not wait for a lock of imports.
        from resource import RLIMIT_NOFILE, getrlimit, setrlimit

        most = min(_OPEN_FILES, getrlimit(RLIMIT_NOFILE)[1])
    try:
        return subprocess.Popen(
            plan["argv"],
            env=plan["env"],
            cwd=plan["cwd"],
            stdin=subprocess.DEVNULL,
            pass_fds=() if plan.get("terminal") is None else (plan["terminal"],),
            stdout=2,
            stderr=2,
            start_new_session=True,
            # It takes no lock that another thread could hold.
            preexec_fn=confine if system is not None else None,  # noqa: PLW1509
        )
    except (OSError, subprocess.SubprocessError) as error:
        _say(failed=f"cannot start {plan['argv'][0]}: {error}")
        os._exit(0)


class _Watch(threading.Thread):
    """Ends a process when it, and all that it started, have more memory than it may."""

    def __init__(self, pid: int, most: int) -> None:
        super().__init__(daemon=True)
        self._pid, self._most = pid, most
        self._ended = threading.Event()
        self._beyond: int | None = None

    def run(self) -> None:
        while not self._ended.wait(_WATCHED_EVERY):
            now = _memory_below(os.getpid())
            if now > self._most:
                self._beyond = now
                _kill(self._pid)
                return

    def end(self) -> int | None:
        """Watch no longer; the bytes for which the process was ended, if it was."""
        self._ended.set()
        self.join()
        return self._beyond


def _kill(pid: int) -> None:
    with suppress(OSError):
        os.kill(pid, signal.SIGKILL)


def _wait(child: subprocess.Popen[bytes]) -> tuple[int, int | None]:
    """The exit code of the process, negative for a signal, and its peak memory in bytes."""
    if not hasattr(os, "wait4"):
        return child.wait(), None
    while True:
        # In a namespace of its own this process is the parent of every orphan.
        pid, status, usage = os.wait4(-1, 0)
        if pid == child.pid:
            unit = 1 if sys.platform == "darwin" else 1024
            return os.waitstatus_to_exitcode(status), usage.ru_maxrss * unit


def _peak(pid: int) -> int | None:
    """The most memory that the process has had so far, in bytes."""
    with suppress(OSError, ValueError, IndexError):
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:  # noqa: PTH123
            for line in file:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        return None
    if sys.platform == "darwin":
        # What it has now: this system does not tell another's peak.
        with suppress(OSError, ValueError):
            said = subprocess.run(
                ["/bin/ps", "-o", "rss=", "-p", str(pid)], capture_output=True, check=False
            )
            return int(said.stdout) * 1024
    return None


def _memory_below(pid: int) -> int:
    """The memory, in bytes, of all processes that descend from one: what they wrote, not the files that they read.

    Files that are mapped, and those of ``/tmp``, count as memory for the kernel, and on Lambda do not end a function.
    """
    total, pending = 0, [str(pid)]
    while pending:
        parent = pending.pop()
        with suppress(OSError):
            for thread in os.listdir(f"/proc/{parent}/task"):  # noqa: PTH208
                with (
                    suppress(OSError),
                    open(f"/proc/{parent}/task/{thread}/children", encoding="ascii") as file,  # noqa: PTH123
                ):
                    pending += file.read().split()
        if parent == str(pid):
            continue
        with (
            suppress(OSError, ValueError, IndexError),
            open(f"/proc/{parent}/status", encoding="ascii", errors="replace") as file,  # noqa: PTH123
        ):
            for line in file:
                if line.startswith(("RssAnon:", "VmSwap:")):
                    total += int(line.split()[1]) * 1024
    return total


def _everything_below(pid: int) -> None:
    """End the process, its group, and on Linux whatever else descends from it."""
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(pid)], capture_output=True, check=False)
        return
    with suppress(OSError):
        os.killpg(pid, signal.SIGKILL)
    for _ in range(100):
        orphans = _children()
        if not orphans:
            return
        for orphan in orphans:
            _kill(orphan)
        with suppress(OSError):
            os.waitpid(-1, 0)


def _children() -> list[int]:
    """Processes that this one is the parent of, orphans that came to it included."""
    me = str(os.getpid())
    found = []
    with suppress(OSError):
        for name in os.listdir("/proc"):  # noqa: PTH208
            if name.isdigit():
                with (
                    suppress(OSError, IndexError),
                    open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file,  # noqa: PTH123
                ):
                    state, parent = file.read().rpartition(")")[2].split()[:2]
                    if parent == me and state != "Z":
                        found.append(int(name))
    return found


if __name__ == "__main__":
    main()
