"""The command in processes of their own that begin at once: copies of one that has imported everything before."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

__all__ = ["Fork", "Forks", "serve_forks"]


@dataclass(frozen=True, kw_only=True)
class Fork:
    """The command, running; to be killed by whoever wants to."""

    pid: int
    ended: threading.Event = field(default_factory=threading.Event)

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> None:
        assert self.ended.wait(timeout=60)


class Forks:
    """Starts the command, one at a time."""

    def __init__(self, orders: IO[str], answers: IO[str]) -> None:
        self._orders = orders
        self._answers = answers
        self.running: Fork | None = None

    def run(self, *arguments: str, cwd: Path, env: Mapping[str, str]) -> int:
        """Its exit code, or the negative number of the signal that ended it."""
        job = {"arguments": arguments, "cwd": str(cwd), "env": dict(env)}
        self._order(json.dumps(job))
        fork = Fork(pid=int(self._answers.readline()))
        self.running = fork
        self._order("go")
        try:
            return int(self._answers.readline())
        finally:
            self.running = None
            fork.ended.set()

    def _order(self, line: str) -> None:
        self._orders.write(f"{line}\n")
        self._orders.flush()


@contextmanager
def serve_forks() -> Iterator[Forks]:
    """A process that copies itself."""
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        yield Forks(process.stdin, process.stdout)
        process.stdin.close()


def _serve() -> None:
    import boto3

    from wherry.aws import deploy  # noqa: F401
    from wherry.cli import run

    # Who is to be killed need not wait long for it.
    sleep = time.sleep
    time.sleep = lambda seconds, /: sleep(float(seconds) / 100)
    boto3.Session("x", "x", region_name="eu-west-1").client("lambda")
    while line := sys.stdin.readline():
        job = json.loads(line)
        reading, writing = os.pipe()
        pid = os.fork()
        if not pid:
            code = 70
            try:
                # Whoever is to kill it knows it first.
                os.read(reading, 1)
                nothing = os.open(os.devnull, os.O_RDWR)
                for stream in range(3):
                    os.dup2(nothing, stream)
                os.environ.clear()
                os.environ.update(job["env"])
                os.chdir(job["cwd"])
                code = run(job["arguments"])
            finally:
                os._exit(code)
        print(pid, flush=True)
        sys.stdin.readline()
        os.write(writing, b"!")
        os.close(reading)
        os.close(writing)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    _serve()
