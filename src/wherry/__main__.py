"""``python -m wherry`` and the ``wherry`` command."""

from __future__ import annotations

import gc
import os
import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line and leave with its exit code."""
    # A build makes ten thousand entries and no cycles: collecting them would find nothing, several times.
    gc.disable()
    try:
        from wherry.cli.process import leave, prepare

        prepare()
        from wherry.cli import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        # While modules were imported, or an error was being shown.
        os._exit(130)
    leave(code)


if __name__ == "__main__":
    main()
