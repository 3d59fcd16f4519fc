"""Projects of setuptools without `[build-system]`: installed as pip would, by a Python of the target's version."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest

import wherry
from support.interpreters import find_python
from support.projects import write_files
from wherry.store import Store

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real

SETUP = """
import sys
from setuptools import find_packages, setup

setup(
    name="shop",
    version=f"1.{sys.version_info[1]}",
    packages=find_packages("src"),
    package_dir={"": "src"},
    install_requires=["idna==3.7"] if sys.version_info < (3, 10) else ["certifi==2024.2.2"],
)
"""


@pytest.mark.parametrize("requirements", [None, ".", "-e ."])
def test_the_targets_python_decides(tmp_path: Path, requirements: str | None) -> None:
    files = {"setup.py": SETUP, "src/shop/__init__.py": "def handler(event, context): ...\n"}
    if requirements is not None:
        files["requirements.txt"] = f"{requirements}\n"
    root = write_files(tmp_path / "shop", files)
    for minor, needed in ((9, "idna"), (13, "certifi"), (9, "idna")):
        find_python(f"3.{minor}")
        package = wherry.build(
            root, runtime=f"python3.{minor}", store=Store(tmp_path / "store")
        ).packages[0]
        assert {one.name for one in package.distributions} == {"shop", needed}
        with zipfile.ZipFile(package.path) as archive:
            names = set(archive.namelist())
        assert {"shop/__init__.py", f"shop-1.{minor}.dist-info/METADATA"} <= names
        assert not [name for name in names if name.startswith("src/")]
