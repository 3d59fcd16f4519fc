"""Where the function runs: a file system like Lambda's if the system allows one, otherwise real folders.

Whether it lets is tried, not assumed. ``WHERRY_INVOKE_NAMESPACES=never`` asks for the real folders; ``always``
makes it an error that there are no namespaces.
"""

from __future__ import annotations

import os
import queue
import sys
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any

from wherry.errors import InvokeError
from wherry.files import ProjectFiles
from wherry.invoke.process import PATIENCE, Exited, Process
from wherry.invoke.runnable import Limits
from wherry.invoke.variables import Places, credential_files
from wherry.store.temporary import temporary_folder
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from wherry.invoke.debugging import Debugger
    from wherry.invoke.interpreter import Interpreter

__all__ = ["Contents", "Sandbox"]

SWITCH = "WHERRY_INVOKE_NAMESPACES"
_WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER"
_HIDDEN = ("/opt/", "/run/", "/tmp/", "/var/lang/", "/var/runtime/", "/var/task/")  # noqa: S108


class Contents(Struct, frozen=True, kw_only=True):
    """The folders of the store that the function is to find at Lambda's places."""

    task: Path
    layers: Path | None
    runtime: Path
    provided: Path | None


class Sandbox:
    """Starts processes that see the contents where Lambda has them, or as near as can be."""

    def __init__(
        self,
        contents: Contents,
        interpreter: Interpreter,
        *,
        limits: Limits | None = None,
        debugger: Debugger | None = None,
        terminal: int | None = None,
        files: ProjectFiles | None = None,
    ) -> None:
        """Nothing is started yet; memory and ``/tmp`` are limited here, and ``files`` try once whether there are namespaces."""
        self._debugger, self._terminal = debugger, terminal
        choice = os.environ.get(SWITCH, "auto")
        if choice not in {"auto", "always", "never"}:
            raise InvokeError(f"`{SWITCH}` is `{choice}`", hint="it is one of auto, always, never")
        self._contents, self._limits = contents, limits or Limits()
        self._interpreter = interpreter
        self._process: Process | None = None
        self._stack = ExitStack()
        self._folder = self._stack.enter_context(temporary_folder("invoke"))
        (self._folder / "root").mkdir()
        (self._folder / "opt").mkdir()
        version = f"python{interpreter.version[0]}.{interpreter.version[1]}"
        self._names = ("python", "python3", version)
        self._provided = f"/var/lang/lib/{version}/site-packages"
        self.why_not: str | None
        if choice == "never":
            self.why_not = f"`{SWITCH}` says never"
        elif sys.platform != "linux":
            self.why_not = "only Linux has them"
        else:
            key = ("namespaces", interpreter.path)
            self.why_not = (files or ProjectFiles()).once(key, self._try)
        self.isolated = self.why_not is None
        if choice == "always" and not self.isolated:
            self.close()
            raise InvokeError(
                "this system allows no namespaces",
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
        """End what still runs, and remove what was made outside of the sandbox."""
        if self._process is not None:
            self._process.close()
        self._stack.close()

    def start(
        self,
        variables: dict[str, str],
        *,
        on_output: Callable[[bytes], None],
        on_exit: Callable[[Exited], None],
    ) -> Process:
        """Start the runtime. What an earlier one has left in ``/tmp`` is still there, as on Lambda.

        ``on_output`` is called with what the process writes to stdout and stderr, ``on_exit`` once when it has ended;
        both in a thread.

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
        if wrapper := variables.get(_WRAPPER):
            # A script of a layer, which starts the runtime that its arguments are.
            argv.insert(0, wrapper)
        plan = {
            "argv": argv,
            "env": variables,
            "cwd": self.places.task,
            "memory": self._limits.most_memory,
            "sandbox": self._plan() if self.isolated else None,
            "terminal": self._terminal,
        }
        if self._process is not None:
            if self._process.again(plan, on_output=on_output, on_exit=on_exit):
                return self._process
            self._process.close()
            self._process = None
        process = Process(plan, on_output=on_output, on_exit=on_exit)
        if process.failed is not None:
            process.close()
            raise InvokeError("the function's process cannot be started", where=[process.failed])
        if self.isolated:
            self._process = process
        return process

    def _plan(self) -> dict[str, Any]:
        contents = self._contents
        kept = {os.path.realpath(folder) for folder in self._interpreter.folders}
        kept |= {*self._interpreter.folders, str(self._interpreter.path)}
        files = credential_files(os.environ)
        kept |= {os.path.realpath(self._interpreter.path), *files, *map(os.path.realpath, files)}
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
            "tmp_size": self._limits.ephemeral_storage,
            "keep": sorted(kept),
        }

    def _try(self) -> str | None:
        """The reason why no process can be started in a sandbox; None if one can."""
        done: queue.SimpleQueue[Exited] = queue.SimpleQueue()
        said: list[bytes] = []
        plan = {
            "argv": [str(self._interpreter.path), "-I", "-S", "-c", "import socket, json"],
            "env": {},
            "cwd": "/var/task",
            "memory": None,
            "sandbox": self._plan(),
        }
        process = Process(plan, on_output=said.append, on_exit=done.put)
        try:
            if process.failed is not None:
                return process.failed
            if done.get(timeout=PATIENCE).status != 0:
                last = b"".join(said).decode(errors="replace").strip().splitlines()
                return f"the interpreter does not run in one: {last[-1] if last else 'it says nothing'}"
        except queue.Empty:
            return "the interpreter does not end in one"
        finally:
            process.close()
        return None

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
