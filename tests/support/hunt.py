"""Hunting a secret: in files, in archives within them, and in what the system shows of processes."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["Seen", "Watched", "files_with", "watch"]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A process as the system showed it."""

    pid: int
    parent: int
    program: str
    arguments: bytes
    environment: bytes


@dataclass(frozen=True, kw_only=True)
class Watched:
    """A command that has ended, and every process of its session that was seen meanwhile."""

    code: int
    output: bytes
    processes: tuple[Seen, ...]

    def below(self, one: Seen, program: str) -> bool:
        """Whether it was that program, or was started by it."""
        seen: set[int] = set()
        pending = [one]
        while pending:
            each = pending.pop()
            if each.program == program:
                return True
            if each.pid not in seen:
                seen.add(each.pid)
                pending += [
                    other for other in self.processes if other.pid in {each.pid, each.parent}
                ]
        return False


def watch(
    arguments: Iterable[str | Path],
    *,
    cwd: Path,
    env: Mapping[str, str],
    kill_when: Callable[[], bool] | None = None,
) -> Watched:
    """Run Wherry in a session of its own, and look at its processes all the time.

    Args:
        arguments: of the command line.
        cwd: where it is run.
        env: its environment.
        kill_when: ends all its processes by SIGKILL once this holds.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "wherry", *map(str, arguments)],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    seen: dict[tuple[int, bytes, bytes], Seen] = {}
    done = threading.Event()

    def look() -> None:
        others: set[str] = set()
        while not done.is_set():
            for each in _session(process.pid, others):
                seen.setdefault((each.pid, each.arguments, each.environment), each)
            # An interpreter and uv take longer than this to start.
            time.sleep(0.004)

    def end() -> None:
        while kill_when is not None and process.poll() is None:
            if kill_when():
                os.killpg(process.pid, signal.SIGKILL)
                return
            time.sleep(0.01)

    threads = [threading.Thread(target=each) for each in (look, end)]
    for thread in threads:
        thread.start()
    try:
        output, _ = process.communicate()
    finally:
        done.set()
        for thread in threads:
            thread.join()
    return Watched(code=process.returncode, output=output, processes=tuple(seen.values()))


def _session(leader: int, others: set[str]) -> Iterable[Seen]:
    """The processes of a session; ``others`` are known to be of none of its, which they cannot join."""
    numbers = {name for name in os.listdir("/proc") if name.isdigit()}
    others &= numbers
    for name in numbers - others:
        try:
            # The fields are state, parent, group, session …
            words = _shown(name, "stat").rpartition(b") ")[2].split()
            if int(words[3]) != leader:
                others.add(name)
                continue
            arguments, environment = _shown(name, "cmdline"), _shown(name, "environ")
            # Last, as it may have become another program meanwhile.
            program = _shown(name, "comm").decode().rstrip("\n")
            yield Seen(
                pid=int(name),
                parent=int(words[1]),
                program=program,
                arguments=arguments,
                environment=environment,
            )
        except (OSError, ValueError, IndexError):
            # It has ended meanwhile.
            continue


def _shown(process: str, name: str) -> bytes:
    with open(f"/proc/{process}/{name}", "rb", buffering=0) as file:
        return file.readall()


def files_with(forms: Iterable[bytes], *roots: Path, but: Iterable[Path] = ()) -> list[str]:
    """The files below these folders that hold one of the forms, in their names, contents or members."""
    wanted = list(forms)
    left_out = set(but)
    found = []
    for root in roots:
        for path in sorted(root.rglob("*")):
            if path in left_out or path.is_symlink():
                continue
            contents = [os.fsencode(path)]
            if path.is_file():
                contents += _contents(path)
            found += [
                f"{path}: {form!r}" for form in wanted if any(form in each for each in contents)
            ]
    return found


def _contents(path: Path) -> list[bytes]:
    data = path.read_bytes()
    contents = [data]
    if data[:2] == b"\x1f\x8b":
        contents.append(gzip.decompress(data))
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            contents += [archive.read(name) for name in archive.namelist()]
    return contents
