"""The Python that builds wheels for a target: one of the target's minor version, where this machine has one.

Code of a source tree may ask which Python runs it, and come out otherwise, or fail. What was found is remembered, so
that a build starts no interpreter to find one.
"""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wherry.store.memo import Memo, memo_key
from wherry.structs import Struct

if TYPE_CHECKING:
    from wherry.context import Context

__all__ = ["BuildPython", "build_python", "running_python"]

# The path, version and machine of an interpreter, and what the file system says of it; empty where none was found.
_FOUND: Memo[list[Any]] = Memo("interpreters", list, list)


class BuildPython(Struct, frozen=True, kw_only=True):
    """An interpreter that runs build backends.

    Attributes:
        machine: the processor it was compiled for, as ``platform.machine`` tells it.
        identity: a text that tells it from any other.
        release: its version with the patch level, such as ``3.13.1``.
    """

    path: Path
    version: tuple[int, int]
    machine: str
    identity: str
    release: str = ""


def running_python() -> BuildPython:
    """The interpreter that runs Wherry."""
    real = os.path.realpath(sys.executable)
    return BuildPython(
        path=Path(sys.executable),
        version=(sys.version_info[0], sys.version_info[1]),
        machine=platform.machine(),
        identity=f"{sys.implementation.name} {sys.version} {sys.platform} {real}",
        release=".".join(map(str, sys.version_info[:3])),
    )


def build_python(context: Context) -> BuildPython:
    """The interpreter of the target's minor version; that which runs Wherry where there is none."""
    wanted = context.target.runtime.python
    running = running_python()
    if running.version == wanted and sys.implementation.name == "cpython":
        return running
    return context.files.once(("build-python", wanted), lambda: _found(wanted, context)) or running


def _found(wanted: tuple[int, int], context: Context) -> BuildPython | None:
    from wherry.tools.interpreter import search_facts, search_interpreter

    key = memo_key(search_facts(wanted))
    known = _FOUND.recall(context.store, key)
    # On Windows a launcher may know more than the facts tell.
    if known is not None and (_is_unchanged(known) if known else sys.platform != "win32"):
        return _as_python(known)
    found = search_interpreter(wanted)
    facts: list[Any] = []
    if found is not None:
        path = os.path.realpath(found.path)
        facts = [path, list(found.version), found.machine, *_stat(path)]
    _FOUND.remember(context.store, key, facts)
    return _as_python(facts)


def _as_python(facts: list[Any]) -> BuildPython | None:
    if not facts:
        return None
    path, version, machine, *rest = facts
    return BuildPython(
        path=Path(path),
        version=(version[0], version[1]),
        machine=machine,
        identity=f"cpython {version} {sys.platform} {machine} {path} {rest}",
        release=".".join(map(str, version)),
    )


def _is_unchanged(facts: list[Any]) -> bool:
    return facts[3:] == _stat(facts[0])


def _stat(path: str) -> list[int]:
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError:
        return []
    return [status.st_size, status.st_mtime_ns]
