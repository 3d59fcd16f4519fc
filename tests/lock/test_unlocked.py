"""Projects without a lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from support.locks import PYPROJECT, VERSIONS, Heard, read, versions, write
from support.wheels import make_wheel
from wherry.errors import LockError, ProjectError, TargetError
from wherry.events import LockRead, Warned
from wherry.lock.formats import LockFormat

if TYPE_CHECKING:
    from pathlib import Path

    from support.index import Index

POETRY = """\
[tool.poetry]
name = "shop"
version = "0.1"

[tool.poetry.dependencies]
python = "^3.11"
alpha = "^1.0"
beta = [{version = "1.0", python = "<3.14"}, {version = "2.0", python = ">=3.14"}]
gamma = {version = "*", extras = ["fast"]}
native = {version = "~1", markers = "platform_system == 'Linux'", platform = "linux"}
winonly = {version = "*", optional = true}

[tool.poetry.extras]
windows = ["winonly"]

[tool.poetry.group.dev.dependencies]
devtool = "*"

[[tool.poetry.source]]
name = "main"
url = "INDEX"
"""

PIPFILE = """\
[[source]]
name = "main"
url = "INDEX"
verify_ssl = true

[packages]
alpha = "~=1.0"
beta = {version = "<2", python_version = ">= '3.8'"}
gamma = {version = "*", extras = ["fast"]}
native = {version = "*", markers = "platform_system == 'Linux'", sys_platform = "== 'linux'"}

[dev-packages]
devtool = "*"

[windows]
winonly = "*"
"""


def pyproject(index: Index) -> str:
    return f'{PYPROJECT}\n[[tool.uv.index]]\nurl = "{index.simple}"\ndefault = true\n'


def files(index: Index) -> dict[str, dict[str, str]]:
    return {
        "pyproject.toml": {"pyproject__toml": pyproject(index)},
        "poetry": {"pyproject__toml": POETRY.replace("INDEX", index.simple)},
        "Pipfile": {"Pipfile": PIPFILE.replace("INDEX", index.simple)},
        "requirements.in": {
            "requirements__in": f"--index-url {index.simple}\nalpha~=1.0\nbeta<2\ngamma[fast]\nnative\n"
        },
    }


FORMATS = {
    "pyproject.toml": LockFormat.PYPROJECT,
    "poetry": LockFormat.PYPROJECT,
    "Pipfile": LockFormat.PIPFILE,
    "requirements.in": LockFormat.REQUIREMENTS_IN,
}


@pytest.mark.parametrize("kind", FORMATS)
def test_what_is_declared_is_resolved_and_said_to_be_unlocked(
    tmp_path: Path, index: Index, kind: str
) -> None:
    """K3: without a lock. A2: development groups are absent."""
    root = write(tmp_path, **files(index)[kind])
    heard = Heard()
    lock = read(root, reporter=heard)
    assert versions(lock) == VERSIONS
    assert lock.format is FORMATS[kind]
    assert not lock.stable
    assert [event.locked for event in heard.events if isinstance(event, LockRead)] == [False]
    assert "the build is not locked" in heard.texts(Warned)[0]
    # Of packages that take nothing from it, that would be wrong.
    heard = Heard()
    read(root, reporter=heard, wanted=False)
    assert heard.texts(Warned) == []


@pytest.mark.parametrize("kind", ["pyproject.toml", "poetry", "Pipfile"])
def test_groups_and_extras_are_added_when_asked_for(
    tmp_path: Path, index: Index, kind: str
) -> None:
    root = write(tmp_path, **files(index)[kind])
    assert versions(read(root, groups=("dev",))) == {**VERSIONS, "devtool": "9.0"}
    more: dict[str, Any] = {"groups" if kind == "Pipfile" else "extras": ("windows",)}
    assert versions(read(root, **more)) == {**VERSIONS, "winonly": "1.0"}


def test_groups_of_poetry_beside_a_project_table(tmp_path: Path, index: Index) -> None:
    group = '\n[tool.poetry.group.api.dependencies]\ndelta = "*"\n'
    source = f'[[tool.poetry.source]]\nname = "x"\nurl = "{index.simple}"\n'
    root = write(tmp_path, pyproject__toml=pyproject(index) + group + source)
    assert versions(read(root)) == VERSIONS
    assert versions(read(root, groups=("Api",))) == {**VERSIONS, "delta": "4.0"}
    both = {**VERSIONS, "delta": "4.0", "devtool": "9.0"}
    assert versions(read(root, groups=("api", "dev"))) == both
    with pytest.raises(LockError) as caught:
        read(root, groups=("absent",))
    assert "`api`" in str(caught.value)


@pytest.mark.parametrize("kind", ["pyproject.toml", "poetry", "Pipfile"])
@pytest.mark.parametrize("what", ["groups", "extras"])
def test_what_is_not_there_is_named(tmp_path: Path, index: Index, kind: str, what: str) -> None:
    root = write(tmp_path, **files(index)[kind])
    wanted: dict[str, Any] = {what: ("absent",)}
    with pytest.raises(LockError, match=rf"has no {what[:-1]} `absent`"):
        read(root, **wanted)


def test_the_target_decides_and_not_the_host(tmp_path: Path, index: Index) -> None:
    root = write(tmp_path, **files(index)["poetry"])
    found = versions(read(root, runtime="python3.14"), runtime="python3.14")
    assert found == {**VERSIONS, "beta": "2.0"}


@pytest.mark.parametrize("kind", ["pyproject.toml", "poetry"])
def test_a_python_that_the_project_excludes(tmp_path: Path, index: Index, kind: str) -> None:
    root = write(tmp_path, **files(index)[kind])
    with pytest.raises(TargetError, match=r"the project is not for python3\.10"):
        read(root, runtime="python3.10")


def test_a_patch_level_of_python_is_assumed(tmp_path: Path, index: Index) -> None:
    text = pyproject(index).replace(">=3.11,<4", ">=3.13.2")
    assert versions(read(write(tmp_path, pyproject__toml=text))) == VERSIONS


def test_path_dependencies(tmp_path: Path, index: Index) -> None:
    """B3: local path dependencies, wheels by path."""
    write(
        tmp_path / "shared",
        pyproject__toml='[project]\nname = "shared"\nversion = "1"\ndependencies = ["delta"]\n',
    )
    poetry = (
        '[tool.poetry]\nname = "shop"\n[tool.poetry.dependencies]\n'
        'shared = {path = "../shared", develop = true}\n'
        'local = {path = "wheels/local-7.0-py3-none-any.whl"}\n'
        f'[[tool.poetry.source]]\nname = "main"\nurl = "{index.simple}"\n'
    )
    root = write(tmp_path / "project", pyproject__toml=poetry)
    make_wheel("local", "7.0").write(root / "wheels")
    lock = read(root)
    assert versions(lock) == {"shared": None, "delta": "4.0", "local": "7.0"}
    for package in lock.pylock.packages:
        for source in (package.directory, package.archive):
            if source is not None:
                assert source.path is not None
                assert (lock.base / source.path).exists()


def test_poetrys_passwords_are_found_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A8: a private repository by name, URL, user and password; special characters, plain http."""
    from support.index import serve_index
    from support.locks import RELEASES

    monkeypatch.setenv("POETRY_HTTP_BASIC_MAIN_USERNAME", "me")
    monkeypatch.setenv("POETRY_HTTP_BASIC_MAIN_PASSWORD", "p@ss:/ word")
    with serve_index(RELEASES, auth=("me", "p@ss:/ word")) as index:
        root = write(tmp_path, **files(index)["poetry"])
        lock = read(root)
    assert versions(lock) == VERSIONS
    assert "p@ss" not in str(lock)
    assert "p%40ss" not in str(lock)


