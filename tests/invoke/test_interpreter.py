"""An interpreter is one that was run and answered."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from support.interpreters import find_python
from wherry.errors import InvokeError
from wherry.invoke.interpreter import find_interpreter

HERE = (sys.version_info[0], sys.version_info[1])


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_the_one_that_runs_this() -> None:
    found = find_interpreter(HERE)
    assert found.version == sys.version_info[:3]
    # That of the installation, where this is a virtual environment.
    assert os.path.realpath(found.path).startswith(os.path.realpath(sys.base_prefix))
    assert any(os.path.realpath(sys.base_prefix) == os.path.realpath(one) for one in found.folders)


@pytest.mark.parametrize("minor", [9, 10, 12, 13])
def test_one_of_another_version(minor: int) -> None:
    find_python(f"3.{minor}")
    found = find_interpreter((3, minor))
    assert found.version[:2] == (3, minor)
    assert found.machine == os.uname().machine


def test_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    with pytest.raises(InvokeError, match=r"no Python 3\.99 on this machine") as caught:
        find_interpreter((3, 99))
    assert "uv python install 3.99" in (caught.value.hint or "")
    assert "--python PATH" in (caught.value.hint or "")


def test_one_that_lies_about_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """pyenv's shims stand there for versions that are not active."""
    script(tmp_path / "python3.98", "exit 127")
    (tmp_path / "python3.99").symlink_to(sys.executable)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    for minor in (98, 99):
        with pytest.raises(InvokeError, match="no Python"):
            find_interpreter((3, minor))


def test_the_one_that_was_named(tmp_path: Path) -> None:
    assert find_interpreter(HERE, python=Path(sys.executable)).version == sys.version_info[:3]
    with pytest.raises(InvokeError, match=r"is Python 3\.") as caught:
        find_interpreter((3, 99), python=Path(sys.executable))
    assert caught.value.where == ("the package was built for Python 3.99",)
    for path in (tmp_path / "none", script(tmp_path / "no", "echo hello"), tmp_path):
        with pytest.raises(InvokeError, match="is not a CPython interpreter"):
            find_interpreter(HERE, python=path)
