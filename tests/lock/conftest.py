"""An index with the releases of the tests' project."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.index import Index, serve_index
from support.locks import RELEASES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def uv_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("uv-cache")


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, uv_cache: Path) -> None:
    """No setting of this machine has a say, and no index but the tests' own is asked."""
    import os

    for name in list(os.environ):
        if name.startswith(("UV_", "PIP_", "POETRY_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("UV_CACHE_DIR", str(uv_cache))
    # A refused connection stays refused; uv would try again for seconds.
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")


@pytest.fixture(scope="session")
def index() -> Iterator[Index]:
    with serve_index(RELEASES) as index:
        yield index
