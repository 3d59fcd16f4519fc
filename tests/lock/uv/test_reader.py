"""``uv.lock``, made by the uv that Wherry depends on."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support.index import Index, serve_index
from support.locks import NEWER, PYPROJECT, RELEASES, VERSIONS, by_name, read, versions, write
from support.tools import run_uv
from support.wheels import make_wheel
from wherry.errors import LockError, TargetError
from wherry.lock.formats import LockFormat

if TYPE_CHECKING:
    from collections.abc import Callable


def with_index(pyproject: str, index: Index) -> str:
    return (
        f'{pyproject}\n[[tool.uv.index]]\nname = "main"\nurl = "{index.simple}"\ndefault = true\n'
    )


@pytest.fixture(scope="module")
def locked_project(tmp_path_factory: pytest.TempPathFactory, index: Index) -> Path:
    root = tmp_path_factory.mktemp("project")
    write(root, pyproject__toml=with_index(PYPROJECT, index))
    run_uv("lock", "--quiet", cwd=root)
    return root


@pytest.fixture
def project(tmp_path: Path, locked_project: Path) -> Path:
    """A copy, which a test may change."""
    return shutil.copytree(locked_project, tmp_path, dirs_exist_ok=True)


WORKSPACE = """\
[project]
name = "root-app"
version = "0.1"
requires-python = ">=3.11"
dependencies = ["alpha", "one", "outside"]

[dependency-groups]
dev = ["devtool"]
ops = ["delta", {include-group = "dev"}]

[tool.uv.workspace]
members = ["packages/*"]

[tool.uv.sources]
one = {workspace = true}
outside = {path = "../outside"}
"""


def member(name: str, *dependencies: str) -> str:
    listed = ", ".join(f'"{dependency}"' for dependency in dependencies)
    return (
        f'[project]\nname = "{name}"\nversion = "0.1"\nrequires-python = ">=3.11"\n'
        f"dependencies = [{listed}]\n"
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
    )


@pytest.fixture(scope="module")
def locked_workspace(tmp_path_factory: pytest.TempPathFactory, index: Index) -> Path:
    folder = tmp_path_factory.mktemp("workspace")
    root = write(folder / "root", pyproject__toml=with_index(WORKSPACE, index))
    write(root / "packages" / "one", pyproject__toml=member("one", "beta<2"))
    write(root / "packages" / "two", pyproject__toml=member("two", "gamma", "one"))
    write(folder / "outside", pyproject__toml=member("outside", "winonly"))
    run_uv("lock", "--quiet", cwd=root)
    return folder


@pytest.fixture
def workspace(tmp_path: Path, locked_workspace: Path) -> Path:
    """A copy, which a test may change."""
    return shutil.copytree(locked_workspace, tmp_path, dirs_exist_ok=True) / "root"


def test_the_locked_versions_come_out(project: Path) -> None:
    """A1: `uv.lock` at exactly the locked versions. A2: development groups are absent."""
    lock = read(project)
    assert versions(lock) == VERSIONS
    assert lock.format is LockFormat.UV
    assert lock.stable
    assert lock.base == project
    assert lock.member == project
    assert lock.inputs == (project / "uv.lock", project / "pyproject.toml")


def test_other_targets_get_their_own(project: Path) -> None:
    """N2: cross-architecture from a lock."""
    assert versions(read(project, architecture="arm64"), architecture="arm64") == VERSIONS
    assert versions(read(project, runtime="python3.11"), runtime="python3.11") == VERSIONS


def test_groups_and_extras_are_added_when_asked_for(project: Path) -> None:
    lock = read(project, groups=("dev",), extras=("windows",))
    assert versions(lock) == {**VERSIONS, "devtool": "9.0", "winonly": "1.0"}


@pytest.mark.parametrize(
    ("wanted", "message", "hint"),
    [
        ({"groups": ("deb",)}, "`uv.lock` has no group `deb`", "did you mean `dev`?"),
        ({"extras": ("window",)}, "`uv.lock` has no extra `window`", "did you mean `windows`?"),
        ({"package": "shp"}, "`uv.lock` has no member `shp`", "did you mean `shop`?"),
    ],
)
def test_what_is_not_there_is_named(
    project: Path, wanted: dict[str, Any], message: str, hint: str
) -> None:
    with pytest.raises(LockError) as caught:
        read(project, **wanted)
    assert caught.value.message == message
    assert caught.value.hint == hint


def test_newer_releases_are_not_noticed_and_no_index_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A1: the lock's versions, though the index has newer ones, or is gone."""
    with serve_index(RELEASES) as index:
        write(tmp_path, pyproject__toml=with_index(PYPROJECT, index))
        run_uv("lock", "--quiet", cwd=tmp_path)
        index.add(*NEWER)
        index.requests.clear()
        assert versions(read(tmp_path)) == VERSIONS
        assert index.requests == []
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "empty"))
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple/")
    assert versions(read(tmp_path)) == VERSIONS


