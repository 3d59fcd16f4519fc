"""No file that describes a project is opened twice, however often its lock is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from support.formats import FORMATS
from support.locks import lock_context, target
from support.opens import opens
from wherry.lock.model import LockRequest
from wherry.lock.read import read_lock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.index import Index


@pytest.mark.parametrize("make", FORMATS)
def test_each_file_is_opened_once(
    tmp_path: Path, index: Index, make: Callable[[Path, Index], None]
) -> None:
    make(tmp_path, index)
    context = lock_context(tmp_path)
    with opens(tmp_path) as opened:
        read_lock(LockRequest(root=tmp_path), context)
        # As for a layer that is for two targets.
        other = replace(context, target=target(architecture="arm64"))
        read_lock(LockRequest(root=tmp_path, groups=()), other)
    assert opened
    assert {name: count for name, count in opened.items() if count > 1} == {}
