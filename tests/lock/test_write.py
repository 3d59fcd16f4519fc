"""``wherry lock``: writing ``pylock.toml``."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from packaging.pylock import Pylock

from support.index import Index, serve_index
from support.locks import (
    NEWER,
    PYPROJECT,
    RELEASES,
    VERSIONS,
    Heard,
    lock_context,
    read,
    target,
    versions,
    write,
)
from support.wheels import make_wheel
from wherry.errors import LockError, OutputError, ProjectError, TargetError
from wherry.events import Warned
from wherry.lock.formats import LockFormat
from wherry.lock.model import LockRequest
from wherry.lock.write import write_lock
from wherry.wheels.select import select

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path, index: Index) -> Path:
    text = f'{PYPROJECT}\n[[tool.uv.index]]\nurl = "{index.simple}"\ndefault = true\n'
    return write(tmp_path, pyproject__toml=text)


def written(root: Path, *, output: Path | None = None, **rest: Any) -> Path:
    return write_lock(LockRequest(root=root), lock_context(root, **rest), output=output)


def test_the_lock_that_is_written_is_read(project: Path) -> None:
    heard = Heard()
    path = written(project, reporter=heard)
    assert path == project / "pylock.toml"
    assert heard.texts(Warned) == []
    Pylock.from_dict(tomllib.loads(path.read_text()))
    lock = read(project)
    assert lock.format is LockFormat.PYLOCK
    assert versions(lock) == VERSIONS
    assert sorted(each.name for each in project.iterdir()) == ["pylock.toml", "pyproject.toml"]


def test_the_lock_holds_when_newer_releases_come(tmp_path: Path) -> None:
    """A1: exactly the locked versions."""
    with serve_index(RELEASES) as index:
        text = f'{PYPROJECT}\n[[tool.uv.index]]\nurl = "{index.simple}"\ndefault = true\n'
        write(tmp_path, pyproject__toml=text)
        written(tmp_path)
        index.add(*NEWER)
        assert versions(read(tmp_path)) == VERSIONS


def test_the_same_project_gives_the_same_bytes(project: Path) -> None:
    before = written(project).read_bytes()
    assert written(project).read_bytes() == before


def test_the_lock_is_for_its_target_alone(project: Path) -> None:
    written(project)
    with pytest.raises(TargetError, match=r"the lock was not made for python3\.13-arm64") as caught:
        select(read(project, architecture="arm64"), target(architecture="arm64"))
    hint = "run `wherry lock --runtime python3.13 --architecture arm64`"
    assert (caught.value.hint or "").startswith(hint)


def test_an_edit_makes_it_stale(project: Path) -> None:
    written(project)
    pyproject = project / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace('version = "0.1"', 'version = "0.2"'))
    assert versions(read(project)) == VERSIONS
    pyproject.write_text(pyproject.read_text().replace('"native"', '"delta"'))
    with pytest.raises(LockError) as caught:
        read(project)
    assert caught.value.message == "`pylock.toml` is older than what it was made from"
    assert caught.value.where == ("`pyproject.toml` has changed since",)
    assert caught.value.hint == "run `wherry lock`"
    assert versions(read(project, frozen=True)) == VERSIONS


def test_an_edit_of_what_pdm_resolves_makes_it_stale(project: Path) -> None:
    written(project)
    pyproject = project / "pyproject.toml"
    pyproject.write_text(pyproject.read_text() + "[tool.pdm]\ndistribution = true\n")
    assert versions(read(project)) == VERSIONS
    pyproject.write_text(pyproject.read_text() + '[tool.pdm.resolution.overrides]\nbeta = "2.0"\n')
    with pytest.raises(LockError, match="is older than what it was made from"):
        read(project)


def test_no_secret_is_written(tmp_path: Path) -> None:
    """A8: the secret is in no file."""
    with serve_index(RELEASES, auth=("me", "hush-hush")) as index:
        address = index.url.replace("://", "://me:hush-hush@")
        text = f"-i {address}/simple/\nalpha\ndelta @ {address}/files/delta-4.0-py3-none-any.whl\n"
        write(tmp_path, requirements__in=text)
        text = written(tmp_path).read_text()
    assert "delta-4.0" in text
    assert "hush-hush" not in text


def test_paths_start_at_the_file_that_is_written(tmp_path: Path, index: Index) -> None:
    text = f"-i {index.simple}\n./wheels/local-7.0-py3-none-any.whl\n"
    project = write(tmp_path / "project", requirements__in=text)
    make_wheel("local", "7.0").write(project / "wheels")
    (tmp_path / "locks").mkdir()
    path = written(project, output=tmp_path / "locks" / "pylock.toml")
    package = tomllib.loads(path.read_text())["packages"][0]
    assert package["archive"]["path"] == "../project/wheels/local-7.0-py3-none-any.whl"


def test_what_a_folder_of_the_project_has_is_named_by_its_path(tmp_path: Path) -> None:
    """N1: the same bytes wherever the project lies."""
    texts = []
    for name in ("here", "elsewhere"):
        text = "--no-index\n--find-links ./wheels\nlocal\n"
        project = write(tmp_path / name, requirements__in=text)
        make_wheel("local", "7.0").write(project / "wheels")
        texts.append(written(project).read_text())
        wheel = (read(project).pylock.packages[0].wheels or ())[0]
        assert (wheel.url, wheel.path) == (None, "wheels/local-7.0-py3-none-any.whl")
    assert texts[0] == texts[1]
    make_wheel("local", "8.0").write(tmp_path / "beside")
    text = f"--no-index\n--find-links {tmp_path / 'beside'}\nlocal\n"
    assert "file://" in written(write(project, requirements__in=text)).read_text()


def test_a_project_with_a_lock_keeps_it(project: Path) -> None:
    (project / "uv.lock").write_text("")
    with pytest.raises(LockError) as caught:
        written(project)
    assert caught.value.message == "the project has a lock, `uv.lock`"
    assert caught.value.hint == "run `uv lock` to bring it up to date"


def test_nothing_is_written_when_nothing_is_resolved(tmp_path: Path) -> None:
    write(tmp_path, requirements__in="--no-index\nnowhere\n")
    with pytest.raises(LockError, match=r"uv cannot resolve"):
        written(tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == ["requirements.in"]


def test_an_output_that_cannot_be_written(project: Path) -> None:
    (project / "blocked").mkdir()
    with pytest.raises(OutputError, match=r"`blocked` cannot be written"):
        written(project, output=project / "blocked")
    with pytest.raises(OutputError, match=r"`pylock\.toml` cannot be written"):
        written(project, output=project / "absent" / "pylock.toml")
    assert sorted(each.name for each in project.iterdir()) == ["blocked", "pyproject.toml"]


def test_no_project(tmp_path: Path) -> None:
    with pytest.raises(ProjectError):
        written(tmp_path)


def test_a_project_that_needs_nothing(tmp_path: Path) -> None:
    write(tmp_path, app__py="")
    written(tmp_path)
    assert versions(read(tmp_path)) == {}
