from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.private import serve_indexes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.private import Indexes


@pytest.fixture
def indexes() -> Iterator[Indexes]:
    """Private indexes."""
    yield from serve_indexes()