def test_settings_of_the_machine_have_no_say(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read(project)
    for name, value in {
        "UV_NO_DEV": "0",
        "UV_PROJECT": "/nowhere",
        "UV_PYTHON": "2.7",
        "UV_NO_SOURCES": "1",
        "UV_WORKING_DIR": "/",
        "VIRTUAL_ENV": "/nowhere",
        "FORCE_COLOR": "1",
        "PATH": "/nowhere",
    }.items():
        monkeypatch.setenv(name, value)
    assert read(project) == before


def edited(project: Path, before: str, after: str) -> None:
    path = project / "pyproject.toml"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


@pytest.mark.parametrize(
    ("before", "after", "cause"),
    [
        (
            '"alpha>=1,<2"',
            '"alpha>=1.1,<2"',
            "`pyproject.toml` asks for `alpha>=1.1,<2`, the lock was made for `alpha<2,>=1`",
        ),
        ('"native"', '"delta"', "`pyproject.toml` asks for `delta`, the lock does not have it"),
        ("gamma[fast]", "gamma", "`pyproject.toml` asks for `gamma`, the lock was made for `gamma[fast]`"),
        (', "native"]', "]", "`pyproject.toml` no longer asks for `native`"),
        ('["devtool"]', '["devtool", "delta"]', "`pyproject.toml, group dev` asks for `delta`, the lock does not have it"),
        ('windows = ["winonly"]', 'linux = ["winonly"]', "`pyproject.toml` and the lock differ about the extra `linux`"),
        (">=3.11,<4", ">=3.12,<4", "requires-python is `<4,>=3.12`, the lock was made for `<4,>=3.11`"),
        ('"beta<2"', "\"beta<2; sys_platform == 'linux'\"", "`pyproject.toml` asks for `beta<2; sys_platform == 'linux'`, the lock was made for `beta<2`"),
        ("[[tool.uv.index]]", '[tool.uv]\nconstraint-dependencies = ["delta<4"]\n[[tool.uv.index]]', "`pyproject.toml, constraint-dependencies` asks for `delta<4`, the lock does not have it"),
    ],
)  # fmt: skip
def test_a_stale_lock_is_refused(project: Path, before: str, after: str, cause: str) -> None:
    edited(project, before, after)
    with pytest.raises(LockError) as caught:
        read(project)
    assert caught.value.message == "`uv.lock` is older than `pyproject.toml`"
    assert cause in caught.value.where
    assert caught.value.hint == "run `uv lock`"
    assert versions(read(project, frozen=True)) == VERSIONS


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('version = "0.1"', 'version = "0.2"\ndescription = "new"'),
        ('"alpha>=1,<2"', '"Alpha <2, >=1"'),
        ("[[tool.uv.index]]", "[tool.ruff]\nline-length = 80\n[[tool.uv.index]]"),
    ],
)
def test_edits_that_decide_nothing_leave_the_lock_fresh(
    project: Path, before: str, after: str
) -> None:
    edited(project, before, after)
    assert versions(read(project)) == VERSIONS


def test_markers_of_uvs_writing_are_the_same(tmp_path: Path, index: Index) -> None:
    pyproject = PYPROJECT.replace(
        '"alpha>=1,<2"', "\"alpha>=1,<2; python_version > '3.8' and python_version < '3.14'\""
    ).replace('["winonly"]', "[\"winonly; os_name == 'posix' or os_name == 'nt'\"]")
    write(tmp_path, pyproject__toml=with_index(pyproject, index))
    run_uv("lock", "--quiet", cwd=tmp_path)
    assert versions(read(tmp_path)) == VERSIONS


def test_a_python_that_the_project_excludes(project: Path) -> None:
    with pytest.raises(TargetError, match=r"the project is not for python3\.10"):
        read(project, runtime="python3.10")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text.replace("version = 1\n", "version = 2\n", 1), "`uv.lock` is of the unknown lock version 2"),
        (lambda text: text.replace("version = 1\n", "", 1), "`uv.lock` is malformed"),
        (lambda text: text[: len(text) // 2], "`uv.lock` is not valid TOML"),
        (lambda text: text.replace("[[package]]", "[package]", 1), "`uv.lock` is not valid TOML"),
        (lambda _text: "", "`uv.lock` is malformed"),
        (lambda _text: "version = 1\nx = " + "[" * 5000, "`uv.lock` is not valid TOML"),
        (lambda _text: "version = " + "1" * 5000, "`uv.lock` is not valid TOML"),
    ],
)  # fmt: skip
def test_a_damaged_lock_is_one_clear_error(
    project: Path, damage: Callable[[str], str], message: str
) -> None:
    path = project / "uv.lock"
    path.write_text(damage(path.read_text()))
    with pytest.raises(LockError) as caught:
        read(project)
    assert caught.value.message == message
    assert caught.value.where


