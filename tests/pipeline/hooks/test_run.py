"""Running commands on this machine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from support.reporters import Heard
from wherry.errors import HookError
from wherry.events import HookFinished, HookOutput, HookStarted
from wherry.pipeline.hooks.run import Container, Host, Place, Work, run_commands
from wherry.store import Store

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell is wanted")


class Room:
    """Folders to run commands in."""

    def __init__(self, folder: Path) -> None:
        self.input, self.root = folder / "project", folder / "package"
        self.input.mkdir()
        (self.root / "python").mkdir(parents=True)
        self.log = folder / "log"
        self.store = Store(folder / "store")
        self.heard = Heard()

    def __call__(self, *commands: Any, place: Place | None = None) -> None:
        work = Work(
            when="before bundling",
            commands=commands,
            input=self.input,
            root=self.root,
            output="python",
            facts={"WHERRY_NAME": "api"},
        )
        run_commands(work, place or Host(), log=self.log, store=self.store, reporter=self.heard)


def script_here(script: str, **given: Any) -> int:
    """As a container runs scripts, but for the container: folders at places of its own, no environment."""
    import subprocess

    folders = {**given["lent"], **given["changed"]}
    for name, folder in folders.items():
        script = script.replace(name, str(folder))
    environment = {"PATH": "/usr/bin:/bin", **given["environment"]}
    workdir = folders[given["workdir"]]
    with given["log"].open("ab") as log:
        return subprocess.run(
            ["sh", "-c", script], cwd=workdir, env=environment, stdout=log, stderr=log, check=False
        ).returncode


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


PLACES = pytest.mark.parametrize(
    "place", [Host(), Container(run_script=script_here)], ids=["host", "script"]
)


@PLACES
def test_commands_run_in_the_project_one_after_the_other(room: Room, place: Place) -> None:
    """K8: given the input and the output folder."""
    room(
        "pwd > {output}/where; cd /",
        ["sh", "-c", 'pwd >> "$0"/where', "{output}"],
        "ls {input} > {output}/input",
        place=place,
    )
    assert (room.root / "python" / "where").read_text() == f"{room.input}\n" * 2
    assert (room.root / "python" / "input").read_text() == ""


@PLACES
def test_the_first_failure_ends_it(room: Room, place: Place) -> None:
    """K8: with the command, its status and its last lines; the rest is in a file."""
    with pytest.raises(HookError) as caught:
        room(
            "echo one > {output}/one",
            'i=0; while [ $i -lt 30 ]; do echo "line $i"; i=$((i+1)); done; exit 7',
            "echo three > {output}/three",
            place=place,
        )
    assert sorted(path.name for path in (room.root / "python").iterdir()) == ["one"]
    assert caught.value.message.startswith("a command before bundling failed: `i=0; while")
    assert caught.value.where == ("it ended with status 7", *(f"line {n}" for n in range(10, 30)))
    assert caught.value.hint is not None
    kept = Path(caught.value.hint.split("`")[1])
    assert kept.read_text().splitlines() == [f"line {n}" for n in range(30)]


@PLACES
def test_what_is_said_and_done_is_told(room: Room, place: Place) -> None:
    room("echo hello; printf 'no end'", place=place)
    started, *output, finished = room.heard.events
    assert started == HookStarted(command="echo hello; printf 'no end'")
    assert output == [HookOutput(text="hello"), HookOutput(text="no end")]
    assert isinstance(finished, HookFinished)


@PLACES
def test_nothing_can_be_asked(room: Room, place: Place) -> None:
    room("if read answer; then exit 3; fi", place=place)


def test_the_environment(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's own, the folders, and what keeps the result from depending on the clock."""
    monkeypatch.setenv("TOKEN_OF_MINE", "x")
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    room("env > {output}/env")
    found = (room.root / "python" / "env").read_text().splitlines()
    assert {
        "TOKEN_OF_MINE=x",
        "WHERRY_NAME=api",
        f"WHERRY_INPUT={room.input}",
        f"WHERRY_OUTPUT={room.root}/python",
        "SOURCE_DATE_EPOCH=315532800",
        "PYTHONDONTWRITEBYTECODE=1",
    } <= set(found)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    room("env > {output}/env")
    assert "SOURCE_DATE_EPOCH=1\n" in (room.root / "python" / "env").read_text()


def test_a_program_that_is_not_there(room: Room) -> None:
    with pytest.raises(HookError) as caught:
        room(["no-such-program", "x"])
    assert caught.value.message == "a command before bundling failed: `no-such-program x`"
    assert caught.value.where == ("it cannot be started: No such file or directory",)
    assert caught.value.hint is None


def test_a_command_that_is_killed(room: Room) -> None:
    with pytest.raises(HookError) as caught:
        room(["sh", "-c", "kill -9 $$"])
    assert caught.value.where == ("it was ended by SIGKILL",)


def test_what_a_command_leaves_running_is_not_waited_for(room: Room) -> None:
    room("sleep 600 & echo $! > {output}/pid")
    pid = int((room.root / "python" / "pid").read_text())
    import os
    import signal

    # It still runs.
    os.kill(pid, signal.SIGKILL)


def test_colours_and_progress_bars_are_not_repeated(room: Room) -> None:
    with pytest.raises(HookError) as caught:
        room("printf '\\033[31mred\\033[0m\\n10%%\\r20%%\\n\\n'; printf '\\377'; exit 1")
    assert caught.value.where[1:] == ("red", "20%", "\ufffd")


def test_passwords_in_addresses_are_not_repeated(room: Room) -> None:
    """A8: neither in the error nor in the file that is kept."""
    with pytest.raises(HookError) as caught:
        room("echo cannot fetch https://me:pa55word@packages.example/simple/; exit 1")
    assert "pa55word" not in str(caught.value)
    for path in (room.store.root / "logs-v1").iterdir():
        assert "pa55word" not in path.read_text()
