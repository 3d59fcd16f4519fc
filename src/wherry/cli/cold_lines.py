"""The lines that ``wherry invoke --cold`` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wherry.invoke.cold_start import ColdStarts

__all__ = ["cold_lines"]

_MOST_IMPORTS = 20


def cold_lines(starts: ColdStarts) -> Iterator[str]:
    """The figures of cold starts, and the longest imports of one package by another."""
    quickest, slowest = min(starts.seconds) * 1000, max(starts.seconds) * 1000
    memory = "" if starts.peak_memory is None else f", {starts.peak_memory / 1048576:.0f} MB"
    yield (
        f"{starts.function} initializes in {starts.median * 1000:.0f} ms "
        f"(median of {len(starts.seconds)}; {quickest:.0f} to {slowest:.0f} ms{memory})"
    )
    for each in [each for each in starts.imports if each.is_choice][:_MOST_IMPORTS]:
        above = f", imported by {each.imported_by}" if each.imported_by else ""
        yield f"{each.seconds * 1000:8.1f} ms  {each.module}{above}"
