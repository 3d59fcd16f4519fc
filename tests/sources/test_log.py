"""Logs hold whatever a backend printed, and only the user can read them."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from wherry.sources.log import keep_log
from wherry.store import Store

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    store = Store(tmp_path)
    before = os.umask(0)
    try:
        kept = keep_log("all that was said", label="Beta", store=store)
        assert kept is not None
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        # As an older Wherry left it.
        kept.chmod(0o644)
        again = keep_log("all that was said", label="Beta", store=store)
    finally:
        os.umask(before)
    assert again == kept
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert kept.read_text() == "all that was said"


@pytest.mark.skipif(os.name == "nt", reason="Windows needs a privilege for links")
def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    kept = keep_log("said", label="beta", store=store)
    assert kept is not None
    kept.unlink()
    precious = tmp_path / "precious"
    precious.write_text("mine")
    kept.symlink_to(precious)
    assert keep_log("said", label="beta", store=store) == kept
    assert precious.read_text() == "mine"
    assert kept.read_text() == "said"


def test_nothing_is_kept_of_nothing(tmp_path: Path) -> None:
    assert keep_log(" \n", label="beta", store=Store(tmp_path)) is None
