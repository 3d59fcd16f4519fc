"""``python -m wherry`` and the ``wherry`` command."""

from __future__ import annotations

import gc
import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line and leave with its exit code."""
    # A build makes ten thousand entries and no cycles: collecting them would find nothing, several times.
    gc.disable()
    from wherry.cli import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
