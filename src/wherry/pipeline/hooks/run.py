"""Running commands, one after the other, until one fails.

What they say goes to a file: no pipe is kept open by a process that a command leaves behind, and the end of it
is available when one fails. Nothing can be asked of the user, as nothing is there to be read.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import sys
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

from wherry.errors import HookError
from wherry.events import HookFinished, HookOutput, HookStarted
from wherry.files import reason_of
from wherry.indexes.redact import redact
from wherry.pipeline.hooks.command import arguments_of, for_cmd, for_shell, shown
from wherry.sources.log import keep_log
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from wherry.events import Reporter
    from wherry.settings.model import Command
    from wherry.store import Store

__all__ = ["Container", "Host", "Place", "Work", "run_commands"]

_LAST_LINES = 20
_KEPT = 1 << 24
_GLANCE = 0.1
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")

# Given where the user has not set them: no `.pyc` is left in a package by chance, and what is made on purpose
# depends on no clock. 1980-01-01 is the first day that a zip archive can name.
_DEFAULTS = {"PYTHONDONTWRITEBYTECODE": "1", "SOURCE_DATE_EPOCH": "315532800"}


class Work(Struct, frozen=True, kw_only=True):
    """Commands, and what they are given.

    Attributes:
        when: for messages, such as ``before bundling``.
        root: the folder that stands for the root of the package.
        output: the folder in it where code lies, relative to ``root``; empty for the root itself.
    """

    when: str
    commands: Sequence[Command]
    input: Path
    root: Path
    output: str
    facts: Mapping[str, str]


Failure = tuple["Command", str]
"""The command that failed, and how, in words."""


class Place(Protocol):
    """Where commands run."""

    def run(self, work: Work, log: Path, reporter: Reporter) -> Failure | None:
        """Run them, with all that they say appended to ``log``; None when none failed."""


class Host(Struct, frozen=True, kw_only=True):
    """This machine, with the user's own environment."""

    def run(self, work: Work, log: Path, reporter: Reporter) -> Failure | None:
        """As ``Place.run``."""
        places = {
            "input": str(work.input),
            "output": str(work.root / work.output if work.output else work.root),
        }
        environment = {**_DEFAULTS, **os.environ, **_variables(work, places)}
        for command in work.commands:
            began = time.monotonic()
            what = redact(shown(command))
            with _reported(what, log, reporter):
                how = _start(command, places, cwd=work.input, environment=environment, log=log)
            if how is not None:
                return command, how
            reporter.emit(HookFinished(command=what, seconds=time.monotonic() - began))
        return None


