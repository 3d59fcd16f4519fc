"""Stepping through a function: debugpy for editors, the terminal for ``breakpoint()``.

debugpy is not a part of Wherry: it is taken from the project's environment, from the interpreter that runs the function,
from Wherry's own, or from the extension of Visual Studio Code.
"""

from __future__ import annotations

import importlib.util
import os
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from wherry.errors import InvokeError
from wherry.files import real_path, reason_of
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from wherry.events import DebuggerAwaited, Reporter
    from wherry.invoke.interpreter import Interpreter

__all__ = [
    "PROMPTS",
    "Debugger",
    "DebuggerPort",
    "Debuggers",
    "Debugging",
    "find_debugpy",
    "launch_configuration",
]

PROMPTS = (b"(Pdb) ", b"(Pdb++) ", b"ipdb> ")
"""The ends of output after which a debugger on the terminal waits for a command."""

_SKIPPED = frozenset({"__pycache__", "build", "dist", "node_modules", "site-packages", "venv"})
_MOST_FILES = 20_000


class DebuggerPort:
    """A port that debugpy listens on in one process at a time: the next one waits for the end of the last."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._changed = threading.Condition()
        self._owner: object | None = None

    @property
    def is_used(self) -> bool:
        """Whether one of Wherry's own processes listens on it."""
        return self._owner is not None

    def take(self, owner: object, is_wanted: Callable[[], bool]) -> bool:
        """Wait until nobody else has it, and have it; False where it is not wanted any more."""
        with self._changed:
            while self._owner not in {None, owner}:
                if not is_wanted():
                    return False
                self._changed.wait(0.1)
            self._owner = owner
        return True

    def leave(self, owner: object) -> None:
        """Let the next one have it, if the owner has it."""
        with self._changed:
            if self._owner is owner:
                self._owner = None
                self._changed.notify_all()


class Debugging(Struct, frozen=True, kw_only=True):
    """The user's wish to step through a function.

    Attributes:
        port: on which debugpy listens; None without it.
        terminal: a descriptor of the terminal that ``pdb`` reads from; None without one.
        name: of the configuration that an editor gets.
        on_awaited: told where a debugger is awaited; None for the session's reporter.
    """

    project: Path
    port: DebuggerPort | None = None
    terminal: int | None = None
    name: str = "wherry"
    on_awaited: Callable[[DebuggerAwaited], None] | None = None


class Debugger(Struct, frozen=True, kw_only=True):
    """debugpy, found: the folder that holds its package, and the port on which it listens."""

    folder: Path
    port: int


def find_debugpy(interpreter: Interpreter, debugging: Debugging) -> Debugger | None:
    """The debugger where it is installed; None where it is not asked for.

    Raises:
        InvokeError: it is nowhere, or its port is taken.
    """
    port = debugging.port
    if port is None:
        return None
    for folder in _folders(interpreter, debugging.project):
        if (folder / "debugpy" / "__init__.py").is_file():
            break
    else:
        raise InvokeError(
            "debugpy is not installed",
            where=[
                f"it is not in `{debugging.project / '.venv'}`, in `{interpreter.path}` or in Wherry's own Python"
            ],
            hint="install it for the project with `uv pip install debugpy`, or with `uv add --dev debugpy`",
        )
    # While a function is loaded again, its last process may still have it.
    if not port.is_used:
        _check_port(port.number)
    return Debugger(folder=real_path(folder / "debugpy").parent, port=port.number)


def _check_port(port: int) -> None:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            raise InvokeError(
                f"the debugger cannot listen on 127.0.0.1 port {port}",
                where=[reason_of(error)],
                hint="choose another with `--debug`",
            ) from error


def _folders(interpreter: Interpreter, project: Path) -> Iterator[Path]:
    """The folders that may hold debugpy, the project's own first."""
    environments = [project / ".venv", project / "venv"]
    environments += [
        Path(os.environ[name]) for name in ("VIRTUAL_ENV", "CONDA_PREFIX") if name in os.environ
    ]
    # Of an interpreter: the environment that it is in, and the Python that this was made from.
    environments += [interpreter.path.parent.parent, *map(Path, interpreter.folders)]
    version = f"python{interpreter.version[0]}.{interpreter.version[1]}"
    for environment in environments:
        yield environment / "lib" / version / "site-packages"
        yield environment / "Lib" / "site-packages"
        yield from sorted(environment.glob("lib/python3*/site-packages"))
    if (found := importlib.util.find_spec("debugpy")) is not None and found.origin:
        yield Path(found.origin).parent.parent
    extensions = [Path.home() / each / "extensions" for each in (".vscode", ".vscode-server")]
    for folder in extensions:
        yield from sorted(folder.glob("ms-python.debugpy-*/bundled/libs"), reverse=True)


