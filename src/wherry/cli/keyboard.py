"""The terminal from which ``breakpoint()`` in a function reads."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wherry.cli.render import Terminal
    from wherry.invoke.outcome import Invocation

__all__ = ["keyboard", "warn_of_prompt"]


def keyboard() -> int | None:
    """A descriptor of the terminal from which a function's debugger can read; None without a terminal."""
    if not sys.stderr.isatty() or sys.platform == "win32":
        return None
    try:
        return os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        return None


def warn_of_prompt(invocation: Invocation, terminal: Terminal) -> None:
    """Say why a function failed that stopped for ``breakpoint()`` where there is no terminal."""
    if invocation.error is not None and invocation.error.type == "BdbQuit":
        terminal.warn(
            "the function stopped for a debugger, and there is no terminal",
            hint="run it on one, or attach an editor with --debug PORT",
        )
