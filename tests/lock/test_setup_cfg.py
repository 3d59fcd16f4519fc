"""``setup.cfg`` without a ``setup.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.locks import read, versions, write
from wherry.errors import LockError, TargetError
from wherry.lock.formats import LockFormat

if TYPE_CHECKING:
    from pathlib import Path

    from support.index import Index

WHOLE = """\
[metadata]
name = shop

[options]
python_requires = >=3.11
install_requires =
    alpha<2
    # why
    winonly; sys_platform == "win32"

[options.extras_require]
More = delta; beta<2
"""


def test_its_dependencies_are_resolved(
    tmp_path: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", index.simple)
    write(tmp_path, setup__cfg=WHOLE)
    lock = read(tmp_path)
    assert lock.format is LockFormat.SETUP
    assert not lock.stable
    assert versions(lock) == {"alpha": "1.1", "beta": "2.0"}
    more = versions(read(tmp_path, extras=("more",)))
    assert more == {"alpha": "1.1", "beta": "1.0", "delta": "4.0"}
    with pytest.raises(LockError, match=r"has no extra `less`"):
        read(tmp_path, extras=("less",))
    with pytest.raises(TargetError):
        read(tmp_path, runtime="python3.10")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x", "`setup.cfg` is malformed"),
        ("[options]\npython_requires = three", "`setup.cfg` is malformed"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_one_clear_error(tmp_path: Path, text: str, message: str) -> None:
    write(tmp_path, setup__cfg=text)
    with pytest.raises(LockError) as caught:
        read(tmp_path, lock=tmp_path / "setup.cfg")
    assert caught.value.message == message
    assert caught.value.where


def test_dependencies_may_stand_in_files(
    tmp_path: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", index.simple)
    setup = (
        "[metadata]\nname = shop\n[options]\ninstall_requires = file: needed.txt, also.txt\n"
        "[options.extras_require]\nmore = file: more.txt\n"
    )
    write(
        tmp_path,
        setup__cfg=setup,
        needed__txt="# why\nalpha<2\n",
        also__txt="beta<2; python_version>'3'",
    )
    with pytest.raises(LockError, match=r"`more\.txt` cannot be read"):
        read(tmp_path, extras=("more",))
    write(tmp_path, more__txt="delta")
    lock = read(tmp_path)
    assert versions(lock) == {"alpha": "1.1", "beta": "1.0"}
    assert [path.name for path in lock.inputs] == ["setup.cfg", "needed.txt", "also.txt"]
    more = versions(read(tmp_path, extras=("more",)))
    assert more == {"alpha": "1.1", "beta": "1.0", "delta": "4.0"}


def test_a_setup_cfg_for_other_tools_is_no_project(tmp_path: Path) -> None:
    write(tmp_path, setup__cfg="[flake8]\n", app__py="")
    assert read(tmp_path).format is LockFormat.NONE
