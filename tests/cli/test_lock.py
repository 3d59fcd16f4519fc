"""`wherry lock`, and `wherry build` with what there is: no lock, requirement files, uv's workspaces."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest

from support.projects import TINY_BACKEND, write_files
from support.tools import run_uv
from support.wheels import make_wheel
from support.zips import unzipped

if TYPE_CHECKING:
    from pathlib import Path

    from support.command import Finished, Wherry
    from support.index import Index

ALPHA = make_wheel("alpha", "1.0", requires=["beta"])
NEWER = make_wheel("alpha", "1.1", requires=["beta"])
BETA = make_wheel("beta", "2.0")
DEVTOOL = make_wheel("devtool", "9.0")
FAST = make_wheel("fastjson", "5.0")
PYPROJECT = """\
[project]
name = "shop"
version = "1.0"
requires-python = ">=3.11"
dependencies = ["alpha"]

[project.optional-dependencies]
fast = ["fastjson"]

[dependency-groups]
dev = ["devtool"]
"""
# Settings that hold the default of every test: its runtime.
RUNTIME = '[tool.wherry]\nruntime = "python3.13"\n'


class Caller:
    """The command with an index by default, as a user's environment names one."""

    def __init__(self, wherry: Wherry, env: dict[str, str]) -> None:
        self.wherry = wherry
        self.root = wherry.cwd
        self.env = env

    def __call__(self, *arguments: str | Path) -> Finished:
        return self.wherry(*arguments, **self.env)

    def build(self, *arguments: str) -> list[str]:
        """The distributions of the package, with their versions."""
        done = self("build", "--json", *arguments)
        assert done.code == 0, done.err
        return [
            f"{one['name']} {one['version']}"
            for one in done.document["packages"][0]["distributions"]
        ]


@pytest.fixture(scope="session")
def uv_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("uv-cache")


@pytest.fixture
def call(wherry: Wherry, index: Index, uv_cache: Path) -> Caller:
    index.add(ALPHA, BETA, DEVTOOL, FAST)
    write_files(wherry.cwd, {"pyproject.toml": PYPROJECT + RUNTIME, "shop.py": ""})
    env = {
        "UV_DEFAULT_INDEX": index.simple,
        "UV_CACHE_DIR": str(uv_cache),
        "UV_HTTP_RETRIES": "0",
    }
    return Caller(wherry, env)


def test_the_lock_is_written_and_read(call: Caller, index: Index) -> None:
    """A1, A2: the versions that were locked, without development groups."""
    done = call("lock")
    assert (done.code, done.out) == (0, "pylock.toml\n")
    assert done.err == "note: locking for python3.13-x86_64: by the settings\n"
    lock = tomllib.loads((call.root / "pylock.toml").read_text())
    assert [package["name"] for package in lock["packages"]] == ["alpha", "beta"]
    assert (lock["lock-version"], lock["created-by"]) == ("1.0", "wherry")
    # A newer release is not noticed any more, nor an index that is gone.
    index.add(NEWER)
    index.fault = lambda handler, path: path.startswith("/simple/")
    asked = len(index.requests)
    assert call.build() == ["alpha 1.0", "beta 2.0", "shop 1.0"]
    assert not [path for path in index.requests[asked:] if path.startswith("/simple/")]


def test_a_lock_that_is_up_to_date_stays(call: Caller) -> None:
    call("lock")
    before = (call.root / "pylock.toml").read_bytes()
    assert call("lock", "--quiet").err == ""
    assert (call.root / "pylock.toml").read_bytes() == before


def test_locking_again_takes_what_is_new(call: Caller, index: Index) -> None:
    call("lock")
    text = (call.root / "pyproject.toml").read_text()
    (call.root / "pyproject.toml").write_text(text.replace('"alpha"', '"alpha>=1", "devtool"'))
    done = call("build")
    assert done.code == 1
    assert done.error == (
        "error: `pylock.toml` is older than what it was made from\n"
        "  ╰─▶ `pyproject.toml` has changed since\n"
        "hint: run `wherry lock`\n"
    )
    assert call("lock").code == 0
    assert call.build() == ["alpha 1.0", "beta 2.0", "devtool 9.0", "shop 1.0"]


