"""A build without a runtime is for the newest one that the lock's wheels admit, warm and cold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import wherry
from support.index import serve_index
from support.projects import make_project, write_files
from support.reporters import Heard
from support.wheels import make_wheel
from wherry.errors import LockError
from wherry.events import Warned
from wherry.pipeline.request import read_request
from wherry.pipeline.written import written_target
from wherry.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.pipeline.report import BuildReport


def test_the_newest_runtime_that_the_wheels_admit(tmp_path: Path) -> None:
    old = make_wheel("native", "1.0", tag="cp312-cp312-manylinux_2_17_x86_64")
    new = make_wheel("native", "1.0", tag="cp313-cp313-manylinux_2_17_x86_64")
    store = Store(tmp_path / "store")

    def build(runtime: str | None = None) -> tuple[BuildReport, list[str]]:
        heard = Heard()
        report = wherry.build(root, store=store, reporter=heard, runtime=runtime)
        notes = [getattr(event, "text", "") for event in heard.events]
        return report, [note for note in notes if note.startswith("building for")]

    with serve_index([old, new]) as index:
        root = make_project(tmp_path / "shop", index, [old])
        cold, told = build()
        assert cold.packages[0].runtimes == ("python3.12",)
        admitted = "building for python3.12-x86_64: the newest runtime that `pylock.toml` admits: "
        assert told == [f"{admitted}no wheel of `native==1.0` runs on python3.14-x86_64"]
        # Nothing is read again, and the same is said.
        (root / "pylock.toml").touch()
        warm, told_again = build()
        assert not warm.packages[0].changed
        assert (warm.target, told_again) == (cold.target, told)
        # What is written is known without building, whichever handler it is asked for.
        request = read_request(root, handler="shop.api.handler")
        assert written_target(request, store).target == cold.target
        # A file that names the runtime is passed over where the lock makes it impossible.
        write_files(root, {".python-version": "3.13"})
        assert "`.python-version` names it" in build()[1][0]
        assert build()[0].target == cold.target
        # With another lock it is another runtime.
        make_project(root, index, [new])
        assert build()[0].target.runtime.name == "python3.13"
        assert build(runtime="python3.13")[1] == ["building for python3.13-x86_64: as asked"]


def test_what_no_runtime_gives_a_solution_for_is_said_once(tmp_path: Path) -> None:
    """Another runtime is tried where the words are of Python."""
    wheel = make_wheel("native", "1.0", tag="cp37-cp37m-manylinux_2_17_x86_64")
    heard = Heard()
    with serve_index([wheel]) as index:
        text = f"-i {index.simple}\nnative>=1\n"
        root = write_files(tmp_path / "shop", {"requirements.txt": text, "app.py": ""})
        with pytest.raises(LockError, match="uv cannot resolve"):
            wherry.build(root, store=Store(tmp_path / "store"), reporter=heard)
    assert len(heard.texts(Warned)) == 1
