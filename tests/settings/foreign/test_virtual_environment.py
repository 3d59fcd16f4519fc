"""The virtual environment that has a tool: its Python and the tool's version."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.projects import write_files
from wherry.settings.foreign.virtual_environment import environment_with

if TYPE_CHECKING:
    from pathlib import Path

LINUX, WINDOWS = "lib/python3.12/site-packages", "Lib/site-packages"


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({f".venv/{LINUX}/chalice-1.34.0.dist-info/METADATA": ""}, ("python3.12", "1.34.0")),
        ({f"venv/{LINUX}/chalice-1.34.0rc1.dist-info/METADATA": ""}, ("python3.12", "1.34.0rc1")),
        ({f".venv/{WINDOWS}/chalice-1.34.0.dist-info/METADATA": "", ".venv/pyvenv.cfg": "home = x\nversion = 3.13.1\n"},
         ("python3.13", "1.34.0")),
        ({f".venv/{WINDOWS}/chalice-1.34.0.dist-info/METADATA": ""}, None),
        ({f".venv/{LINUX}/chalice_spec-1.0.dist-info/METADATA": ""}, None),
        ({f".venv/{LINUX}/chalice-x;y.dist-info/METADATA": ""}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_in_the_project(
    tmp_path: Path,
    files: dict[str, str],
    found: tuple[str, str] | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    write_files(tmp_path, files)
    environment = environment_with("chalice", tmp_path)
    assert (environment and (environment.runtime, environment.version)) == found


def test_the_active_one_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If it has the tool."""
    path = f"{LINUX}/zappa-0.62.0.dist-info/METADATA"
    write_files(tmp_path, {f"active/{path}": "", f".venv/{path.replace('0.62', '0.63')}": ""})
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "active"))
    found = environment_with("zappa", tmp_path)
    assert found is not None
    assert found.version == "0.62.0"
    assert environment_with("chalice", tmp_path) is None