def test_groups_and_extras_of_a_lock(call: Caller) -> None:
    """What is locked with a group or extra is built with it, whether it is named again or not."""
    everything = ["alpha 1.0", "beta 2.0", "devtool 9.0", "fastjson 5.0", "shop 1.0"]
    assert call("lock", "--group", "dev", "--extra", "fast").code == 0
    assert call.build() == everything
    assert call.build("--group", "dev", "--extra", "fast") == everything


def test_groups_and_extras_of_the_settings(call: Caller) -> None:
    with (call.root / "pyproject.toml").open("a") as file:
        file.write('groups = ["dev"]\n')
    assert call("lock", "--extra", "fast").code == 0
    assert call.build() == ["alpha 1.0", "beta 2.0", "devtool 9.0", "fastjson 5.0", "shop 1.0"]


@pytest.mark.parametrize(
    ("option", "given", "hint"), [("--group", "dve", "dev"), ("--extra", "fats", "fast")]
)
def test_what_the_project_has_not(call: Caller, option: str, given: str, hint: str) -> None:
    for command in ("lock", "build"):
        done = call(command, option, given)
        assert (done.code, done.out) == (1, "")
        assert f"`pyproject.toml` has no {option[2:]} `{given}`" in done.error
        assert done.error.endswith(f"hint: did you mean `{hint}`?\n")
    assert not (call.root / "pylock.toml").exists()


def test_a_lock_is_for_one_target(call: Caller) -> None:
    assert call("lock", "--runtime", "python3.12", "--architecture", "arm64").code == 0
    done = call("build")
    assert done.code == 1
    assert done.error.startswith("error: the lock was not made for python3.13-x86_64\n")
    assert call.build("--runtime", "python3.12", "--architecture", "arm64")


def test_a_lock_elsewhere(call: Caller, tmp_path: Path) -> None:
    (call.root / "locks").mkdir()
    done = call("lock", "--output", "locks/pylock.lambda.toml")
    assert done.out == "locks/pylock.lambda.toml\n"
    assert not (call.root / "pylock.toml").exists()
    assert call.build("--lock", "locks/pylock.lambda.toml") == ["alpha 1.0", "beta 2.0", "shop 1.0"]
    # From another folder, the path is the project's.
    other = Caller(type(call.wherry)(store=call.wherry.store, cwd=tmp_path), call.env)
    assert other.build("--project", "shop", "--lock", "locks/pylock.lambda.toml")
    assert other.build("--project", "shop", "--lock", "shop/locks/pylock.lambda.toml")


def test_a_file_by_name(call: Caller) -> None:
    (call.root / "pyproject.toml").unlink()
    write_files(
        call.root,
        {
            "wherry.toml": 'runtime = "python3.13"\n',
            "requirements/base.in": "beta\n",
            "requirements/prod.in": "-r base.in\nalpha\n",
            "requirements/prod.txt": "beta==2.0\n",
        },
    )
    # Nothing is found where the files are not looked for, and that is said.
    done = call("lock")
    assert done.out == "pylock.toml\n"
    assert "no dependencies are installed: `requirements/prod.txt` was not read" in done.err
    done = call("lock", "--lock", "requirements/prod.in")
    assert done.out == "pylock.toml\n"
    assert call.build() == ["alpha 1.0", "beta 2.0", "shop None"]
    (call.root / "requirements" / "base.in").write_text("beta>=2\n")
    done = call("build")
    assert done.code == 1
    assert "run `wherry lock --lock requirements/prod.in`" in done.err
    # A file that the settings name is resolved as well.
    write_files(
        call.root, {"wherry.toml": 'runtime = "python3.13"\nlock = "requirements/prod.txt"\n'}
    )
    done = call("lock", "--output", "pylock.prod.toml")
    assert "note: `requirements/prod.txt` is resolved, which the settings name" in done.err
    assert call.build("--lock", "pylock.prod.toml") == ["beta 2.0", "shop None"]
    write_files(call.root, {"uv.lock": ""})
    assert call("lock", "--lock", "requirements/prod.in").code == 1
    done = call("lock", "--lock", "requirements/prod.in", "--output", "pylock.prod.toml")
    assert done.out == "pylock.prod.toml\n"


