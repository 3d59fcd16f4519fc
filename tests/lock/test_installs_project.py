"""Whether the project itself is among what is installed, as pip would install it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from support.locks import read, write
from wherry.files import ProjectFiles
from wherry.lock.declared import installs_by_setup

if TYPE_CHECKING:
    from pathlib import Path

SETUP_CFG = "[metadata]\nname = shop\nversion = 1\n[options]\npackages = find:\n"
STATIC = '[project]\nname = "shop"\nversion = "1"\ndependencies = []\n'


@pytest.mark.parametrize(
    ("files", "installs"),
    [
        ({"setup.py": ""}, True),
        ({"setup.cfg": SETUP_CFG}, True),
        ({"setup.cfg": "[metadata]\nversion = 1\nname: shop\n"}, True),
        ({"setup.cfg": "[flake8]\nmax-line-length = 100\n"}, False),
        ({"setup.py": "", "pyproject.toml": "[tool.black]\n"}, True),
        ({"setup.py": "", "pyproject.toml": "[tool.uv]\npackage = false\n"}, False),
        ({"pyproject.toml": STATIC}, False),
        ({}, False),
    ],
)
def test_who_has_a_setup(tmp_path: Path, files: dict[str, str], installs: bool) -> None:
    write(tmp_path, **files)
    assert installs_by_setup(tmp_path, ProjectFiles()) is installs


@pytest.mark.parametrize(
    ("line", "installs"),
    [
        (".", True),
        ("-e .", True),
        ("--editable=./", True),
        (". ; python_version > '3'", True),
        ("-e . ; sys_platform == 'win32'", False),
        ("", False),
    ],
)
def test_a_requirements_file_that_names_the_project(
    tmp_path: Path, line: str, installs: bool
) -> None:
    write(tmp_path, requirements__txt=f"{line}\n", pyproject__toml=STATIC, setup__py="")
    assert read(tmp_path).installs_project is installs


@pytest.mark.parametrize(
    ("entry", "installs"),
    [
        ({"path": "."}, True),
        ({"path": ".", "editable": True}, True),
        ({"path": ".", "markers": "sys_platform == 'win32'"}, False),
        ({"path": "../other"}, False),
    ],
)
def test_a_pipfile_lock_that_names_the_project(
    tmp_path: Path, entry: dict[str, object], installs: bool
) -> None:
    (tmp_path / "other").mkdir()
    lock = {"_meta": {"pipfile-spec": 6, "sources": []}, "default": {"shop": entry}}
    root = write(tmp_path / "shop", setup__py="", **{"Pipfile.lock": json.dumps(lock)})
    lock_read = read(root)
    assert lock_read.installs_project is installs
    assert [package.name for package in lock_read.pylock.packages if package.directory] == (
        ["shop"] if entry["path"] == "../other" else []
    )


@pytest.mark.parametrize(
    ("files", "installs"),
    [
        ({"setup.cfg": SETUP_CFG}, True),
        ({"setup.cfg": SETUP_CFG, "pyproject.toml": STATIC}, True),
        ({"pyproject.toml": STATIC}, False),
        ({"main.py": "", "setup.cfg": "[flake8]\n"}, False),
    ],
)
def test_a_project_without_a_lock(tmp_path: Path, files: dict[str, str], installs: bool) -> None:
    write(tmp_path, **files)
    assert read(tmp_path).installs_project is installs
