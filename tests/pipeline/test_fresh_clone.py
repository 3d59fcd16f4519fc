"""What is remembered is found by content: in a fresh clone, a CI checkout, or a copy in a temporary folder."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

import wherry
from support.projects import TINY_BACKEND, make_project, write_files
from support.reporters import Heard
from support.wheels import make_wheel
from wherry.events import BuildStarted, LockRead
from wherry.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from support.index import Index
    from wherry import BuildReport

ALPHA = make_wheel("alpha", "1.2", files={"alpha/__init__.py": b"A = 1\n" * 40})
BUILT = {
    "pyproject.toml": '[project]\nname = "shop"\nversion = "1.0"\nrequires-python = ">=3.9"\n'
    '[build-system]\nrequires = []\nbuild-backend = "tiny"\nbackend-path = ["."]\n',
    "tiny.py": TINY_BACKEND,
    "src/shop/__init__.py": "",
    "src/shop/api.py": "def handler(event, context): ...\n",
}
FUNCTIONS = (
    'output = "out"\n[functions.api]\nhandler = "shop.api.handler"\nlayers = ["deps"]\n'
    '[functions.web]\nhandler = "shop.api.handler"\nextra-paths = ["extra"]\n[layers.deps]\ninclude = ["*"]\n'
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def build(root: Path, store: Store) -> tuple[BuildReport, Heard]:
    heard = Heard()
    return wherry.build(
        root, store=store, runtime="python3.13", offline=True, reporter=heard
    ), heard


def digests(report: BuildReport) -> dict[str, str]:
    return {package.name: package.sha256 for package in report.packages}


@pytest.mark.parametrize("kind", ["plain", "built", "functions", "path dependency"])
def test_another_folder_finds_it(tmp_path: Path, index: Index, store: Store, kind: str) -> None:
    index.add(ALPHA)
    first = tmp_path / "first" / "shop"
    make_project(first, index, [ALPHA])
    if kind == "built":
        write_files(first, BUILT)
    if kind == "functions":
        write_files(first, {"wherry.toml": FUNCTIONS, "extra/a.json": "{}"})
    if kind == "path dependency":
        lock = (first / "pylock.toml").read_text()
        lock += '[[packages]]\nname = "lib"\n[packages.directory]\npath = "../lib"\n'
        write_files(first, {"pylock.toml": lock})
        files = {
            name.replace("shop", "lib"): text.replace("shop", "lib") for name, text in BUILT.items()
        }
        write_files(first.parent / "lib", files)
    wherry.build(first, store=store, runtime="python3.13")
    before, heard = build(first, store)
    assert not heard.of(LockRead)
    # What tells a clone: another place, other times, no packages, and nobody to ask.
    second = tmp_path / "ci" / "checkout" / "shop"
    shutil.copytree(first.parent, second.parent, ignore=shutil.ignore_patterns("dist", "out"))
    after, heard = build(second, store)
    assert digests(after) == digests(before)
    assert all(package.changed for package in after.packages)
    assert all(package.path.is_relative_to(second) for package in after.packages)
    assert not heard.of(LockRead)
    # A backend that nobody knows is asked at every build, here as there.
    assert bool(heard.of(BuildStarted)) == (kind in {"built", "path dependency"})
    # Neither folder makes the other forget.
    for root in (first, second, first):
        again, _ = build(root, store)
        assert not any(package.changed for package in again.packages)
        assert digests(again) == digests(before)


def test_another_lock_is_another_build(tmp_path: Path, index: Index, store: Store) -> None:
    """Two projects that differ in nothing else have memos of their own."""
    index.add(ALPHA)
    with_alpha = make_project(tmp_path / "a" / "shop", index, [ALPHA])
    without = make_project(tmp_path / "b" / "shop", index)
    for _ in range(2):
        reports = [
            wherry.build(root, store=store, runtime="python3.13") for root in (with_alpha, without)
        ]
        files = [report.packages[0].files for report in reports]
        assert files[0] > files[1]
    for root in (with_alpha, without):
        _, heard = build(root, store)
        assert not heard.of(LockRead)