def _start(
    command: Command,
    places: Mapping[str, str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    log: Path,
) -> str | None:
    """Run one command to its end; how it failed, or None."""
    import subprocess

    from wherry.tools.process import started

    shell = isinstance(command, str)
    if not isinstance(command, str):
        line: str | list[str] = arguments_of(command, places)
    else:
        line = (for_cmd if sys.platform == "win32" else for_shell)(command, places)
    with log.open("ab") as output:

        def start() -> subprocess.Popen[bytes]:
            return subprocess.Popen(
                line,
                # A line that the user wrote for it.
                shell=shell,
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # A group of its own: all that it started can be ended with it.
                process_group=None if sys.platform == "win32" else 0,
            )

        try:
            with started(start) as process:
                status = process.wait()
        except (OSError, ValueError) as error:
            return f"it cannot be started: {reason_of(error)}"
    return None if status == 0 else _ending(status)


def _ending(status: int) -> str:
    if status < 0:
        with suppress(ValueError):
            return f"it was ended by {signal.Signals(-status).name}"
    return f"it ended with status {status}"


class Container(Struct, frozen=True, kw_only=True):
    """A container that lives as long as the commands of one list.

    Attributes:
        run_script: runs a script for a POSIX shell there and gives its status
            (``wherry.containers.exchange.Container.run_shell``).
    """

    run_script: Callable[..., int]

    def run(self, work: Work, log: Path, reporter: Reporter) -> Failure | None:
        """As ``Place.run``."""
        places = {"input": _INPUT, "output": f"{_ROOT}/{work.output}" if work.output else _ROOT}
        # Unlike anything that a command says.
        mark = f"wherry-{os.urandom(8).hex()}"
        script = "\n".join(
            f"{_in_own_shell(command, places)} </dev/null "
            f'|| {{ status=$?; echo; echo "{mark} {number} $status"; exit 1; }}'
            for number, command in enumerate(work.commands)
        )
        what = redact(" && ".join(map(shown, work.commands)))
        began = time.monotonic()
        with _reported(what, log, reporter):
            status = self.run_script(
                script,
                lent={_INPUT: work.input},
                changed={_ROOT: work.root},
                workdir=_INPUT,
                environment={**_DEFAULTS, **_variables(work, places)},
                log=log,
            )
        if status == 0:
            reporter.emit(HookFinished(command=what, seconds=time.monotonic() - began))
            return None
        text = log.read_bytes()
        found = re.search(rb"\n?" + mark.encode() + rb" (\d+) (\d+)\r?\n", text)
        if found is None:
            return work.commands[0], f"the container ended with status {status}"
        log.write_bytes(text[: found.start()])
        return work.commands[int(found[1])], _ending(int(found[2]))


_INPUT, _ROOT = "/wherry/input", "/wherry/package"


def _in_own_shell(command: Command, places: Mapping[str, str]) -> str:
    line = for_shell(command, places)
    # What one line changes for itself, such as its folder, is not so for the next.
    # And a list names a program, none of the shell's own commands.
    return f"sh -c {shlex.quote(line)}" if isinstance(command, str) else f"env {line}"


def _variables(work: Work, places: Mapping[str, str]) -> dict[str, str]:
    return {**work.facts, "WHERRY_INPUT": places["input"], "WHERRY_OUTPUT": places["output"]}


def run_commands(work: Work, place: Place, *, log: Path, store: Store, reporter: Reporter) -> None:
    """Run commands one after the other.

    Args:
        work: the commands and their folders.
        place: where they run.
        log: a file for what they say, which the caller removes; of a failure it is kept in the store.
        store: see there.
        reporter: hears of each, and what it says, line by line.

    Raises:
        HookError: one failed; those after it were not started.
    """
    log.touch()
    failure = place.run(work, log, reporter)
    if failure is None:
        return
    command, how = failure
    first, *rest = redact(shown(command)).strip().splitlines()
    output = _end_of(log)
    lines = [_ESCAPES.sub("", line).rpartition("\r")[2].rstrip() for line in output.split("\n")]
    lines = [line for line in lines if line][-_LAST_LINES:]
    kept = keep_log(output, label="hook", store=store) if lines else None
    raise HookError(
        f"a command {work.when} failed: `{f'{first} …' if rest else first}`",
        where=[how, *lines],
        hint=f"the whole output is in `{kept}`" if kept else None,
    )


def _end_of(log: Path) -> str:
    """The end of the log, without user names and passwords of addresses."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _KEPT))
        return redact(file.read().decode("utf-8", "replace").replace("\r\n", "\n"))


@contextmanager
def _reported(what: str, log: Path, reporter: Reporter) -> Iterator[None]:
    """Tell what is started, and line by line what is written to the log meanwhile."""
    reporter.emit(HookStarted(command=what))
    done = threading.Event()
    begin = log.stat().st_size

    def tell(line: str) -> None:
        reporter.emit(HookOutput(text=_ESCAPES.sub("", redact(line)).rstrip()))

    def follow() -> None:
        line = ""
        with log.open("r", encoding="utf-8", errors="replace", newline="\n") as file:
            file.seek(begin)
            while True:
                last = done.is_set()
                while piece := file.readline():
                    line += piece
                    if line.endswith("\n"):
                        tell(line)
                        line = ""
                if last:
                    break
                done.wait(_GLANCE)
        if line:
            tell(line)

    thread = threading.Thread(target=follow, name="wherry-hook-output", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
