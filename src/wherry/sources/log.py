"""The output of a backend or a compiler: its last lines for the error, the whole of it in a file."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from wherry.files import open_regular
from wherry.visible import visible

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.store import Store

__all__ = ["keep_log", "last_lines", "read_log"]

_LAST_LINES = 20
_LONGEST_LINE = 2_000
# Of the characters that are kept.
_HALF = 1 << 22


def read_log(path: Path) -> str:
    """The end of a log, of which no more is kept.

    Raises:
        OSError: it cannot be read, or is a link or no regular file.
    """
    if path.is_symlink():
        raise OSError("it is a link")
    with open_regular(path) as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - 2 * _HALF))
        return file.read(2 * _HALF).decode("utf-8", "replace")


def keep_log(text: str, *, label: str, store: Store) -> Path | None:
    """Keep a log in the store; where it is, or None when there is nothing to keep, or no way to.

    Only the user can read it: a backend may print whatever it has found in its environment.
    """
    if not text.strip():
        return None
    text = text[:_HALF] + text[-_HALF:] if len(text) > 2 * _HALF else text
    digest = hashlib.sha256(text.encode(errors="replace")).hexdigest()[:12]
    kept = store.folder("logs", f"{label.lower()}-{digest}.log")
    try:
        # A log of the same name may be from a time when others could read it.
        kept.unlink(missing_ok=True)
        descriptor = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            file.write(text)
    except FileExistsError:
        # Another process has kept the same.
        pass
    except OSError:
        return None
    return kept


def last_lines(text: str) -> list[str]:
    """The last lines that are not empty, with control characters shown.

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
    return [visible(line[:_LONGEST_LINE]) for line in kept[-_LAST_LINES:]]
