"""Layers from the locks of real tools, with wheels from PyPI."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest
from pypi_simple import PYPI_SIMPLE_ENDPOINT

import wherry
from support.projects import write_files
from support.tools import run_tool, run_uv

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real

UV = """\
[project]
name = "shop"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["flask<3.1", "pip-audit<2.8"]

[dependency-groups]
dev = ["iniconfig"]

[tool.wherry.layers.dependencies]
exclude = ["pip"]
"""
POETRY = """\
[tool.poetry]
name = "shop"
version = "1.0"
description = ""
authors = []
package-mode = false

[tool.poetry.dependencies]
python = ">=3.11,<4"
flask = "<3.1"
pip-audit = "<2.8"

[tool.poetry.group.dev.dependencies]
iniconfig = "*"

[tool.wherry.layers.dependencies]
exclude = ["pip"]
"""


def locked_by_uv(root: Path) -> dict[str, str]:
    write_files(root, {"pyproject.toml": UV})
    run_uv("lock", cwd=root)
    return pins((root / "uv.lock").read_text())


def locked_by_poetry(root: Path) -> dict[str, str]:
    # Its Simple API, which mirrors have as well.
    source = f'[[tool.poetry.source]]\nname = "main"\nurl = "{PYPI_SIMPLE_ENDPOINT}"\n'
    write_files(root, {"pyproject.toml": POETRY + source})
    run_tool("poetry", "lock", cwd=root)
    return pins((root / "poetry.lock").read_text())


def pinned_requirements(root: Path) -> dict[str, str]:
    write_files(root, {"pyproject.toml": UV})
    text = run_uv(
        "pip", "compile", "pyproject.toml", "--python-version", "3.13", "--quiet", cwd=root
    )
    write_files(root, {"requirements.txt": text})
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))


def pins(lock: str) -> dict[str, str]:
    return dict(re.findall(r'^name = "([^"]+)"\nversion = "([^"]+)"', lock, re.MULTILINE))


@pytest.mark.parametrize("lock", [locked_by_uv, locked_by_poetry, pinned_requirements])
def test_a_layer_of_a_real_lock(tmp_path: Path, lock: object) -> None:
    """A1, A2, A3, A4: the locked versions below `python/`, no dev group, pip_audit without pip."""
    assert callable(lock)
    versions = lock(tmp_path)
    report = wherry.build(tmp_path, runtime="python3.13", names=["dependencies"])
    (layer,) = report.packages
    found = {one.name: one.version for one in layer.distributions}
    assert {"flask", "werkzeug", "pip-audit"} <= found.keys()
    assert not {"iniconfig", "pip"} & found.keys()
    assert found == {name: versions[name] for name in found}
    with zipfile.ZipFile(layer.path) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path / "opt")
    assert all(name.startswith("python/") for name in names)
    assert "python/pip_audit/__init__.py" in names
    assert not [name for name in names if name.startswith("python/pip/")]
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c",
         (f"import sys; sys.path.insert(0, {str(tmp_path / 'opt/python')!r})\n"
         "from importlib.metadata import version; print(version('flask'))")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.strip() == versions["flask"], done.stderr
    again = wherry.build(tmp_path, runtime="python3.13", names=["dependencies"]).packages[0]
    assert (again.sha256, again.changed) == (layer.sha256, False)
