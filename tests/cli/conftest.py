from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.command import Wherry

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def wherry(tmp_path: Path) -> Wherry:
    """The command, called in the folder `shop`."""
    project = tmp_path / "shop"
    project.mkdir()
    return Wherry(store=tmp_path / "store", cwd=project)
