"""What this machine has beside the lock: variables, and archives that somebody replaces."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest

import wherry
from support.index import serve_index
from support.projects import write_files
from support.wheels import make_wheel
from wherry.errors import HashMismatchError
from wherry.store import Store

if TYPE_CHECKING:
    from pathlib import Path

ALPHA, BETA = make_wheel("alpha", "1.0"), make_wheel("beta", "2.0")
OTHER = make_wheel("alpha", "1.0", files={"alpha.py": b"ANOTHER = True\n"})
LOCK = """
lock-version = "1.0"
created-by = "tests"
[[packages]]
name = "alpha"
version = "1.0"
[[packages.wheels]]
{by} = "{place}"
hashes = {{sha256 = "{sha256}"}}
"""


def members(root: Path, store: Path) -> set[str]:
    package = wherry.build(root, runtime="python3.13", store=Store(store)).packages[0]
    with zipfile.ZipFile(package.path) as archive:
        return {name.partition(".dist-info")[0] for name in archive.namelist()}


def test_another_value_of_a_variable_is_another_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve_index([ALPHA, BETA]) as index:
        hashes = {made.filename: made.sha256 for made in (ALPHA, BETA)}
        lines = {
            "one.txt": f"alpha==1.0 --hash=sha256:{hashes[ALPHA.filename]}\n",
            "two.txt": f"beta==2.0 --hash=sha256:{hashes[BETA.filename]}\n",
        }
        files = {"requirements.txt": f"-i {index.simple}\n-r ${{STAGE}}.txt\n", "main.py": ""}
        root = write_files(tmp_path / "shop", files | lines)
        for stage, name in (("one", "alpha-1.0"), ("two", "beta-2.0"), ("one", "alpha-1.0")):
            monkeypatch.setenv("STAGE", stage)
            assert name in members(root, tmp_path / "store")


@pytest.mark.parametrize("by", ["path", "url"])
def test_a_wheel_of_this_machine_that_was_replaced_is_refused_warm_and_cold(
    tmp_path: Path, by: str
) -> None:
    wheels = tmp_path / "%41"
    wheel = ALPHA.write(wheels)
    place = wheel.as_uri() if by == "url" else f"../%41/{wheel.name}"
    lock = LOCK.format(by=by, place=place, sha256=ALPHA.sha256)
    root = write_files(tmp_path / "shop", {"pylock.toml": lock, "main.py": ""})
    assert "alpha-1.0" in members(root, tmp_path / "store")
    OTHER.write(wheels)
    for store in ("store", "empty"):
        with pytest.raises(HashMismatchError):
            members(root, tmp_path / store)
    ALPHA.write(wheels)
    assert "alpha-1.0" in members(root, tmp_path / "store")