@pytest.mark.parametrize(
    ("name", "command"),
    [("uv.lock", "uv lock"), ("poetry.lock", "poetry lock"), ("Pipfile.lock", "pipenv lock")],
)
def test_another_tools_lock_is_respected(call: Caller, name: str, command: str) -> None:
    write_files(call.root, {name: ""})
    done = call("lock")
    assert (done.code, done.out) == (1, "")
    assert done.error == (
        f"error: the project has a lock, `{name}`\n"
        "  ╰─▶ pylock.toml would be a second one\n"
        f"hint: run `{command}` to bring it up to date\n"
    )
    assert not (call.root / "pylock.toml").exists()


def test_what_cannot_be_resolved(call: Caller) -> None:
    text = (call.root / "pyproject.toml").read_text()
    (call.root / "pyproject.toml").write_text(text.replace('"alpha"', '"alpha>=7"'))
    before = sorted(call.root.rglob("*"))
    for command in ("lock", "build"):
        done = call(command)
        assert (done.code, done.out) == (1, "")
        assert done.error.startswith("error: uv cannot resolve `pyproject.toml`\n")
        assert "alpha>=7" in done.error
    assert sorted(call.root.rglob("*")) == before


def test_a_lock_that_cannot_be_written(call: Caller) -> None:
    done = call("lock", "--output", "shop.py/pylock.toml")
    assert (done.code, done.out) == (1, "")
    assert done.error.startswith("error: `pylock.toml` cannot be written\n")


def test_an_unlocked_build_is_warned_of(call: Caller, index: Index) -> None:
    done = call("build", "--quiet")
    assert done.code == 0
    assert done.err == (
        "warning: the build is not locked: `pyproject.toml` was resolved just now, and may give another result "
        "next time\n"
        "hint: write `pylock.toml` with `wherry lock`\n"
    )
    # Nothing about it may be remembered.
    index.add(NEWER)
    call.env["UV_CACHE_DIR"] += "-another"
    assert call.build() == ["alpha 1.1", "beta 2.0", "shop 1.0"]


def test_groups_and_extras_without_a_lock(call: Caller) -> None:
    assert call.build("--group", "dev") == ["alpha 1.0", "beta 2.0", "devtool 9.0", "shop 1.0"]
    assert call.build("--extra", "fast") == ["alpha 1.0", "beta 2.0", "fastjson 5.0", "shop 1.0"]


# --- requirement files ---


def test_requirements_with_hashes(call: Caller, index: Index) -> None:
    """N2: hashes are enforced; the index may offer what it likes."""
    lines = [
        f"{made.filename.split('-')[0]}=={made.filename.split('-')[1]} --hash=sha256:{made.sha256}"
        for made in (ALPHA, BETA)
    ]
    (call.root / "pyproject.toml").write_text('[tool.wherry]\nruntime = "python3.13"\n')
    write_files(call.root, {"requirements.txt": "\n".join(lines) + "\n"})
    done = call("build", "--quiet")
    assert (done.code, done.err) == (0, "")
    assert call.build() == ["alpha 1.0", "beta 2.0", "shop None"]
    wrong = "\n".join(lines).replace(BETA.sha256, "0" * 64)
    write_files(call.root, {"requirements.txt": wrong + "\n"})
    done = call("build")
    assert (done.code, done.out) == (1, "")
    assert "beta" in done.error


def test_requirements_without_hashes(call: Caller, index: Index) -> None:
    """The index has its say, which is warned of; what it resolves to is verified all the same."""
    (call.root / "pyproject.toml").write_text('[tool.wherry]\nruntime = "python3.13"\n')
    write_files(call.root, {"requirements.txt": "alpha\n", "shop.py": ""})
    done = call("build", "--quiet")
    assert done.code == 0
    assert done.err.startswith("warning: ")
    assert call.build() == ["alpha 1.0", "beta 2.0", "shop None"]
    # They become a lock.
    assert call("lock").code == 0
    index.add(NEWER)
    call.env["UV_CACHE_DIR"] += "-another"
    assert call.build() == ["alpha 1.0", "beta 2.0", "shop None"]


