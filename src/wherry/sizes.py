"""Numbers of bytes as text."""

from __future__ import annotations

__all__ = ["format_size"]


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
