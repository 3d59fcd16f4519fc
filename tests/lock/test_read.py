"""Which lock of a project is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.locks import Heard, content_hash, read, versions, write
from wherry.errors import LockError
from wherry.events import Note, Warned
from wherry.lock.formats import LockFormat

if TYPE_CHECKING:
    from pathlib import Path

DIGEST = "0" * 64
POETRY = '[tool.poetry]\nname = "shop"\n[tool.poetry.dependencies]\nalpha = "*"\n'


def pylock(version: str) -> str:
    return (
        'lock-version = "1.0"\ncreated-by = "x"\n[[packages]]\nname = "alpha"\n'
        f'version = "{version}"\nwheels = [{{url = "https://host/alpha-{version}-py3-none-any.whl", '
        f'hashes = {{sha256 = "{DIGEST}"}}}}]\n'
    )


def poetry_lock(version: str, pyproject: str = POETRY) -> str:
    return (
        f'[[package]]\nname = "alpha"\nversion = "{version}"\noptional = false\n'
        f'python-versions = "*"\ngroups = ["main"]\nfiles = [{{file = "alpha-{version}-py3-none-any.whl", '
        f'hash = "sha256:{DIGEST}"}}]\n[metadata]\nlock-version = "2.1"\npython-versions = "*"\n'
        f'content-hash = "{content_hash(pyproject)}"\n'
    )


def test_the_tool_in_charge_wins(tmp_path: Path) -> None:
    write(
        tmp_path,
        pyproject__toml=POETRY,
        poetry__lock=poetry_lock("1.1"),
        pylock__toml=pylock("1.0"),
    )
    heard = Heard()
    lock = read(tmp_path, reporter=heard)
    assert lock.format is LockFormat.POETRY
    assert versions(lock) == {"alpha": "1.1"}
    assert heard.texts(Warned) == [
        "of `pylock.toml`, `poetry.lock`, `poetry.lock` is used: `pyproject.toml` has [tool.poetry]"
    ]


# Two tools are in charge, so neither is.
BOTH = POETRY + "[tool.pdm]\n"


def test_locks_that_agree_are_taken_by_precedence(tmp_path: Path) -> None:
    write(
        tmp_path, pyproject__toml=BOTH, poetry__lock=poetry_lock("1.0"), pylock__toml=pylock("1.0")
    )
    heard = Heard()
    lock = read(tmp_path, reporter=heard)
    assert lock.format is LockFormat.PYLOCK
    assert heard.texts(Note) == [
        "of `pylock.toml`, `poetry.lock`, which agree, `pylock.toml` is used"
    ]


def test_locks_that_disagree_are_refused(tmp_path: Path) -> None:
    write(
        tmp_path, pyproject__toml=BOTH, poetry__lock=poetry_lock("1.1"), pylock__toml=pylock("1.0")
    )
    with pytest.raises(LockError) as caught:
        read(tmp_path)
    assert caught.value.message == "`pylock.toml` and `poetry.lock` disagree"
    assert caught.value.where == ("`alpha`: pylock.toml has 1.0, poetry.lock has 1.1",)
    assert caught.value.hint == "name one, such as `--lock pylock.toml`"


def test_the_lock_that_is_named_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(
        tmp_path, pyproject__toml=BOTH, poetry__lock=poetry_lock("1.1"), pylock__toml=pylock("1.0")
    )
    assert versions(read(tmp_path, lock=tmp_path / "poetry.lock")) == {"alpha": "1.1"}
    from pathlib import Path as Relative

    monkeypatch.chdir(tmp_path.parent)
    assert versions(read(tmp_path, lock=Relative("poetry.lock"))) == {"alpha": "1.1"}
    monkeypatch.chdir(tmp_path)
    assert versions(read(Relative(), lock=Relative("poetry.lock"))) == {"alpha": "1.1"}


def test_a_lock_that_cannot_be_compared(tmp_path: Path) -> None:
    write(tmp_path, pyproject__toml=BOTH, poetry__lock="x", pylock__toml=pylock("1.0"))
    with pytest.raises(LockError) as caught:
        read(tmp_path)
    assert caught.value.message == (
        "there are several locks, `pylock.toml`, `poetry.lock`, and they cannot be compared"
    )
    assert caught.value.where[0] == "`poetry.lock` is not valid TOML"


def test_an_exported_requirements_file_is_passed_over(tmp_path: Path) -> None:
    write(
        tmp_path,
        pyproject__toml=POETRY,
        poetry__lock=poetry_lock("1.1"),
        requirements__txt="alpha==1.0\n",
    )
    heard = Heard()
    assert versions(read(tmp_path, reporter=heard)) == {"alpha": "1.1"}
    assert heard.texts(Note) == ["`requirements.txt` is not read: `poetry.lock` is the lock"]


def test_nothing_to_read(tmp_path: Path) -> None:
    """A folder of Python files alone has no dependencies: no line says that it was read."""
    write(tmp_path, app__py="")
    heard = Heard()
    assert versions(read(tmp_path, reporter=heard)) == {}
    assert not heard.events


def test_a_lock_of_an_unknown_kind(tmp_path: Path) -> None:
    (tmp_path / "Cargo.lock").write_text("")
    with pytest.raises(LockError) as caught:
        read(tmp_path, lock=tmp_path / "Cargo.lock")
    assert caught.value.message == "Wherry does not know the format of the lock `Cargo.lock`"
    assert "pdm.lock" in caught.value.where[0]


def test_a_lock_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LockError) as caught:
        read(tmp_path, lock=tmp_path / "uv.lock")
    assert caught.value.message == f"there is no lock `{tmp_path / 'uv.lock'}`"
