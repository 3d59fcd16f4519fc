"""Projects without a lock that declare several indexes: what comes from which is as the project's tool has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.index import serve_index
from support.locks import read, versions, write
from support.wheels import make_wheel
from wherry.errors import LockError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.index import Index

# Whoever takes `alpha` from where the project does not say gets this one.
PRIVATE = (make_wheel("secret", "1.0", requires=["alpha"]), make_wheel("alpha", "1.9"))
POETRY = """\
[tool.poetry.dependencies]
python = ">=3.9"
alpha = "<2"
"""
NAMED = 'secret = {version = "*", source = "My Own", python = ">=3.10"}\n'
PIPFILE = """\
[[source]]
name = "public"
url = "PUBLIC"
[[source]]
name = "My Own"
url = "${ADDRESS}"
[packages]
alpha = "<2"
"""


@pytest.fixture
def private(monkeypatch: pytest.MonkeyPatch, index: Index) -> Iterator[Index]:
    """An index with a password, which is found by its name; the default index is another."""
    monkeypatch.setenv("UV_DEFAULT_INDEX", index.simple)
    monkeypatch.setenv("POETRY_HTTP_BASIC_MY_OWN_USERNAME", "me")
    monkeypatch.setenv("POETRY_HTTP_BASIC_MY_OWN_PASSWORD", "p@ss")
    with serve_index([*PRIVATE], auth=("me", "p@ss")) as served:
        monkeypatch.setenv("ADDRESS", served.simple.replace("://", "://me:p%40ss@"))
        yield served


def poetry(dependencies: str, *sources: str) -> str:
    tables = "".join(
        f"[[tool.poetry.source]]\n{source.replace(';', chr(10))}\n" for source in sources
    )
    return f'[tool.poetry]\nname = "shop"\n{POETRY}{dependencies}{tables}'


OWN = 'name = "My Own";url = "URL"'
PYPI = 'name = "PyPI"'


@pytest.mark.parametrize(
    ("dependencies", "sources", "alpha"),
    [
        (NAMED, [f'{OWN};priority = "explicit"'], "1.1"),
        (NAMED, [f'{OWN};priority = "explicit"', PYPI], "1.1"),
        (NAMED, [f'{OWN};priority = "supplemental"'], "1.1"),
        ('secret = "*"\n', [f'{OWN};priority = "supplemental"'], "1.1"),
        ('secret = "*"\n', [f'{OWN};priority = "supplemental"', f'{PYPI};priority = "primary"'], "1.1"),
        ('secret = "*"\n', [f"{OWN};secondary = true"], "1.1"),
        ('secret = "*"\ndelta = "*"\n', [OWN, PYPI], "1.9"),
        ('secret = "*"\ndelta = "*"\n', [OWN, f'{PYPI};priority = "supplemental"'], "1.9"),
        ('secret = "*"\ndelta = {version = "*", source = "pypi"}\n', [f"{OWN};default = true"], "1.9"),
        ('beta = {version = "*", source = "My Own", platform = "win32"}\n', [OWN], "1.9"),
    ],
)  # fmt: skip
def test_sources_of_poetry(
    tmp_path: Path, private: Index, dependencies: str, sources: list[str], alpha: str
) -> None:
    text = poetry(dependencies, *sources).replace("URL", private.simple)
    lock = read(write(tmp_path, pyproject__toml=text))
    assert versions(lock)["alpha"] == alpha
    assert ("secret" in versions(lock)) == ("secret" in dependencies)
    assert "p@ss" not in str(lock)
    assert "p%40ss" not in str(lock)


def test_without_poetrys_own_source_nothing_comes_from_it(tmp_path: Path, private: Index) -> None:
    text = poetry('delta = "*"\n', OWN).replace("URL", private.simple)
    with pytest.raises(LockError, match="uv cannot resolve") as caught:
        read(write(tmp_path, pyproject__toml=text))
    assert "delta was not found" in caught.value.where[-1]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pyproject.toml", poetry('beta = {version = "*", source = "there"}\n')),
        ("Pipfile", PIPFILE + 'beta = {version = "*", index = "there"}\n'),
    ],
)
def test_a_source_that_is_not_there(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(LockError) as caught:
        read(write(tmp_path, **{name: text}))
    assert caught.value.message == f"`{name}` is malformed"
    assert "there is no source `there`" in caught.value.where[0]


def test_sources_of_a_pipfile(tmp_path: Path, index: Index, private: Index) -> None:
    text = PIPFILE.replace("PUBLIC", index.simple)
    named = (
        'secret = {version = "*", index = "My Own"}\nbeta = {version = "==1.0", index = "public"}\n'
    )
    lock = read(write(tmp_path, Pipfile=text + named))
    assert versions(lock) == {"alpha": "1.1", "beta": "1.0", "secret": "1.0"}
    assert "p%40ss" not in str(lock)
    with pytest.raises(LockError, match="uv cannot resolve") as caught:
        read(write(tmp_path, Pipfile=f'{text}secret = "*"\n'))
    assert "secret was not found" in caught.value.where[-1]
    assert private.simple not in str(lock.pylock.packages[0])
