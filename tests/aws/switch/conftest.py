"""The light AWS, and a shop on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.light_aws import LightAws
from support.releases import Shop, open_shop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def shop(aws: LightAws, tmp_path: Path) -> Iterator[Shop]:
    with open_shop(aws, tmp_path / "shop") as opened:
        yield opened
