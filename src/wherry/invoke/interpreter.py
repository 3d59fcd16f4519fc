"""An interpreter of the target's minor version, found on this machine and asked what it is."""

from __future__ import annotations

import json
import os
import shutil
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wherry.errors import InvokeError, ToolError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Interpreter", "find_interpreter"]

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Interpreter:
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


def find_interpreter(wanted: tuple[int, int], *, python: Path | None = None) -> Interpreter:
    """An interpreter of this major and minor version.

    Args:
        wanted: the version.
        python: the interpreter to take, and no other.

    Raises:
        InvokeError: there is none, or the one that was named is another or does not run.
    """
    version = f"{wanted[0]}.{wanted[1]}"
    if python is not None:
        path = shutil.which(python) or str(python)
        found = _ask(path)
        if found is None:
            raise InvokeError(f"`{python}` is not a CPython interpreter that can be run")
        if found.version[:2] != wanted:
            raise InvokeError(
                f"`{python}` is Python {'.'.join(map(str, found.version))}",
                where=[f"the package was built for Python {version}"],
                hint=f"name a Python {version}, or build for another runtime with `--runtime`",
            )
        return found
    tried: set[str] = set()
    for candidate in _candidates(version):
        if candidate in tried:
            continue
        tried.add(candidate)
        found = _ask(candidate)
        if found is not None and found.version[:2] == wanted:
            return found
    raise InvokeError(
        f"there is no Python {version} on this machine to run the package with",
        where=[f"looked for `python{version}` on PATH, and for what pyenv and uv have installed"],
        hint=f"install one with `uv python install {version}`, name one with `--python PATH`,\n"
        "or build for a runtime whose Python is here with `--runtime`",
    )


def _candidates(version: str) -> Iterator[str]:
    from wherry.tools.uv import find_uv

    if f"{sys.version_info[0]}.{sys.version_info[1]}" == version:
        yield sys.executable
    if found := shutil.which(f"python{version}"):
        yield found
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for folder in sorted(pyenv.glob(f"versions/{version}.*"), reverse=True):
        yield str(folder / "bin" / "python")
    with suppress(ToolError):
        if found := _output([find_uv(), "python", "find", "--no-project", "--no-config", version]):
            yield found
    where = "import sys; print(sys.executable)"
    if sys.platform == "win32" and (found := _output(["py", f"-{version}", "-c", where])):
        yield found


def _ask(path: str) -> Interpreter | None:
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
