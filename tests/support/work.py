"""The work that a block does, in lines of Python: a busy machine runs as many of them as an idle one."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["at_most"]


@contextmanager
def at_most(lines: int) -> Iterator[None]:
    """Fail once this block has run more lines than this, so that it ends in any case."""
    left = lines

    def trace(frame: Any, event: str, argument: object) -> Any:
        nonlocal left
        left -= event == "line"
        assert left >= 0, f"more than {lines} lines are run"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)
