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
        from wherry.deferred import defer_imports

        defer_imports()
        from wherry.cli.process import leave, prepare

        prepare()
        from wherry.cli import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        # While modules were imported, or an error was being shown. SIGTERM and SIGHUP come as this, too.
        ended_by = getattr(sys.modules.get("wherry.cli.process"), "ended_by", None)
        os._exit(128 + ended_by() if ended_by is not None else 130)
    leave(code)


if __name__ == "__main__":
    main()
