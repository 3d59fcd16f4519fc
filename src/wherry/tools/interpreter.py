"""Interpreters of other versions of Python, found on this machine and asked what they are."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Interpreter", "ask_interpreter", "search_facts", "search_interpreter"]

_PROBE = """
import json, platform, sys, sysconfig
print()
print(json.dumps({
    "executable": getattr(sys, "_base_executable", None) or sys.executable,
    "implementation": sys.implementation.name,
    "version": list(sys.version_info[:3]),
    "machine": platform.machine(),
    "suffix": sysconfig.get_config_var("EXT_SUFFIX") or "",
    "folders": [sys.base_prefix, sys.base_exec_prefix, sysconfig.get_path("stdlib")],
}))
"""
_PATIENCE = 30.0


class Interpreter(Struct, frozen=True, kw_only=True):
    """A Python that was run and answered.

    Attributes:
        path: of the executable, that of the installation where a virtual environment was named.
        version: such as ``(3, 13, 1)``.
        machine: the processor it was compiled for, as ``platform.machine`` tells it.
        suffix: what the names of its extension modules end in.
        folders: where its own files lie.
    """

    path: Path
    version: tuple[int, int, int]
    machine: str
    suffix: str
    folders: tuple[str, ...]


def search_interpreter(wanted: tuple[int, int]) -> Interpreter | None:
    """An interpreter of this major and minor version: on PATH, of pyenv or of uv; None where there is none."""
    tried: set[str] = set()
    for candidate in _candidates(f"{wanted[0]}.{wanted[1]}"):
        if candidate in tried:
            continue
        tried.add(candidate)
        found = ask_interpreter(candidate)
        if found is not None and found.version[:2] == wanted:
            return found
    return None


def search_facts(wanted: tuple[int, int]) -> list[object]:
    """The facts that decide what ``search_interpreter`` finds, gathered without starting a process."""
    version = f"{wanted[0]}.{wanted[1]}"
    return [
        sys.executable,
        version,
        shutil.which(f"python{version}"),
        *([str(path) for path in found] for found in (_of_pyenv(version), _of_uv(version))),
    ]


def _candidates(version: str) -> Iterator[str]:
    if f"{sys.version_info[0]}.{sys.version_info[1]}" == version:
        yield sys.executable
    # A shim of pyenv takes longer to start than the interpreter, which is among those of pyenv.
    if (found := shutil.which(f"python{version}")) and not Path(found).is_relative_to(
        _pyenv() / "shims"
    ):
        yield found
    for folder in _of_pyenv(version):
        yield str(folder / "bin" / "python")
    for folder in _of_uv(version):
        # uv itself would ask every interpreter of the machine, which takes as long as a small build.
        yield str(folder / ("python.exe" if sys.platform == "win32" else "bin/python"))
    where = "import sys; print(sys.executable)"
    if sys.platform == "win32" and (found := _output(["py", f"-{version}", "-c", where])):
        yield found


def _of_uv(version: str) -> list[Path]:
    """The folders of the interpreters that uv has installed, the highest text first."""
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    if sys.platform == "win32":
        home = os.environ.get("APPDATA") or Path.home()
    installed = Path(os.environ.get("UV_PYTHON_INSTALL_DIR") or Path(home) / "uv" / "python")
    return sorted(installed.glob(f"cpython-{version}.*"), reverse=True)


def _of_pyenv(version: str) -> list[Path]:
    """The folders of a version's patch levels, the highest text first."""
    return sorted(_pyenv().glob(f"versions/{version}.*"), reverse=True)


def _pyenv() -> Path:
    return Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")


def ask_interpreter(path: str) -> Interpreter | None:
    """The interpreter with this path; None where it is no CPython that runs."""
    # Not `-S`: only `site` knows what a virtual environment was made from.
    said = _output([path, "-I", "-c", _PROBE])
    try:
        answer = json.loads((said or "").splitlines()[-1])
    except (ValueError, IndexError):
        return None
    if answer["implementation"] != "cpython":
        return None
    base = answer["executable"]
    return Interpreter(
        path=Path(base if os.access(base, os.X_OK) else path),
        version=tuple(answer["version"]),
        machine=answer["machine"],
        suffix=answer["suffix"],
        folders=tuple(answer["folders"]),
    )


def _output(command: list[str]) -> str | None:
    """The output of a command, without the line's end; None when it fails."""
    import subprocess

    try:
        done = subprocess.run(
            command,
            env={**os.environ, "UV_PYTHON_DOWNLOADS": "never"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_PATIENCE,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    said = done.stdout.decode("utf-8", "surrogateescape").strip()
    return said if done.returncode == 0 else None
