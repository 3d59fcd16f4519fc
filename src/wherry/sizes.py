"""Numbers, times, sizes and long lists as text for people."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "count",
    "duration",
    "first",
    "first_lines",
    "format_change",
    "format_share",
    "format_size",
    "parse_size",
    "seconds",
]

_UNITS = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "ki": 1024, "mi": 1024**2, "gi": 1024**3}


def format_size(number: int) -> str:
    """A number of bytes for people: ``53.3 MiB``."""
    if number < 1024:
        return f"{number} B"
    value, unit = number / 1024, "KiB"
    for bigger in ("MiB", "GiB"):
        if value < 1024:
            break
        value, unit = value / 1024, bigger
    return f"{value:.1f} {unit}"


def format_change(number: int) -> str:
    """A change in bytes for people: ``+1.2 MiB``, ``-312 B``, ``±0 B``."""
    sign = "+" if number > 0 else "-" if number < 0 else "±"
    return f"{sign}{format_size(abs(number))}"


def format_share(share: float) -> str:
    """A share for people: ``10%``, ``99.9%``."""
    return f"{share * 100:.6g}%"


def seconds(duration: float) -> str:
    """A duration for people: ``12ms`` or ``1.24s``."""
    return f"{duration * 1000:.0f}ms" if duration < 1 else f"{duration:.2f}s"


def duration(length: float) -> str:
    """A longer duration in seconds for people: ``45s``, ``4m 30s``, ``1h 5m``."""
    minutes, rest = divmod(round(length), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{hours}h"] if hours else []
    parts += [f"{minutes}m"] if minutes else []
    parts += [f"{rest}s"] if not hours and (rest or not minutes) else []
    return " ".join(parts)


def count(number: int, noun: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def first(words: Sequence[str], most: int) -> str:
    """The first words of a long list: ``a, b and 4 more``."""
    more = len(words) - most
    return ", ".join(words[:most]) + (f" and {more:,} more" if more > 0 else "")


def first_lines(lines: Sequence[str], most: int) -> list[str]:
    """The first lines of a long list, and one that tells how many more there are."""
    more = len(lines) - most
    return [*lines[:most], *([f"and {more:,} more"] if more > 0 else [])]


def parse_size(text: str) -> int:
    """The bytes of a size such as ``5MB``, ``1.5 GiB`` or ``52428800``.

    Raises:
        ValueError: it is none.
    """
    match = re.fullmatch(r"(\d{1,15}(?:\.\d{1,9})?)\s*([kmg]i?)?b?", text.strip(), re.IGNORECASE)
    if match is None:
        raise ValueError(f"`{text}` is not a size such as 5MB")
    return int(float(match[1]) * _UNITS[(match[2] or "").lower()])
