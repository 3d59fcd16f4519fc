"""No file of a project is opened for reading twice in a build: not in the first, after an edit, or with nothing to do.

Its own files are hashed once, and copied once into each package; modules are read once for their imports, too.
"""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest

import wherry
from support.formats import FORMATS
from support.index import serve_index
from support.locks import RELEASES
from support.opens import opens
from support.projects import TINY_BACKEND, make_project, write_files
from wherry.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from support.index import Index

SOURCES = {"shop/__init__.py": "", "shop/api.py": "def handler(event, context): ...\n"}


@pytest.fixture(scope="module")
def releases() -> Iterator[Index]:
    with serve_index(RELEASES) as served:
        yield served


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def shipped(root: Path) -> set[str]:
    """The project's own files that are in its packages, as a build with a store of its own tells."""
    store = Store(root.with_name("other"))
    report = wherry.build(root, runtime="python3.13", store=store, output=root.with_name("out"))
    members: set[str] = set()
    for package in report.packages:
        with zipfile.ZipFile(package.path) as archive:
            members |= {*archive.namelist()}
    files = (path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    return {name for name in files if name.removeprefix("src/") in members}


def _reads(name: str) -> int:
    """How often a file of a package is read to make it: some are searched for imports or for keys first."""
    return 2 if name.endswith((".py", ".txt")) else 1


def check_builds(
    root: Path, store: Store, edited: str, *, copies: int = 1, looked_for: int = 0
) -> None:
    """Build three times; own files are copied into so many packages, and the edited one is looked into besides."""
    own = shipped(root)
    assert edited in own
    for edit in ("", "# edited\n", ""):
        if edit:
            (root / edited).write_text((root / edited).read_text() + edit)
        with opens(root) as opened:
            report = wherry.build(root, store=store, runtime="python3.13")
        assert opened
        often = {
            name: count
            for name, count in opened.items()
            if count > 1 + (name in own) * copies * _reads(name) + (name == edited) * looked_for
            and (root / name).is_file()
        }
        assert often == {}
    assert not report.packages[0].changed


@pytest.mark.parametrize("make", FORMATS)
def test_every_format(
    tmp_path: Path,
    releases: Index,
    store: Store,
    make: Callable[[Path, Index], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", releases.simple)
    root = tmp_path / "shop"
    make(root, releases)
    write_files(root, SOURCES | {".gitignore": "*.log\n", "shop/.gitignore": "*.tmp\n"})
    check_builds(root, store, "shop/api.py")


def test_a_project_with_a_build_backend(tmp_path: Path, releases: Index, store: Store) -> None:
    files = {
        "pyproject.toml": '[project]\nname = "shop"\nversion = "1.0"\nrequires-python = ">=3.9"\n'
        '[build-system]\nrequires = []\nbuild-backend = "tiny"\nbackend-path = ["."]\n',
        "tiny.py": TINY_BACKEND,
        **{f"src/{name}": text for name, text in SOURCES.items()},
    }
    root = make_project(tmp_path / "shop", releases, files=files)
    write_files(root, files)
    check_builds(root, store, "src/shop/api.py")


def test_functions_and_layers(tmp_path: Path, releases: Index, store: Store) -> None:
    root = make_project(tmp_path / "shop", releases, [RELEASES[0], RELEASES[2]], files=SOURCES)
    settings = (
        'exclude = ["extra/"]\n[functions.api]\nhandler = "shop.api.handler"\nlayers = ["deps"]\ngroups = []\n'
        '[functions.web]\nhandler = "shop.api.handler"\nextra-paths = ["extra"]\n[layers.deps]\n'
        'include = ["*"]\nruntimes = ["python3.12", "python3.13"]\n'
    )
    write_files(root, {"wherry.toml": settings, "extra/a.json": "{}"})
    # The handler's module is read once more, to look for the handler.
    check_builds(root, store, "shop/api.py", copies=2, looked_for=1)
