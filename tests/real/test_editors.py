"""Settings in an editor: Taplo, the language server of most editors for TOML, checks them by the schema."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from support.command import Wherry
from support.projects import write_files

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real

TAPLO = "taplo==0.9.3"
RULES = """
[[rule]]
include = ["**/wherry.toml"]
schema.path = "./wherry.schema.json"

[[rule]]
include = ["**/pyproject.toml"]
schema.path = "./pyproject.schema.json"
"""


def lint(root: Path, file: str) -> subprocess.CompletedProcess[str]:
    from uv import find_uv_bin

    command = [find_uv_bin(), "tool", "run", "--from", TAPLO, "taplo", "lint", file]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


def test_taplo_checks_settings_by_the_schema(tmp_path: Path) -> None:
    wherry = Wherry(store=tmp_path / "store", cwd=tmp_path)
    good = 'runtime = "python3.13"\n[{0}functions.api]\napp = "shop:app"\ntimeout = 30\n'
    files = {
        ".taplo.toml": RULES,
        "wherry.schema.json": wherry("schema").out,
        "pyproject.schema.json": wherry("schema", "--pyproject").out,
        "wherry.toml": good.format(""),
    }
    pyproject = (
        f"[project]\nname = 'shop'\nversion = '1'\n[tool.wherry]\n{good.format('tool.wherry.')}"
    )
    write_files(tmp_path, {**files, "pyproject.toml": pyproject})
    for name in ("wherry.toml", "pyproject.toml"):
        done = lint(tmp_path, name)
        assert done.returncode == 0, done.stderr
        path = tmp_path / name
        path.write_text(path.read_text().replace("timeout = 30", 'timeout = 901\nhandlr = "x"'))
        done = lint(tmp_path, name)
        assert done.returncode != 0
        assert "901 is greater than the maximum of 900" in done.stderr
        assert "'handlr' was unexpected" in done.stderr
