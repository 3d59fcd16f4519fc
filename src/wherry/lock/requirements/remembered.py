"""What a requirements file without hashes resolved to: remembered for a day, so that not every build asks the index.

The pins decide the versions, but not the files: an index may get further ones, and versions that are needed and not
pinned may change. Hashes would settle that for good; without them a day is long enough to work in, and
short enough to see what is new. ``--refresh`` asks at once; offline, age does not matter.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from wherry.errors import LockError
from wherry.events import Note
from wherry.indexes.redact import redact, without_credentials
from wherry.lock.pylock import parse_pylock
from wherry.lock.resolve import resolved_text
from wherry.store.memo import Memo, memo_key
from wherry.version import __version__

if TYPE_CHECKING:
    from packaging.pylock import Pylock

    from wherry.context import Context
    from wherry.lock.resolve import Requirements

__all__ = ["Resolution", "is_current", "note_of_age", "remembered"]

_LIFETIME = 24 * 60 * 60
"""Seconds for which a resolution without hashes is used again."""

_CONFIGURATION = ("pyproject.toml", "uv.toml")


class Resolution(NamedTuple):
    """A resolution that is remembered.

    Attributes:
        time: when the index was asked, in seconds since 1970.
        text: the ``pylock.toml`` that uv wrote; without secrets.
    """

    time: float
    text: str


_MEMO: Memo[Resolution] = Memo(
    "resolutions", list, lambda pair: Resolution(float(pair[0]), str(pair[1]))
)


def remembered(
    requirements: Requirements, contents: str, context: Context, *, refresh: bool
) -> tuple[Pylock, float | None]:
    """Resolve requirements, or take what they resolved to in the last day; errors as ``resolve``.

    ``contents`` is what the files that its options name hold. Also gives when the index was asked; None where that
    must not be remembered.
    """
    key, name = _key(requirements, contents, context), requirements.name
    found = None if refresh else _MEMO.recall(context.store, key)
    if found is not None and is_current(found.time, offline=context.offline):
        try:
            pylock = parse_pylock(found.text, file=name, base=requirements.base)
        except LockError:
            pass
        else:
            context.reporter.emit(note_of_age(name, found.time))
            return pylock, found.time
    now = time.time()
    text = resolved_text(requirements, context)
    pylock = parse_pylock(text, file=name, base=requirements.base)
    if any(without_credentials(line) != line for line in text.splitlines()):
        return pylock, None
    _MEMO.remember(context.store, key, Resolution(now, text))
    return pylock, now


def is_current(resolved: float, *, offline: bool) -> bool:
    """Whether a resolution of this time may be used again."""
    return offline or 0 <= time.time() - resolved < _LIFETIME


def note_of_age(name: str, resolved: float) -> Note:
    """The note that a resolution of an earlier time is used."""
    minutes = max(0, int(time.time() - resolved)) // 60
    age = f"{minutes // 60} h" if minutes >= 120 else f"{minutes} min" if minutes else "a moment"
    return Note(
        text=f"`{name}` has no hashes: what it resolved to {age} ago is used again for a day, "
        "unless `--refresh` is given"
    )


def _key(requirements: Requirements, contents: str, context: Context) -> str:
    folders = (requirements.base, *requirements.base.parents)
    return memo_key(
        __version__,
        # A new password makes no other resolution, and none can be guessed from a digest.
        redact(requirements.text or ""),
        redact(contents),
        [option for option in requirements.options if not option.startswith("--constraints=")],
        str(context.target),
        context.target.runtime.glibc,
        context.network.identity(),
        # uv reads its own settings there.
        [context.files.digest(folder / name) for folder in folders for name in _CONFIGURATION],
    )