def test_requirements_beside_a_pyproject_without_dependencies(call: Caller) -> None:
    (call.root / "pyproject.toml").write_text(
        PYPROJECT.replace('dependencies = ["alpha"]\n', "") + RUNTIME
    )
    write_files(call.root, {"requirements.txt": "-r more.txt\n", "more.txt": "beta==2.0\n"})
    assert call.build() == ["beta 2.0", "shop 1.0"]
    write_files(call.root, {"more.txt": "devtool==9.0\n"})
    assert call.build() == ["devtool 9.0", "shop 1.0"]


# --- workspaces of uv ---


def member(name: str, dependencies: str, **more: str) -> dict[str, str]:
    backend = TINY_BACKEND.replace("shop", name)
    return {
        f"packages/{name}/pyproject.toml": (
            f'[project]\nname = "{name}"\nversion = "1.0"\nrequires-python = ">=3.11"\n'
            f"dependencies = {dependencies}\n"
            '[build-system]\nrequires = []\nbuild-backend = "tiny"\nbackend-path = ["."]\n'
            f"{more.get('tables', '')}"
        ),
        f"packages/{name}/tiny.py": backend,
        f"packages/{name}/src/{name}/__init__.py": f"NAME = {name!r}\n",
    }


@pytest.fixture
def workspace(call: Caller) -> Caller:
    write_files(
        call.root,
        {
            "pyproject.toml": '[tool.uv.workspace]\nmembers = ["packages/*"]\n',
            **member(
                "api",
                '["core", "alpha"]',
                tables='[dependency-groups]\ndev = ["devtool"]\n[tool.uv.sources]\ncore = {workspace = true}\n'
                + RUNTIME,
            ),
            **member("core", '["beta"]'),
        },
    )
    (call.root / "shop.py").unlink()
    run_uv("lock", "--quiet", cwd=call.root, env={"UV_DEFAULT_INDEX": call.env["UV_DEFAULT_INDEX"]})
    return call


def test_a_workspace_member(workspace: Caller) -> None:
    """A1, A2: a member, the member that it needs, and no development groups."""

    built = workspace.build("--package", "api", "--runtime", "python3.13")
    assert built == ["alpha 1.0", "api 1.0", "beta 2.0", "core 1.0"]
    found = unzipped(workspace.root / "dist" / "lambda" / "api.zip")
    assert found["core/__init__.py"] == b"NAME = 'core'\n"
    assert found["api/__init__.py"] == b"NAME = 'api'\n"
    assert workspace.build("--package", "core") == ["beta 2.0", "core 1.0"]
    assert (workspace.root / "dist" / "lambda" / "core.zip").is_file()
    assert "devtool 9.0" in workspace.build("--package", "api", "--group", "dev")


def test_a_workspace_member_by_its_folder(workspace: Caller) -> None:
    built = workspace.build("--project", "packages/api")
    assert built == ["alpha 1.0", "api 1.0", "beta 2.0", "core 1.0"]
    assert (workspace.root / "packages" / "api" / "dist" / "lambda" / "api.zip").is_file()


def test_an_edit_of_another_member_is_noticed(workspace: Caller) -> None:

    workspace.build("--package", "api")
    write_files(workspace.root, {"packages/core/src/core/__init__.py": "NAME = 'edit'\n"})
    workspace.build("--package", "api")
    found = unzipped(workspace.root / "dist" / "lambda" / "api.zip")
    assert found["core/__init__.py"] == b"NAME = 'edit'\n"


def test_a_workspace_asks_for_a_member(workspace: Caller) -> None:
    done = workspace("build")
    assert (done.code, done.out) == (1, "")
    assert "`api`" in done.error
    assert "--package" in done.error
    done = workspace("build", "--package", "aip")
    assert done.error.endswith("hint: did you mean `api`?\n")
