from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import pytest

from support.contexts import context
from support.projects import write_files
from wherry.builders import BuildRules
from wherry.errors import BuildError
from wherry.files import ProjectFiles
from wherry.sources import environment
from wherry.sources.declaration import Declaration, read_declaration
from wherry.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Make = Callable[..., environment.Environment]
    Find = Callable[..., environment.Environment | None]

TEXT = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'


@pytest.fixture(params=[False, True], ids=["folder", "virtual"], autouse=True)
def virtual(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def make_environment(virtual: bool) -> Make:
    return partial(environment.make_environment, virtual=virtual)


@pytest.fixture
def find_environment(virtual: bool) -> Find:
    return partial(environment.find_environment, virtual=virtual)


@pytest.fixture
def declaration(tmp_path: Path) -> Declaration:
    return read_declaration(
        write_files(tmp_path / "shop", {"pyproject.toml": TEXT}), ProjectFiles()
    )


def test_an_environment_is_kept(
    declaration: Declaration, store: Store, make_environment: Make, find_environment: Find
) -> None:
    made = make_environment(["hatchling"], declaration, context(store))
    assert made.python.exists()
    assert set(made.installed) == {
        "hatchling",
        "packaging",
        "pathspec",
        "pluggy",
        "tomlkit",
        "trove-classifiers",
    }
    assert find_environment(["hatchling"], declaration, context(store)) == made
    assert (
        make_environment(["hatchling", "hatchling"], declaration, context(store, offline=True))
        == made
    )
    assert find_environment(["hatchling", "pluggy"], declaration, context(store)) is None
    # Offline, in a store that has nothing yet: uv has all that is needed.
    elsewhere = context(Store(store.root.parent / "other"), offline=True)
    assert make_environment(["hatchling"], declaration, elsewhere).installed == made.installed


def test_an_environment_that_is_not_complete_is_made_again(
    declaration: Declaration,
    tmp_path: Path,
    links: Path,
    store: Store,
    make_environment: Make,
    find_environment: Find,
) -> None:
    own = Store(tmp_path / "own")
    made = make_environment([], declaration, context(own))
    folder = made.folder
    (folder / "wherry-complete.json").unlink()
    (folder / "rubbish").touch()
    assert find_environment([], declaration, context(own)) is None
    assert make_environment([], declaration, context(own)) == made
    assert not (folder / "rubbish").exists()
    if made.virtual:
        made.python.unlink()
        assert find_environment([], declaration, context(own)) is None, "its interpreter is gone"


def test_many_at_once_make_one(
    declaration: Declaration, tmp_path: Path, make_environment: Make
) -> None:
    own = Store(tmp_path / "own")
    with ThreadPoolExecutor(4) as pool:
        made = set(
            pool.map(lambda _: make_environment([], declaration, context(own)).identity, range(4))
        )
    assert len(made) == 1


def test_other_indexes_are_another_environment(
    declaration: Declaration,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    make_environment: Make,
    find_environment: Find,
) -> None:
    make_environment([], declaration, context(store))
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple/")
    assert find_environment([], declaration, context(store)) is None


def test_the_rules_of_the_project_decide_an_environment(
    declaration: Declaration, store: Store, make_environment: Make, find_environment: Find
) -> None:
    """`build-constraint-dependencies` limits its versions, `extra-build-dependencies` adds to it."""
    extra = {"shop": ("pluggy",), "other": ("pathspec",)}
    rules = BuildRules(constraints=("pluggy>=1", "unused==1"), extra=extra)
    ruled = context(store, build_rules=rules)
    made = make_environment([], declaration, ruled)
    assert made.installed.keys() == {"pluggy"}
    assert find_environment([], declaration, ruled) == made
    assert find_environment([], declaration, context(store)) != made
    narrow = context(store, build_rules=BuildRules(constraints=("pluggy<0.1",), extra=extra))
    with pytest.raises(BuildError, match=r"pluggy"):
        make_environment([], declaration, narrow)


def test_what_cannot_be_installed_leaves_nothing(
    declaration: Declaration, tmp_path: Path, store: Store, make_environment: Make
) -> None:
    own = Store(tmp_path / "own")
    with pytest.raises(
        BuildError, match="build requirements of `shop` cannot be installed"
    ) as caught:
        make_environment(["no-such-backend>=3"], declaration, context(own))
    assert caught.value.where[0] == "they are no-such-backend>=3"
    assert any("no-such-backend" in line for line in caught.value.where[1:])
    kept = [path.name for path in (own.root / "environments-v1").iterdir()]
    assert kept == ["CACHEDIR.TAG"]


def test_a_requirement_is_no_option(
    declaration: Declaration, tmp_path: Path, store: Store, make_environment: Make
) -> None:
    with pytest.raises(BuildError, match="cannot be installed"):
        make_environment(
            ["--index-url=http://127.0.0.1:9/"], declaration, context(Store(tmp_path / "own"))
        )
