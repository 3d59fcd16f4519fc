"""The output of a backend or a compiler: its last lines for the error, the whole of it in a file."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.store import Store

__all__ = ["keep_log", "last_lines"]

_LAST_LINES = 20


def keep_log(text: str, *, label: str, store: Store) -> Path | None:
    """Keep a log in the store; where it is, or None when there is nothing to keep, or no way to."""
    if not text.strip():
        return None
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    kept = store.folder("logs", f"{label.lower()}-{digest}.log")
    try:
        kept.write_text(text, encoding="utf-8")
    except OSError:
        return None
    return kept


def last_lines(text: str) -> list[str]:
    """The last lines that are not empty.

    The frames of tracebacks are left out, which help only the author of the backend.
    """
    kept: list[str] = []
    within = False
    for line in (line.rstrip() for line in text.splitlines() if line.strip()):
        if line.lstrip(" |+").startswith("Traceback (most recent call last)"):
            within = True
        elif not within or not line.startswith((" ", "|")):
            within = False
            kept.append(line)
    return kept[-_LAST_LINES:]
