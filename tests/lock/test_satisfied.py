"""A `pylock.toml` that another tool made, and a project that has moved on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.locks import lock_context
from support.projects import write_files
from wherry.errors import LockError
from wherry.lock.model import LockRequest
from wherry.lock.read import read_lock
from wherry.target import RUNTIMES, Architecture, Target

if TYPE_CHECKING:
    from pathlib import Path

TARGET = Target(runtime=RUNTIMES["python3.12"], architecture=Architecture.X86_64)
LOCK = (
    'lock-version = "1.0"\ncreated-by = "pdm"\n[[packages]]\nname = "flask"\nversion = "3.1.0"\n'
    'wheels = [{url = "https://index.test/flask-3.1.0-py3-none-any.whl", hashes = {sha256 = "00"}}]\n'
)


def read(root: Path, dependencies: str, *, name: str = "pylock.toml", frozen: bool = False) -> None:
    write_files(
        root,
        {
            name: LOCK,
            "pyproject.toml": f'[project]\nname = "shop"\nversion = "1"\ndependencies = [{dependencies}]\n',
        },
    )
    read_lock(LockRequest(root=root, frozen=frozen), lock_context(root, TARGET))


@pytest.mark.parametrize(
    "dependencies",
    [
        "",
        '"flask"',
        '"Flask>=3,<4"',
        "\"pywin32; sys_platform == 'win32'\"",
        '"flask", "tomli; python_version < \'3.11\'"',
    ],
)
def test_it_gives_what_is_asked_for(tmp_path: Path, dependencies: str) -> None:
    read(tmp_path, dependencies)


@pytest.mark.parametrize(
    ("dependencies", "told"),
    [
        ('"flask", "click"', ["`pyproject.toml` asks for `click`, the lock does not have it"]),
        ('"flask>=4"', ["`pyproject.toml` asks for `flask>=4`, the lock has 3.1.0"]),
    ],
)
def test_it_is_older(tmp_path: Path, dependencies: str, told: list[str]) -> None:
    with pytest.raises(LockError, match="`pylock.toml` is older than `pyproject.toml`") as raised:
        read(tmp_path, dependencies)
    assert list(raised.value.where) == told
    assert raised.value.hint == "lock again with pdm"
    read(tmp_path, dependencies, frozen=True)


def test_a_named_lock_may_be_for_another_purpose(tmp_path: Path) -> None:
    read(tmp_path, '"click"', name="pylock.docs.toml")