def test_the_place_of_a_syntax_error_is_told(project: Path) -> None:
    (project / "uv.lock").write_text("version = 1\nx = = 2\n")
    with pytest.raises(LockError, match=r"line 2, column 5"):
        read(project)


def test_a_workspace_root_takes_its_members_and_paths_along(workspace: Path) -> None:
    """B3: local path dependencies are in the lock, the project itself is not."""
    lock = read(workspace)
    assert versions(lock) == {
        "alpha": "1.1",
        "beta": "1.0",
        "one": None,
        "outside": None,
        "winonly": "1.0",
    }
    directories = {
        package.name: package.directory.path
        for package in lock.pylock.packages
        if package.directory is not None
    }
    assert directories == {"one": "packages/one", "outside": "../outside"}
    assert all((lock.base / path).is_dir() for path in directories.values())
    assert set(lock.inputs) == {
        workspace / "uv.lock",
        workspace / "pyproject.toml",
        workspace / "packages" / "one" / "pyproject.toml",
        workspace / "packages" / "two" / "pyproject.toml",
        workspace.parent / "outside" / "pyproject.toml",
    }


def test_a_member_finds_the_lock_above_it(workspace: Path) -> None:
    two = workspace / "packages" / "two"
    lock = read(two)
    assert versions(lock) == {"beta": "1.0", "gamma": "3.0", "one": None}
    assert lock.path == workspace / "uv.lock"
    assert lock.member == two


def test_a_member_is_chosen_by_name(workspace: Path) -> None:
    lock = read(workspace, package="Two")
    assert lock.member == workspace / "packages" / "two"
    assert lock == read(workspace / "packages" / "two")


def test_groups_that_include_groups(workspace: Path) -> None:
    lock = read(workspace, groups=("ops",))
    assert {"delta", "devtool"} <= versions(lock).keys()


def test_a_stale_member_makes_the_lock_stale(workspace: Path) -> None:
    edited(workspace / "packages" / "two", '"gamma"', '"delta"')
    with pytest.raises(LockError) as caught:
        read(workspace)
    assert (
        "`packages/two/pyproject.toml` asks for `delta`, the lock does not have it"
        in caught.value.where
    )


def test_a_new_member_makes_the_lock_stale(workspace: Path) -> None:
    write(workspace / "packages" / "three", pyproject__toml=member("three"))
    with pytest.raises(LockError) as caught:
        read(workspace)
    assert caught.value.where == ("the workspace member `packages/three` is not in the lock",)


def test_a_workspace_without_a_package_at_its_root_asks_which(tmp_path: Path, index: Index) -> None:
    root = '[tool.uv.workspace]\nmembers = ["api", "worker"]\n'
    write(tmp_path, pyproject__toml=with_index(root, index))
    write(tmp_path / "api", pyproject__toml=member("api", "alpha"))
    write(tmp_path / "worker", pyproject__toml=member("worker", "delta"))
    run_uv("lock", "--quiet", cwd=tmp_path)
    with pytest.raises(LockError) as caught:
        read(tmp_path)
    assert caught.value.where == (f"{tmp_path}: its members are `api`, `worker`",)
    assert caught.value.hint == "name one with `--package`, such as `--package api`"
    assert versions(read(tmp_path, package="worker")) == {"delta": "4.0"}


def test_a_folder_that_is_no_member_has_no_part_in_the_lock_above(workspace: Path) -> None:
    stranger = write(workspace / "stranger", app__py="")
    assert read(stranger).format is LockFormat.NONE


def test_git_and_url_sources_are_kept(tmp_path: Path, index: Index) -> None:
    repository = write(tmp_path / "repository", pyproject__toml=member("sourced"), sourced__py="")
    git = ["-c", "user.name=a", "-c", "user.email=a@example.invalid"]
    for command in (["init", "--quiet"], ["add", "."], [*git, "commit", "--quiet", "-m", "x"]):
        assert os.spawnlp(os.P_WAIT, "git", "git", "-C", str(repository), *command) == 0
    pyproject = (
        '[project]\nname = "shop"\nversion = "0.1"\nrequires-python = ">=3.11"\n'
        f'dependencies = ["sourced", "delta @ {index.url}/files/delta-4.0-py3-none-any.whl", "local"]\n'
        f'[tool.uv.sources]\nsourced = {{git = "{repository.as_uri()}"}}\n'
        'local = {path = "wheels/local-7.0-py3-none-any.whl"}\n'
    )
    project = write(tmp_path / "project", pyproject__toml=with_index(pyproject, index))
    make_wheel("local", "7.0").write(project / "wheels")
    run_uv("lock", "--quiet", cwd=project)
    packages = by_name(read(project))
    vcs = packages["sourced"].vcs
    assert vcs is not None
    assert vcs.url == repository.as_uri()
    assert len(vcs.commit_id) == 40
    remote = packages["delta"].archive
    assert remote is not None
    assert remote.hashes
    local = packages["local"].archive
    assert local is not None
    assert local.path == "wheels/local-7.0-py3-none-any.whl"
