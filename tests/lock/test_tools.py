"""The same project, locked by each tool, comes out the same. The tools are real, the index is on loopback."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TypeAlias

import pytest

from support.index import Index, serve_index
from support.locks import NEWER, PYPROJECT, RELEASES, VERSIONS, read, versions, write
from support.tools import run_tool, run_uv
from support.wheels import make_wheel
from wherry.errors import LockError
from wherry.lock.formats import LockFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.real

Maker: TypeAlias = "Callable[[Path, Index], None]"
THIS = f"{sys.version_info.major}.{sys.version_info.minor}"
RUNTIME = f"python{THIS}"

POETRY = """\
[tool.poetry]
name = "shop"
version = "0.1"
description = ""
authors = []
packages = []

[tool.poetry.dependencies]
python = ">=3.11,<4"
alpha = "^1.0"
beta = "<2"
gamma = {version = "*", extras = ["fast"]}
native = "*"
winonly = {version = "*", optional = true}

[tool.poetry.extras]
windows = ["winonly"]

[tool.poetry.GROUP]
devtool = "*"

[[tool.poetry.source]]
name = "main"
url = "INDEX"
PRIORITY

[build-system]
requires = ["poetry-core"]
build-backend = "poetry.core.masonry.api"
"""

PIPFILE = """\
[[source]]
name = "main"
url = "INDEX"
verify_ssl = false

[packages]
alpha = "~=1.0"
beta = "<2"
gamma = {version = "*", extras = ["fast"]}
native = "*"