def launch_configuration(
    port: int, project: Path, places: Mapping[str, Path], *, name: str = "wherry"
) -> dict[str, Any]:
    """The configuration of an editor that attaches to the function, as Visual Studio Code has it in ``launch.json``.

    ``places`` are the folders that the function sees, each with the unpacked folder that it is.
    """
    return {
        "name": name,
        "type": "debugpy",
        "request": "attach",
        "connect": {"host": "127.0.0.1", "port": port},
        "pathMappings": [
            {"localRoot": local, "remoteRoot": remote}
            for local, remote in _mappings(real_path(project), places)
        ],
        "justMyCode": False,
    }


def _mappings(project: Path, places: Mapping[str, Path]) -> list[tuple[str, str]]:
    """Folders of the project, and where the function has their files.

    A file of the project belongs to one of a package if its path ends with the other's, and its content is the same.
    """
    found: dict[tuple[str, str], dict[str, None]] = {}
    for number, path in enumerate(_sources(project)):
        if number > _MOST_FILES:
            break
        parts = path.relative_to(project).parts
        for remote, unpacked in places.items():
            for start in range(len(parts)):
                packed = unpacked.joinpath(*parts[start:])
                if packed.is_file() and packed.read_bytes() == path.read_bytes():
                    root = str(project.joinpath(*parts[:start]))
                    found.setdefault((root, remote), {}).setdefault(parts[start])
                    break
    remotes = [remote for _, remote in found]
    mappings = []
    for (root, remote), names in found.items():
        if remotes.count(remote) == 1:
            mappings.append((root, remote))
        else:
            # Several folders of the project lie in one: each name on its own.
            mappings += [(str(Path(root, name)), f"{remote}/{name}") for name in names]
    return mappings


def _sources(project: Path) -> Iterator[Path]:
    for folder, names, files in os.walk(project):
        names[:] = sorted(
            name
            for name in names
            if not name.startswith(".")
            and name not in _SKIPPED
            and not (Path(folder) / name / "pyvenv.cfg").exists()
        )
        yield from (Path(folder) / name for name in sorted(files) if name.endswith(".py"))


_LAST_PORT = 65535


class Debuggers:
    """Gives each function what it needs to be stepped through."""

    def __init__(self, wish: Debugging, reporter: Reporter, *, concurrency: int) -> None:
        """Begin with the port that is wished for the first function; the others have those after it.

        Raises:
            InvokeError: a function would have more environments than a debugger can step through.
        """
        if wish.port is not None and concurrency > 1:
            raise InvokeError(
                f"a debugger steps through one environment of a function, not through {concurrency}",
                hint="leave out `--concurrency`",
            )
        self._wish, self._reporter = wish, reporter
        self._ports: dict[str, DebuggerPort] = {}
        self._told: dict[int, DebuggerAwaited] = {}
        self._lock = threading.Lock()

    @property
    def are_awaited(self) -> bool:
        """Whether functions wait for an editor before they are loaded."""
        return self._wish.port is not None

    def assign(self, names: Iterable[str]) -> None:
        """Give functions that have none a port, in their order.

        Raises:
            InvokeError: there are no more.
        """
        if self._wish.port is None:
            return
        first = self._wish.port.number
        for name in names:
            if name not in self._ports:
                number = first + len(self._ports)
                if number > _LAST_PORT:
                    raise InvokeError(
                        f"there is no port for the debugger of `{name}`",
                        where=[f"the first function has {first}, and each other the next"],
                        hint="choose a lower one with `--debug`, or name the functions to serve",
                    )
                self._ports[name] = DebuggerPort(number)

    def of(self, name: str) -> Debugging:
        """The debugging of a function, which was given a port before."""
        return replace(
            self._wish,
            port=self._ports.get(name),
            name="wherry" if len(self._ports) < 2 else f"wherry {name}",
            on_awaited=self._tell,
        )

    def _tell(self, event: DebuggerAwaited) -> None:
        """Tell where a debugger is awaited; what an editor needs, only where that is new."""
        with self._lock:
            known = self._told.get(event.port) == event
            self._told[event.port] = event
        self._reporter.emit(replace(event, configuration=None) if known else event)
