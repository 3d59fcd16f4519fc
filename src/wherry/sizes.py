"""Numbers, times and sizes as text for people."""

from __future__ import annotations

__all__ = ["count", "duration", "format_share", "format_size", "seconds"]


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
