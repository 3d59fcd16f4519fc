from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from support.projects import write_files
from wherry.errors import BuildError
from wherry.sources.declaration import Declaration, read_declaration
from wherry.sources.environment import find_environment, make_environment
from wherry.wheels import Store

if TYPE_CHECKING:
    from pathlib import Path

TEXT = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'


@pytest.fixture
def declaration(tmp_path: Path) -> Declaration:
    return read_declaration(write_files(tmp_path / "shop", {"pyproject.toml": TEXT}))


def test_an_environment_is_kept(declaration: Declaration, store: Store) -> None:
    made = make_environment(["hatchling"], declaration, store)
    assert made.python.exists()
    assert set(made.installed) == {
        "hatchling",
        "packaging",
        "pathspec",
        "pluggy",
        "tomlkit",
        "trove-classifiers",
    }
    assert find_environment(["hatchling"], declaration, store) == made
    assert make_environment(["hatchling", "hatchling"], declaration, store, offline=True) == made
    assert find_environment(["hatchling", "pluggy"], declaration, store) is None


def test_an_environment_that_is_not_complete_is_made_again(
    declaration: Declaration, tmp_path: Path, links: Path, store: Store
) -> None:
    own = Store(tmp_path / "own")
    made = make_environment([], declaration, own)
    folder = made.python.parent.parent
    (folder / "wherry-complete.json").unlink()
    (folder / "rubbish").touch()
    assert find_environment([], declaration, own) is None
    assert make_environment([], declaration, own) == made
    assert not (folder / "rubbish").exists()
    made.python.unlink()
    assert find_environment([], declaration, own) is None, "its interpreter is gone"


def test_many_at_once_make_one(declaration: Declaration, tmp_path: Path) -> None:
    own = Store(tmp_path / "own")
    with ThreadPoolExecutor(4) as pool:
        made = set(pool.map(lambda _: make_environment([], declaration, own).identity, range(4)))
    assert len(made) == 1


def test_other_indexes_are_another_environment(
    declaration: Declaration, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_environment([], declaration, store)
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple/")
    assert find_environment([], declaration, store) is None


def test_what_cannot_be_installed_leaves_nothing(
    declaration: Declaration, tmp_path: Path, store: Store
) -> None:
    own = Store(tmp_path / "own")
    with pytest.raises(
        BuildError, match="build requirements of `shop` cannot be installed"
    ) as caught:
        make_environment(["no-such-backend>=3"], declaration, own)
    assert caught.value.where[0] == "they are no-such-backend>=3"
    assert any("no-such-backend" in line for line in caught.value.where[1:])
    kept = [path.name for path in (own.root / "environments-v1").iterdir()]
    assert kept == ["CACHEDIR.TAG"]


def test_a_requirement_is_no_option(declaration: Declaration, tmp_path: Path, store: Store) -> None:
    with pytest.raises(BuildError, match="cannot be installed"):
        make_environment(["--index-url=http://127.0.0.1:9/"], declaration, Store(tmp_path / "own"))
