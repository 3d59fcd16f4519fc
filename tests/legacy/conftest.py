from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.command import Wherry
from support.index import serve_index

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.index import Index


@pytest.fixture
def index() -> Iterator[Index]:
    with serve_index() as served:
        yield served


@pytest.fixture
def wherry(tmp_path: Path) -> Wherry:
    """The command, called in the folder `shop`."""
    project = tmp_path / "shop"
    project.mkdir()
    return Wherry(store=tmp_path / "store", cwd=project)