[dev-packages]
devtool = "*"
"""


def uv_lock(root: Path, index: Index) -> None:
    write(root, pyproject__toml=PYPROJECT)
    run_uv("lock", "--quiet", "--default-index", index.simple, cwd=root)


def uv_export(root: Path, index: Index) -> None:
    uv_lock(root, index)
    arguments = ("--no-dev", "--format", "pylock.toml", "--output-file", "pylock.toml")
    run_uv("export", "--quiet", "--frozen", *arguments, cwd=root)
    (root / "uv.lock").unlink()


def uv_requirements(root: Path, index: Index) -> None:
    uv_lock(root, index)
    arguments = ("--no-dev", "--output-file", "requirements.txt")
    run_uv("export", "--quiet", "--frozen", *arguments, cwd=root)
    (root / "uv.lock").unlink()
    requirements = root / "requirements.txt"
    requirements.write_text(f"--index-url {index.simple}\n{requirements.read_text()}")


def poetry_project(root: Path, index: Index) -> None:
    pyproject = PYPROJECT.replace('name = "shop"', 'name = "shop"\nauthors = []\ndescription = ""')
    pyproject += f'\n[tool.poetry]\npackage-mode = false\n[[tool.poetry.source]]\nname = "main"\nurl = "{index.simple}"\n'
    write(root, pyproject__toml=pyproject)
    run_tool("poetry", "lock", "--no-interaction", cwd=root)


def poetry_with(tool: str, group: str, priority: str, *lock: str) -> Maker:
    def make(root: Path, index: Index) -> None:
        text = POETRY.replace("INDEX", index.simple).replace("GROUP", group)
        write(root, pyproject__toml=text.replace("PRIORITY", priority))
        run_tool(tool, *lock, "--no-interaction", cwd=root)

    return make


def pipenv(root: Path, index: Index) -> None:
    write(root, Pipfile=PIPFILE.replace("INDEX", index.simple))
    run_tool("pipenv", "lock", cwd=root)


def pip_tools(root: Path, index: Index) -> None:
    write(root, requirements__in="alpha~=1.0\nbeta<2\ngamma[fast]\nnative\n")
    arguments = ("--generate-hashes", "--quiet", "--index-url", index.simple, "--emit-index-url")
    run_tool("pip-tools", *arguments, "--output-file", "requirements.txt", cwd=root)


def pdm_export(root: Path, index: Index) -> None:
    pdm_with("pdm", "--prod")(root, index)
    run_tool("pdm", "export", "--format", "pylock", "--prod", "--output", "pylock.toml", cwd=root)
    (root / "pdm.lock").unlink()


def pdm_with(tool: str, *lock: str, groups: str = "dependency-groups") -> Maker:
    def make(root: Path, index: Index) -> None:
        source = f'\n[[tool.pdm.source]]\nname = "pypi"\nurl = "{index.simple}"\nverify_ssl = false\n[tool.pdm]\ndistribution = false\n'
        # PDM has no marker for what an extra alone needs, if the project needs it as well.
        project = PYPROJECT.replace('["winonly"]', '["devtool"]')
        write(root, pyproject__toml=project.replace("dependency-groups", groups) + source)
        run_tool(tool, "config", "python.use_venv", "false", cwd=root)
        run_tool(tool, "lock", *lock, cwd=root)

    return make


OLD_GROUPS = "tool.pdm.dev-dependencies"
MAKERS: dict[str, tuple[LockFormat, Maker]] = {
    "uv": (LockFormat.UV, uv_lock),
    "uv export": (LockFormat.PYLOCK, uv_export),
    "uv export requirements": (LockFormat.REQUIREMENTS, uv_requirements),
    "poetry 2": (LockFormat.POETRY, poetry_with("poetry", "group.dev.dependencies", "", "lock")),
    "poetry 2 with [project]": (LockFormat.POETRY, poetry_project),
    "poetry 1.8": (
        LockFormat.POETRY,
        poetry_with("poetry-1.8", "group.dev.dependencies", 'priority = "primary"', "lock"),
    ),
    "poetry 1.1": (
        LockFormat.POETRY,
        poetry_with("poetry-1.1", "dev-dependencies", "default = true", "lock"),
    ),
    "pipenv": (LockFormat.PIPFILE_LOCK, pipenv),
    "pip-tools": (LockFormat.REQUIREMENTS, pip_tools),
    "pdm export": (LockFormat.PYLOCK, pdm_export),
    "pdm": (LockFormat.PDM, pdm_with("pdm", "-G:all")),
    "pdm static": (LockFormat.PDM, pdm_with("pdm", "-G:all", "-Sstatic_urls")),
    "pdm bare": (LockFormat.PDM, pdm_with("pdm", "-G:all", "-Sno_inherit_metadata")),
    "pdm 2.12": (LockFormat.PDM, pdm_with("pdm-2.12", "-G:all", groups=OLD_GROUPS)),
    "pdm 2.5": (LockFormat.PDM, pdm_with("pdm-2.5", "-G:all", groups=OLD_GROUPS)),
}


@pytest.fixture(scope="module")
def growing() -> Iterator[Index]:
    """An index that has newer releases once the locks are made."""
    with serve_index(RELEASES) as index:
        yield index


@pytest.fixture(scope="module", params=MAKERS)
def locked(
    request: pytest.FixtureRequest, growing: Index, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, str]]:
    root = tmp_path_factory.mktemp(request.param.replace(" ", "-"))
    MAKERS[request.param][1](root, growing)
    growing.add(*NEWER)
    yield root, request.param
    for made in NEWER:
        del growing.files[made.filename]


def test_every_tools_lock_gives_the_same_versions(locked: tuple[Path, str]) -> None:
    """A1, B1, K3: at exactly the locked versions, newer releases or not. A2, B2: development groups are absent."""
    root, name = locked
    lock = read(root, runtime=RUNTIME)
    assert lock.format is MAKERS[name][0]
    assert versions(lock, runtime=RUNTIME) == VERSIONS
    assert lock.stable


def test_every_tools_lock_builds_for_another_architecture(locked: tuple[Path, str]) -> None:
    """N2: cross-architecture builds, from any lock format."""
    root, _ = locked
    lock = read(root, runtime=RUNTIME, architecture="arm64")
    assert versions(lock, runtime=RUNTIME, architecture="arm64") == VERSIONS


def test_development_comes_when_asked_for(locked: tuple[Path, str]) -> None:
    root, name = locked
    if name in {"uv export", "uv export requirements", "pip-tools", "pdm export"}:
        with pytest.raises(LockError, match=r"has no group `dev`"):
            read(root, runtime=RUNTIME, groups=("dev",))
    else:
        lock = read(root, runtime=RUNTIME, groups=("dev",))
        assert versions(lock, runtime=RUNTIME) == {**VERSIONS, "devtool": "9.0"}


def test_an_edit_makes_the_lock_stale(locked: tuple[Path, str], tmp_path: Path) -> None:
    root, name = locked
    for path in root.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    declared = tmp_path / ("Pipfile" if name == "pipenv" else "pyproject.toml")
    if declared.exists():
        declared.write_text(declared.read_text().replace("native", "delta"))
    if MAKERS[name][0] in {LockFormat.PYLOCK, LockFormat.REQUIREMENTS}:
        # Such a lock records nothing of what it was made from.
        assert versions(read(tmp_path, runtime=RUNTIME), runtime=RUNTIME) == VERSIONS
        return
    with pytest.raises(LockError, match=r"is older than"):
        read(tmp_path, runtime=RUNTIME)


@pytest.mark.parametrize("tool", ["poetry", "poetry-1.8", "poetry-1.1", "pipenv", "uv"])
def test_path_dependencies_of_each_tool(tmp_path: Path, index: Index, tool: str) -> None:
    """B3: `{path = "../shared", develop = true}`, wheels by path; no builder's path in any lock."""
    shared = (
        '[tool.poetry]\nname = "shared"\nversion = "0.2"\ndescription = ""\nauthors = []\n'
        '[tool.poetry.dependencies]\npython = ">=3.9"\ndelta = "*"\n'
    )
    standard = '[project]\nname = "shared"\nversion = "0.2"\ndependencies = ["delta"]\n'
    write(tmp_path / "shared", pyproject__toml=shared if tool.startswith("poetry") else standard)
    root = tmp_path / "project"
    make_wheel("local", "7.0").write(root / "wheels")
    if tool == "pipenv":
        # Pipenv builds a folder to learn its dependencies, which takes a backend; a wheel does without.
        text = PIPFILE.replace("INDEX", index.simple).replace(
            'native = "*"', 'local = {path = "./wheels/local-7.0-py3-none-any.whl"}'
        )
        write(root, Pipfile=text)
        run_tool("pipenv", "lock", cwd=root)
        expected = {"local"}
    elif tool == "uv":
        text = PYPROJECT.replace('"native"', '"shared", "local"') + (
            '[tool.uv.sources]\nshared = {path = "../shared", editable = true}\n'
            'local = {path = "wheels/local-7.0-py3-none-any.whl"}\n'
        )
        write(root, pyproject__toml=text)
        run_uv("lock", "--quiet", "--default-index", index.simple, cwd=root)
        expected = {"local", "shared"}
    else:
        text = POETRY.replace("INDEX", index.simple).replace(
            'native = "*"',
            'shared = {path = "../shared", develop = true}\nlocal = {path = "wheels/local-7.0-py3-none-any.whl"}',
        )
        group = "dev-dependencies" if tool == "poetry-1.1" else "group.dev.dependencies"
        text = text.replace("GROUP", group)
        priority = {"poetry-1.1": "default = true", "poetry-1.8": 'priority = "primary"'}
        write(root, pyproject__toml=text.replace("PRIORITY", priority.get(tool, "")))
        run_tool(tool, "lock", "--no-interaction", cwd=root)
        expected = {"local", "shared"}
    lock = read(root, runtime=RUNTIME)
    found = versions(lock, runtime=RUNTIME)
    assert expected <= found.keys()
    assert found["delta"] == "4.0"
    for package in lock.pylock.packages:
        for source in (package.directory, package.archive):
            if source is not None:
                assert source.path is not None
                assert not source.path.startswith("/")
                assert (lock.base / source.path).exists()


def test_a_setuptools_project_without_a_lock(
    tmp_path: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its dependencies are for its build backend to tell, which comes from PyPI."""
    monkeypatch.setenv("UV_INDEX", index.simple)
    write(
        tmp_path,
        setup__py='from setuptools import setup\nsetup(name="shop", install_requires=["alpha<2"], '
        'extras_require={"more": ["delta"]})\n',
    )
    lock = read(tmp_path)
    assert lock.format is LockFormat.SETUP
    assert versions(lock) == {"alpha": "1.1", "beta": "2.0"}
    more = versions(read(tmp_path, extras=("more",)))
    assert more == {"alpha": "1.1", "beta": "2.0", "delta": "4.0"}
