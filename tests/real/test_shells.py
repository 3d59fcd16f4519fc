"""Completion in bash, zsh and fish as a user has it: on a terminal, with the Tab key."""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from support.projects import write_files

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(sys.platform != "linux", reason="shells are installed by apt-get"),
]

SETTINGS = "[functions.orders]\n[layers.dependencies]\n[stages.production]\n[stages.staging]\n"
STARTED = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "--interactive"],
}
SET_UP = {
    "bash": 'eval "$(wherry completion bash)"',
    "zsh": 'autoload -Uz compinit && compinit -u && eval "$(wherry completion zsh)"',
    "fish": "wherry completion fish | source",
}


@pytest.fixture(scope="session")
def shells() -> None:
    missing = [name for name in STARTED if shutil.which(name) is None]
    install = [
        "apt-get",
        "-o",
        "DPkg::Lock::Timeout=120",
        "install",
        "-y",
        "-q",
        "--no-install-recommends",
    ]
    if missing:
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run([*install, *missing], env=quiet, check=True, stdout=subprocess.DEVNULL)


class Terminal:
    """A shell on a terminal of its own."""

    def __init__(self, shell: str, folder: Path) -> None:
        import pty

        self._child, self._master = pty.fork()
        if not self._child:
            os.chdir(folder)
            path = f"{folder / 'bin'}:{os.environ['PATH']}"
            environment = {
                "PATH": path,
                "HOME": str(folder),
                "TERM": "dumb",
                "LC_ALL": "C.UTF-8",
                "PS1": "> ",
            }
            os.execvpe(shell, STARTED[shell], environment)

    def type(self, keys: str, until: str, seconds: float = 30) -> str:
        """Type, and return what the terminal shows from then on, once it shows ``until``."""
        os.write(self._master, keys.encode())
        shown, end = "", time.monotonic() + seconds
        while not re.search(until, shown):
            assert time.monotonic() < end, f"no {until!r} in {shown!r}"
            if select.select([self._master], [], [], 0.2)[0]:
                shown += os.read(self._master, 65536).decode(errors="replace")
        return shown

    def close(self) -> None:
        os.close(self._master)
        os.waitpid(self._child, 0)


@pytest.mark.usefixtures("shells")
@pytest.mark.parametrize("shell", STARTED)
def test_the_tab_key(shell: str, tmp_path: Path) -> None:
    script = f'#!/bin/sh\nexec "{sys.executable}" -m wherry "$@"\n'
    write_files(tmp_path, {"wherry.toml": SETTINGS, "bin/wherry": script})
    (tmp_path / "bin" / "wherry").chmod(0o755)
    terminal = Terminal(shell, tmp_path)
    try:
        terminal.type(f"{SET_UP[shell]}; echo re''ady\n", "ready\r")
        # A single candidate is filled in. The word after it is on the line that the shell then runs.
        for typed, whole in (
            ("wherry build or", "wherry build orders"),
            ("wherry deploy st", "wherry deploy staging"),
            ("wherry deploy staging dep", "wherry deploy staging dependencies"),
            ("wherry event cloudwatch-l", "wherry event cloudwatch-logs"),
            ("wherry build --architecture=a", "wherry build --architecture=arm64"),
            ("wherry build --runtime python3.9", "wherry build --runtime python3.9"),
        ):
            terminal.type(f"{typed}\t", ".")
            time.sleep(1.0)
            # Control-A and a word before it make the line harmless.
            shown = terminal.type("\x01echo @ \x05;\n", r"\n@ .*\r")
            line = re.findall(r"\n@ (.*?) *\r", shown)[-1]
            assert line == whole, shown
    finally:
        terminal.close()
