"""A cache of uv's for each Python: uv remembers the metadata that a source tree has, but not which Python it asked."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

__all__ = ["cache_options"]

# The buckets of metadata that was built, and Wherry's own folders.
_NOT_SHARED = ("sdists-", "wherry-")


def cache_options(python: tuple[int, int]) -> list[str]:
    """The options that make uv keep what it builds apart from what another Python built.

    All else is shared with uv's own cache, which the folder lies in and ``uv cache clean`` removes. Without
    symbolic links, or where that cache cannot be written, there are no such options.
    """
    if sys.platform == "win32":
        return []
    main = Path(
        os.environ.get("UV_CACHE_DIR")
        or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "uv"
    ).absolute()
    own = main / f"wherry-python{python[0]}.{python[1]}"
    try:
        own.mkdir(parents=True, exist_ok=True)
        shared = [
            entry.name
            for entry in os.scandir(main)
            if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(_NOT_SHARED)
        ]
        for name in shared:
            with suppress(FileExistsError):
                (own / name).symlink_to(Path("..") / name)
    except OSError:
        return []
    return ["--cache-dir", str(own)]
