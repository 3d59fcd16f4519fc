"""Where the function runs: a file system like Lambda's where the system lets one be made, else real folders.

Whether it lets is tried, not assumed. ``WHERRY_INVOKE_NAMESPACES=never`` asks for the real folders; ``always``
makes it an error that there are no namespaces.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wherry.errors import InvokeError
from wherry.invoke.variables import Places, credential_files
from wherry.store.temporary import temporary_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from wherry.invoke.debugging import Debugger
    from wherry.invoke.interpreter import Interpreter

__all__ = ["Contents", "Exited", "Process", "Sandbox"]

SWITCH = "WHERRY_INVOKE_NAMESPACES"
_PATIENCE = 10.0
_HIDDEN = ("/opt/", "/tmp/", "/var/lang/", "/var/runtime/", "/var/task/")  # noqa: S108


@dataclass(frozen=True, kw_only=True, slots=True)
class Contents:
    """The folders of the store that the function is to find at Lambda's places."""

    task: Path
    layers: Path | None
    runtime: Path
    provided: Path | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Exited:
    """The function's process has ended: its exit code, negative for a signal, and peak memory in bytes."""

    status: int
    peak_memory: int | None


class Sandbox:
    """Starts processes that see the contents where Lambda has them, or as near as can be."""

    def __init__(
        self,
        contents: Contents,
        interpreter: Interpreter,
        *,
        debugger: Debugger | None = None,
        terminal: int | None = None,
    ) -> None:
        """Nothing is started yet. The terminal is a descriptor that a debugger of the function reads from."""
        self._debugger, self._terminal = debugger, terminal
        choice = os.environ.get(SWITCH, "auto")
        if choice not in {"auto", "always", "never"}:
            raise InvokeError(f"`{SWITCH}` is `{choice}`", hint="it is one of auto, always, never")
        self._contents = contents
        self._interpreter = interpreter
        self._stack = ExitStack()
        self._folder = self._stack.enter_context(temporary_folder("invoke"))
        (self._folder / "root").mkdir()
        (self._folder / "opt").mkdir()
        version = f"python{interpreter.version[0]}.{interpreter.version[1]}"
        self._names = ("python", "python3", version)
        self._provided = f"/var/lang/lib/{version}/site-packages"
        self.isolated = False
        self.why_not: str | None = None
        if choice == "never":
            self.why_not = f"`{SWITCH}` says never"
        elif sys.platform != "linux":
            self.why_not = "only Linux has them"
        else:
            self.isolated = self._try()
        if choice == "always" and not self.isolated:
            self.close()
            raise InvokeError(
                "this system lets no namespaces be made",
                where=[self.why_not or "it does not say why"],
            )
        self.places = (
            Places(
                task="/var/task",
                layers="/opt",
                runtime="/var/runtime",
                binaries="/var/lang/bin",
                provided=self._provided,
            )
            if self.isolated
            else self._real_places()
        )

    def close(self) -> None:
        """Remove what was made outside of the sandbox."""
        self._stack.close()

    def start(
        self,
        variables: dict[str, str],
        *,
        on_output: Callable[[bytes], None],
        on_exit: Callable[[Exited], None],
    ) -> Process:
        """Start the runtime.

        Args:
            variables: the whole environment.
            on_output: called, in a thread, with what the process writes to stdout and stderr.
            on_exit: called once, in a thread, when the process has ended.

        Raises:
            InvokeError: it cannot be started.
        """
        python = str(self._interpreter.path)
        flags = ["-S"] if self.isolated else ["-S", "-B"]
        script = f"{self.places.runtime}/bootstrap.py"
        argv = [python, *flags, script, self.places.layers, self.places.provided]
        debugger = self._debugger
        if debugger is not None or self._terminal is not None:
            argv += ["" if self._terminal is None else str(self._terminal)]
        if debugger is not None:
            argv += [str(debugger.folder), str(debugger.port)]
            # Modules that are frozen into the interpreter cannot be stepped through.
            argv[1:1] = ["-X", "frozen_modules=off"]
        plan = {
            "argv": argv,
            "env": variables,
            "cwd": self.places.task,
            "sandbox": self._plan() if self.isolated else None,
            "terminal": self._terminal,
        }
        process = Process(plan, on_output=on_output, on_exit=on_exit)
        if process.failed is not None:
            process.end()
            raise InvokeError("the function's process cannot be started", where=[process.failed])
        return process

    def _plan(self) -> dict[str, Any]:
        contents = self._contents
        kept = {os.path.realpath(folder) for folder in self._interpreter.folders}
        kept |= {*self._interpreter.folders, str(self._interpreter.path)}
        kept |= {os.path.realpath(self._interpreter.path), *credential_files(os.environ)}
        if self._debugger is not None:
            kept.add(str(self._debugger.folder / "debugpy"))
        # Outer folders first: what they hold is then there already.
        kept = {path for path in kept if path.startswith(_HIDDEN)}
        return {
            "root": str(self._folder / "root"),
            "task": str(contents.task),
            "layers": str(contents.layers) if contents.layers else None,
            "runtime": str(contents.runtime),
            "provided": str(contents.provided) if contents.provided else None,
            "provided_at": self._provided,
            "python": str(self._interpreter.path),
            "names": self._names,
            "keep": sorted(kept),
        }

    def _try(self) -> bool:
        """Whether a process can be started in a sandbox."""
        done: queue.SimpleQueue[Exited] = queue.SimpleQueue()
        said: list[bytes] = []
        plan = {
            "argv": [str(self._interpreter.path), "-I", "-S", "-c", "import socket, json"],
            "env": {},
            "cwd": "/var/task",
            "sandbox": self._plan(),
        }
        process = Process(plan, on_output=said.append, on_exit=done.put)
        try:
            if process.failed is not None:
                self.why_not = process.failed
                return False
            if done.get(timeout=_PATIENCE).status != 0:
                last = b"".join(said).decode(errors="replace").strip().splitlines()
                self.why_not = f"the interpreter does not run in one: {last[-1] if last else 'it says nothing'}"
                return False
        except queue.Empty:
            self.why_not = "the interpreter does not end in one"
            return False
        finally:
            process.end()
        return True

    def _real_places(self) -> Places:
        binaries = self._folder / "bin"
        binaries.mkdir()
        for name in self._names:
            with suppress(OSError):  # Windows lets not everybody make links
                (binaries / name).symlink_to(self._interpreter.path)
        contents = self._contents
        return Places(
            task=str(contents.task),
            layers=str(contents.layers or self._folder / "opt"),
            runtime=str(contents.runtime),
            binaries=str(binaries),
            provided=str(contents.provided or self._folder / "opt"),
        )


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
        self._settled = threading.Event()
        self._reading = threading.Lock()
        self._ended = self._drained = False
        self._read, write = os.pipe()
        try:
            self._supervisor = subprocess.Popen(
                [sys.executable, "-I", "-S", str(Path(__file__).with_name("supervisor.py"))],
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
        if not self._settled.wait(_PATIENCE):
            self.failed = "the supervisor does not answer"

    def peak_memory(self) -> int | None:
        """The most memory that the function's process has had so far, in bytes."""
        if self._supervisor.poll() is not None or not self._tell("peak"):
            return None
        try:
            return self._answers.get(timeout=_PATIENCE)
        except queue.Empty:
            return None

    def catch_up(self) -> None:
        """Have handed on whatever the process has written by now."""
        while self._pump(wait=0):
            pass
        # What another thread has read it may not have handed on yet.
        with self._reading:
            pass

    def end(self) -> None:
        """End the function's process and all that it started."""
        if self._ended:
            return
        self._ended = True
        with suppress(OSError):
            self._stdin.close()
        try:
            self._supervisor.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._supervisor.kill()
            self._supervisor.wait()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(_PATIENCE)
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
        exited = None
        for line in self._stdout:
            said = json.loads(line)
            if "failed" in said:
                self.failed = said["failed"]
            if "exit" in said:
                exited = Exited(status=said["exit"], peak_memory=said["peak"])
            if "peak" in said:
                self._answers.put(said["peak"])
            self._settled.set()
        if not self._settled.is_set():
            self.failed = "the supervisor ended"
            self._settled.set()
        if self.failed is None:
            self.catch_up()
            self._on_exit(exited or Exited(status=-9, peak_memory=None))

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


# What Wherry's own interpreter may need to start, and what Windows always does.
_OWN_NEEDS = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TEMP")
