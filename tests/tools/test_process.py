"""Programs that Wherry starts are ended with it, whichever way that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from wherry.tools.process import Command, TimeLimitError, run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no process groups")

# Starts a program that starts another in a temporary folder.
PROGRAM = """
import sys
from pathlib import Path
from wherry.cli import process
from wherry.store.temporary import temporary_folder
from wherry.tools.process import Command, run
process.prepare()
script = "sleep 300 & echo $! > child; sleep 300"
try:
    with temporary_folder("build") as folder:
        print(folder, flush=True)
        run(Command(arguments=["sh", "-c", script], cwd=folder, environment={"PATH": sys.argv[1]}, seconds=60), print)
except KeyboardInterrupt:
    process.leave(128 + process.ended_by())
"""


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait(condition: object, seconds: float = 10.0) -> None:
    until = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_nothing_outlives_wherry(number: signal.Signals, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, os.environ["PATH"]],
        stdout=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        text=True,
    )
    assert process.stdout is not None
    child = Path(process.stdout.readline().strip()) / "child"
    wait(lambda: child.exists() and child.read_text().strip())
    pid = int(child.read_text())
    assert is_alive(pid)
    # In the moment after a start, the guard does not know of the program yet.
    time.sleep(0.2)
    process.send_signal(number)
    process.communicate()
    assert process.returncode == (-number if number == signal.SIGKILL else 128 + number)
    wait(lambda: not is_alive(pid) and not list(tmp_path.iterdir()))


def test_a_program_that_takes_too_long(tmp_path: Path) -> None:
    command = Command(
        arguments=["sleep", "60"], cwd=tmp_path, environment=dict(os.environ), seconds=0.05
    )
    with pytest.raises(TimeLimitError):
        run(command, print)


def test_its_standard_input(tmp_path: Path) -> None:
    """More than a pipe holds, and to a program that reads none of it."""
    data, output = bytes(300_000), bytearray()
    for program in ("cat", "true"):
        command = Command(
            arguments=[program],
            cwd=tmp_path,
            environment=dict(os.environ),
            seconds=60,
            stdin=data,
        )
        assert run(command, output.extend) == 0
    assert output == data