def test_alternatives_have_no_form(tmp_path: Path, index: Index) -> None:
    text = POETRY.replace("INDEX", index.simple).replace('"^1.0"', '"<1.1 || >1.1"')
    root = write(tmp_path, pyproject__toml=text)
    with pytest.raises(LockError) as caught:
        read(root)
    assert caught.value.message == "`pyproject.toml` asks for one of several ranges of `alpha`"


@pytest.mark.parametrize(
    "contents",
    [
        {"app__py": ""},
        {"pyproject__toml": '[project]\nname = "shop"\nversion = "1"\n'},
        {"pyproject__toml": '[project]\nname = "shop"\nversion = "1"\ndependencies = []\n'},
        {"pyproject__toml": "[tool.ruff]\n", "app__py": ""},
    ],
)
def test_a_project_that_needs_nothing(tmp_path: Path, contents: dict[str, str]) -> None:
    heard = Heard()
    lock = read(write(tmp_path, **contents), reporter=heard)
    assert versions(lock) == {}
    assert lock.stable
    assert heard.texts(Warned) == []


def test_no_project(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"there is no Python project here"):
        read(tmp_path)
    with pytest.raises(ProjectError, match=r"there is no such project"):
        read(tmp_path / "absent")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("pyproject.toml", "[project", "`pyproject.toml` is not valid TOML"),
        ("pyproject.toml", "project = 1", "`pyproject.toml` is malformed"),
        ("pyproject.toml", '[project]\nname = "x"\ndependencies = [1]', "`pyproject.toml` is malformed"),
        ("pyproject.toml", '[project]\nname = "x"\ndependencies = ["a"]\nrequires-python = "x"', "`pyproject.toml` is malformed"),
        ("pyproject.toml", "[tool.poetry.dependencies]\na = 1", "`pyproject.toml` is malformed"),
        ("pyproject.toml", '[project]\nname = "x"\nversion = "1"\ndependencies = ["a b"]', "uv cannot resolve `pyproject.toml`"),
        ("Pipfile", "[packages]\na = 1", "`Pipfile` is malformed"),
        ("Pipfile", "[[source]]\n", "`Pipfile` is malformed"),
        ("requirements.in", "a b\n", "a requirement cannot be understood"),
    ],
)  # fmt: skip
def test_bad_files_are_one_clear_error(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(LockError) as caught:
        read(tmp_path, offline=True)
    assert caught.value.message == message
    assert caught.value.where


def test_an_index_that_is_gone(tmp_path: Path) -> None:
    text = '[project]\nname = "x"\nversion = "1"\ndependencies = ["a"]\n[[tool.uv.index]]\n'
    text += 'url = "http://me:secret@127.0.0.1:9/simple/"\ndefault = true\n'
    root = write(tmp_path, pyproject__toml=text)
    with pytest.raises(LockError) as caught:
        read(root)
    assert caught.value.message == "uv cannot resolve `pyproject.toml`"
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("locked", [False, True])
def test_a_member_of_a_workspace_that_is_not_here(tmp_path: Path, locked: bool) -> None:
    text = '[project]\nname = "api"\nversion = "1"\ndependencies = ["shared"]\n'
    text += "[tool.uv.sources]\nshared = { workspace = true }\n"
    files = {"pyproject__toml": text, **({"uv__lock": "version = 1\n"} if locked else {})}
    with pytest.raises(LockError, match="a member of a workspace that is not here") as caught:
        read(write(tmp_path / "api", **files))
    assert "`shared` comes from the workspace" in caught.value.where[0]


def test_places_that_only_poetrys_table_has(tmp_path: Path, index: Index) -> None:
    """``[project]`` says what is needed, and ``[tool.poetry.dependencies]`` where it comes from."""
    write(tmp_path / "mine", pyproject__toml='[project]\nname = "alpha"\nversion = "7"\n')
    text = '[project]\nname = "shop"\nversion = "1"\ndependencies = ["alpha", "beta (<2)"]\n'
    text += '[tool.poetry.dependencies]\nalpha = { path = "mine" }\n'
    source = f'[[tool.poetry.source]]\nname = "main"\nurl = "{index.simple}"\n'
    lock = read(write(tmp_path, pyproject__toml=text + source))
    assert [package.directory is not None for package in lock.pylock.packages] == [True, False]
    # What another tool left behind says nothing once the project is uv's.
    text += f'[[tool.uv.index]]\nurl = "{index.simple}"\ndefault = true\n'
    assert versions(read(write(tmp_path, pyproject__toml=text))) == {"alpha": "1.1", "beta": "1.0"}


@pytest.mark.parametrize("name", ["pypi", "private"])
def test_sources_of_pdm(tmp_path: Path, index: Index, name: str) -> None:
    text = f'{PYPROJECT}\n[[tool.pdm.source]]\nname = "{name}"\nurl = "{index.simple}"\n'
    assert versions(read(write(tmp_path, pyproject__toml=text))) == VERSIONS


@pytest.mark.parametrize(
    ("resolution", "expected"),
    [
        ('overrides = {Beta = "1.0"}', {"alpha": "1.1", "beta": "1.0", "delta": "4.0", "gamma": "3.0"}),
        ('overrides = {beta = "<2"}', {"alpha": "1.1", "beta": "1.0", "delta": "4.0", "gamma": "3.0"}),
        ('excludes = ["Delta"]', {"alpha": "1.1", "beta": "2.0", "gamma": "3.0"}),
        ("allow-prereleases = true", {"alpha": "1.1", "beta": "2.0", "delta": "4.0", "gamma": "3.0"}),
    ],
)  # fmt: skip
def test_what_pdm_resolves_otherwise(
    tmp_path: Path, index: Index, resolution: str, expected: dict[str, str]
) -> None:
    text = (
        '[project]\nname = "shop"\nversion = "1"\ndependencies = ["alpha", "gamma[fast]"]\n'
        f"[tool.pdm.resolution]\n{resolution}\n"
        f'[[tool.pdm.source]]\nname = "pypi"\nurl = "{index.simple}"\n'
    )
    assert versions(read(write(tmp_path, pyproject__toml=text))) == expected
    # What another tool left behind says nothing once the project is uv's.
    text += f'[[tool.uv.index]]\nurl = "{index.simple}"\ndefault = true\n'
    usual = {"alpha": "1.1", "beta": "2.0", "delta": "4.0", "gamma": "3.0"}
    assert versions(read(write(tmp_path, pyproject__toml=text))) == usual


def test_groups_without_a_project(tmp_path: Path, index: Index) -> None:
    text = '[dependency-groups]\nprod = ["devtool", {include-group = "more"}]\nmore = ["delta"]\n'
    text += f'[[tool.uv.index]]\nurl = "{index.simple}"\ndefault = true\n'
    root = write(tmp_path, pyproject__toml=text, app__py="")
    assert versions(read(root)) == {}
    assert versions(read(root, groups=("prod",))) == {
        "beta": "2.0",
        "delta": "4.0",
        "devtool": "9.0",
    }
