"""Pins without hashes are remembered for a day."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from support.index import serve_index
from support.locks import RELEASES, Heard, read, versions, write
from support.wheels import make_wheel
from wherry.errors import LockError
from wherry.events import Note

if TYPE_CHECKING:
    from pathlib import Path

PINS = "alpha==1.1\nbeta==1.0\n"


def notes(root: Path, **wanted: Any) -> list[str]:
    heard = Heard()
    lock = read(root, reporter=heard, **wanted)
    assert versions(lock)["alpha"] == "1.1"
    assert lock.stable
    return [text for text in heard.texts(Note) if "has no hashes" in text]


def test_no_index_is_asked_within_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    root = tmp_path / "shop"
    with serve_index(RELEASES) as index:
        write(root, requirements__txt=f"--index-url {index.simple}\n{PINS}")
        assert notes(root) == []
    # The index is gone.
    (note,) = notes(root)
    assert "a moment ago" in note
    assert "`--refresh`" in note
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 23.9 * 3600)
    assert "23 h ago" in notes(root)[0]
    with pytest.raises(LockError):
        read(root, refresh=True)
    monkeypatch.setattr(time, "time", lambda: now() + 24.1 * 3600)
    with pytest.raises(LockError):
        read(root)
    assert "24 h ago" in notes(root, offline=True)[0]
    with pytest.raises(LockError):
        read(root, architecture="arm64")


def test_what_may_change_on_this_machine_is_not_remembered(tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    make_wheel("alpha", "1.1").write(wheels)
    for line in (f"--find-links {wheels}\nalpha==1.1\n", f"{wheels}/alpha-1.1-py3-none-any.whl\n"):
        root = write(tmp_path / "shop", requirements__txt=f"--no-index\n{line}")
        lock = read(root)
        assert versions(lock) == {"alpha": "1.1"}
        assert not lock.stable
