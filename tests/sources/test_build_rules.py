"""The rules of ``[tool.uv]`` for what is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.projects import write_files
from wherry.builders import BuildRules
from wherry.errors import LockError
from wherry.files import ProjectFiles
from wherry.sources.build_rules import read_build_rules

if TYPE_CHECKING:
    from pathlib import Path

ROOT = """\
[tool.uv]
build-constraint-dependencies = ["setuptools<80"]
[tool.uv.workspace]
members = ["api"]
[tool.uv.extra-build-dependencies]
Flash_Attn = ["ninja", {requirement = "torch", match-runtime = true}, {requirement = "cmake>3"}]
"""


def test_a_workspace_rules_its_members(tmp_path: Path) -> None:
    write_files(
        tmp_path, {"pyproject.toml": ROOT, "api/pyproject.toml": '[project]\nname = "api"\n'}
    )
    rules = read_build_rules(tmp_path / "api", ProjectFiles(), {"torch": "2.8.0"})
    assert rules.constraints == ("setuptools<80",)
    assert rules.extra == {"flash-attn": ("ninja", "torch==2.8.0", "cmake>3")}
    assert rules.requires(["setuptools"], "flash-attn") == [
        "cmake>3",
        "ninja",
        "setuptools",
        "torch==2.8.0",
    ]
    assert rules.requires(["setuptools"], "other") == ["setuptools"]
    assert rules.facts("other") != rules.facts("flash-attn")
    unlocked = read_build_rules(tmp_path, ProjectFiles())
    assert unlocked.extra == {"flash-attn": ("ninja", "torch", "cmake>3")}


def test_others_have_none(tmp_path: Path) -> None:
    assert read_build_rules(tmp_path, ProjectFiles()) == BuildRules()
    assert BuildRules().facts("x") == []
    write_files(tmp_path, {"pyproject.toml": "[tool.uv]\nextra-build-dependencies = 1\n"})
    with pytest.raises(LockError, match=r"tool\.uv\.extra-build-dependencies: expected a table"):
        read_build_rules(tmp_path, ProjectFiles())
