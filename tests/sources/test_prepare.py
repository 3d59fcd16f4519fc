"""A project is built while something else is done."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from support.backends import obedient_project
from support.contexts import context
from support.projects import write_files
from wherry.errors import BuildError
from wherry.files import ProjectFiles
from wherry.sources.declaration import read_declaration
from wherry.sources.environment import find_environment
from wherry.sources.prepare import preparing
from wherry.sources.project import TreeOptions, project_bundle, project_digest

if TYPE_CHECKING:
    from pathlib import Path

    from support.reporters import Heard
    from wherry.context import Context
    from wherry.store import Store
    from wherry.target import Target

PYPROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "shop"
version = "1.0"
"""
OPTIONS = TreeOptions()


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return write_files(tmp_path / "shop", {"pyproject.toml": PYPROJECT, "shop/__init__.py": ""})


@pytest.fixture
def run(target: Target, store: Store, heard: Heard) -> Context:
    return context(store, target=target, reporter=heard)


def names(heard: Heard) -> list[str]:
    return [type(event).__name__ for event in heard.events]


def test_it_is_built_once_and_told_once(shop: Path, run: Context, heard: Heard) -> None:
    with preparing([shop], OPTIONS, run):
        built = project_bundle(shop, OPTIONS, run)
    assert names(heard) == ["BuildStarted", "BuildFinished"]
    assert project_bundle(shop, OPTIONS, run) == built
    assert heard.builds == 1
    with preparing([shop], OPTIONS, run):
        pass
    assert heard.builds == 1


def test_it_is_built_once_though_the_lock_names_a_folder_in_it(
    shop: Path, run: Context, heard: Heard
) -> None:
    """A path dependency in the project's folder is no part of the project; that is known when the lock is read."""
    write_files(shop, {"lib/pyproject.toml": PYPROJECT.replace("shop", "lib"), "lib/lib.py": ""})
    options = replace(OPTIONS, skip=(shop / "lib",))
    with preparing([shop], OPTIONS, run):
        built = project_bundle(shop, options, run)
    assert names(heard) == ["BuildStarted", "BuildFinished"]
    # It is remembered, too.
    assert project_bundle(shop, options, replace(run, files=ProjectFiles())) == built
    assert heard.builds == 1


def test_it_is_there_when_the_block_ends(shop: Path, run: Context, heard: Heard) -> None:
    with preparing([shop], OPTIONS, run):
        assert names(heard) == []
    assert names(heard) == ["BuildStarted", "BuildFinished"]
    assert project_digest(shop, OPTIONS, run) is not None


@pytest.mark.parametrize("error", [KeyboardInterrupt, BuildError("elsewhere")])
def test_no_thread_outlives_an_error(
    shop: Path, run: Context, error: type[BaseException] | BaseException
) -> None:
    before = threading.active_count()
    with pytest.raises((KeyboardInterrupt, BuildError)), preparing([shop], OPTIONS, run):
        raise error
    assert threading.active_count() == before


def test_a_failure_is_told_by_the_build(tmp_path: Path, run: Context, heard: Heard) -> None:
    text = PYPROJECT.replace('["hatchling"]', '["hatchling>=999"]')
    shop = write_files(tmp_path / "shop", {"pyproject.toml": text})
    with preparing([shop], OPTIONS, run):
        pass
    assert names(heard) == []
    with pytest.raises(BuildError, match="build requirements of `shop` cannot be installed"):
        project_bundle(shop, OPTIONS, run)


def test_code_of_the_project_runs_in_the_main_thread_alone(
    tmp_path: Path, run: Context, heard: Heard
) -> None:
    shop = obedient_project(tmp_path / "shop", files={"shop.py": b""})
    with preparing([shop], OPTIONS, run):
        pass
    assert names(heard) == []
    declaration = read_declaration(shop, run.files)
    assert find_environment([], declaration, run, virtual=True) is not None
    project_bundle(shop, OPTIONS, run)
    assert heard.builds == 1


def test_a_plain_folder_needs_nothing(tmp_path: Path, run: Context, heard: Heard) -> None:
    write_files(tmp_path / "plain", {"a.py": ""})
    with preparing([tmp_path / "plain"], OPTIONS, replace(run, reporter=heard)):
        pass
    assert names(heard) == []
