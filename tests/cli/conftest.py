from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.command import Wherry
from support.private import serve_indexes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.private import Indexes


@pytest.fixture
def indexes() -> Iterator[Indexes]:
    """Private indexes."""
    yield from serve_indexes()


@pytest.fixture
def wherry(tmp_path: Path) -> Wherry:
    """The command, called in the folder `shop`."""
    project = tmp_path / "shop"
    project.mkdir()
    return Wherry(store=tmp_path / "store", cwd=project)
