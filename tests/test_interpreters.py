"""The Python that builds for a target is found once, and found anew when something changes."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from support.contexts import context
from wherry.interpreters import build_python, running_python
from wherry.store import Store
from wherry.target import RUNTIMES, Architecture, Target

if TYPE_CHECKING:
    from pathlib import Path

OTHER = (3, 13) if sys.version_info[:2] != (3, 13) else (3, 12)
NAME = f"python{OTHER[0]}.{OTHER[1]}"
TARGET = Target(runtime=RUNTIMES[NAME], architecture=Architecture.X86_64)


@pytest.fixture(autouse=True)
def _no_other_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    for name in ("PYENV_ROOT", "UV_PYTHON_INSTALL_DIR", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "nowhere"))


def install(folder: Path, note: str = "") -> Path:
    """A Python that answers, and writes down that it was asked."""
    path = folder / "bin" / NAME
    answer = {
        "executable": str(path), "implementation": "cpython", "version": [*OTHER, 1], "machine": "x86_64",
        "suffix": "", "folders": [],
    }  # fmt: skip
    path.write_text(
        f"#!/bin/sh\n# {note}\necho asked >> {folder / 'asked'}\necho '{json.dumps(answer)}'\n"
    )
    path.chmod(0o755)
    return path


def test_it_is_asked_once_and_again_when_it_is_another(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    path = install(tmp_path)
    found = [build_python(context(store, target=TARGET)) for _ in range(3)]
    assert {(each.path, each.version) for each in found} == {(path, OTHER)}
    assert (tmp_path / "asked").read_text() == "asked\n"
    install(tmp_path, note="of another release")
    assert build_python(context(store, target=TARGET)).identity != found[0].identity
    assert (tmp_path / "asked").read_text() == "asked\n" * 2


def test_one_that_is_installed_later_is_found(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    assert build_python(context(store, target=TARGET)) == running_python()
    path = install(tmp_path)
    assert build_python(context(store, target=TARGET)).path == path
    path.unlink()
    assert build_python(context(store, target=TARGET)) == running_python()


def test_the_one_that_runs_wherry_where_it_fits(tmp_path: Path) -> None:
    here = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    target = Target(runtime=RUNTIMES[here], architecture=Architecture.X86_64)
    assert build_python(context(Store(tmp_path / "store"), target=target)) == running_python()
