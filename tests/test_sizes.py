"""Numbers of bytes as text."""

from __future__ import annotations

import pytest

from wherry.sizes import format_change, format_size


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1_258_291, "1.2 MiB"),
        (250 * 2**20, "250.0 MiB"),
        (2**30, "1.0 GiB"),
        (2**41, "2048.0 GiB"),
    ],
)
def test_sizes(number: int, text: str) -> None:
    assert format_size(number) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "±0 B"), (1, "+1 B"), (-312, "-312 B"), (1_258_291, "+1.2 MiB"), (-2048, "-2.0 KiB")],
)
def test_changes(number: int, text: str) -> None:
    assert format_change(number) == text
