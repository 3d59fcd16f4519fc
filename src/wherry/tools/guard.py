"""A small process that outlives Wherry when that is killed, and then ends the programs that it had started.

It removes temporary folders, too.

The kernel tells it: its standard input ends when Wherry does, however that comes about. A shell takes a thousandth of a
second to start, which an interpreter does not.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["guard_folder", "guarded"]

# Reads process groups, `+ N` begins and `- N` ends one, and folders, `d PATH`. At the end the groups that are left are
# ended, gently first, and the folders that are still there removed.
_SCRIPT = """
trap '' HUP INT TERM
left=
while read -r what group; do
  case $what in
    +) left="$left $group" ;;
    d) set -- "$@" "$group" ;;
    -) rest=; for each in $left; do [ "$each" = "$group" ] || rest="$rest $each"; done; left=$rest ;;
  esac
done
for each in $left; do kill -TERM "-$each"; done 2>/dev/null
tries=0
while [ -n "$left" ] && [ $tries -lt 10 ]; do
  rest=
  for each in $left; do kill -0 "-$each" && rest="$rest $each"; done 2>/dev/null
  left=$rest
  [ -z "$left" ] || sleep 0.1
  tries=$((tries + 1))
done
for each in $left; do kill -KILL "-$each"; done 2>/dev/null
[ $# -eq 0 ] || rm -rf -- "$@" 2>/dev/null
"""
_PATIENCE = 5.0

_lock = threading.Lock()
_guard: subprocess.Popen[bytes] | None = None


@contextmanager
def guarded(group: int) -> Iterator[None]:
    """Have a process group ended when this process is killed before the block ends."""
    _tell(f"+ {group}\n")
    try:
        yield
    finally:
        _tell(f"- {group}\n")


def guard_folder(folder: Path) -> None:
    """Have a folder removed when this process is killed before it has done that itself."""
    if "\n" not in (path := str(folder)):
        _tell(f"d {path}\n")


def _tell(line: str) -> None:
    global _guard  # noqa: PLW0603  one for the process
    if sys.platform == "win32":
        return
    with _lock, suppress(OSError):
        if _guard is None:
            _guard = subprocess.Popen(
                ["/bin/sh", "-c", _SCRIPT],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={"PATH": os.defpath},
                bufsize=0,
                # Ctrl-C is for Wherry.
                start_new_session=True,
            )
        assert _guard.stdin is not None  # noqa: S101
        _guard.stdin.write(line.encode("utf-8", "surrogateescape"))


@atexit.register
def _end() -> None:
    if _guard is not None and _guard.stdin is not None:
        with suppress(OSError, subprocess.TimeoutExpired):
            _guard.stdin.close()
            _guard.wait(_PATIENCE)


def _forget() -> None:
    """In a copy of this process: the guard is that of the original."""
    global _guard, _lock  # noqa: PLW0603
    _lock = threading.Lock()
    if _guard is not None and _guard.stdin is not None:
        with suppress(OSError):
            os.close(_guard.stdin.fileno())
    _guard = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
