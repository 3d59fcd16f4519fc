from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from support.projects import write_files
from wherry.files import ProjectFiles
from wherry.sources.declaration import read_declaration
from wherry.sources.hermetic import Hermeticity, examine, input_options
from wherry.sources.inputs import InputOptions, read_inputs

if TYPE_CHECKING:
    from pathlib import Path

FLIT = '[build-system]\nrequires = ["flit_core"]\nbuild-backend = "flit_core.buildapi"\n[project]\nname = "shop"\n'
HATCH = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n[project]\nname = "shop"\n'
PDM = '[build-system]\nrequires = ["pdm-backend"]\nbuild-backend = "pdm.backend"\n[project]\nname = "shop"\n'
POETRY = '[build-system]\nrequires = ["poetry-core>=2"]\nbuild-backend = "poetry.core.masonry.api"\n[project]\nname = "shop"\n'
SETUPTOOLS = '[build-system]\nrequires = ["setuptools>=61", "wheel"]\nbuild-backend = "setuptools.build_meta"\n[project]\nname = "shop"\n'
UV = '[build-system]\nrequires = ["uv_build"]\nbuild-backend = "uv_build"\n[project]\nname = "shop"\n'
MODULE = '"""A shop."""\n__version__ = "1.0"\n'


def examined(root: Path, pyproject: str, **files: str) -> Hermeticity:
    write_files(root, {"pyproject.toml": pyproject, **files})
    reader = ProjectFiles()
    inputs = read_inputs(root, InputOptions(), reader)
    return examine(read_declaration(root, reader), inputs, reader)


@pytest.mark.parametrize(
    ("pyproject", "files"),
    [
        (FLIT + 'version = "1"\ndescription = "d"\n', {}),
        (FLIT + 'dynamic = ["version"]\n', {"src/shop/__init__.py": MODULE}),
        (HATCH, {}),
        (HATCH + '[tool.hatch.version]\npath = "src/shop/__init__.py"\n', {}),
        (HATCH + "[tool.hatch.envs.test]\npath = '../env'\n", {}),
        (PDM, {}),
        (PDM + '[tool.pdm.version]\nsource = "file"\npath = "shop.py"\n', {}),
        (POETRY, {}),
        (POETRY + '[tool.poetry.dependencies]\nshared = {path = "../shared"}\n', {}),
        (SETUPTOOLS, {}),
        (SETUPTOOLS, {"setup.py": "from setuptools import setup\n\nsetup()\n"}),
        (
            SETUPTOOLS,
            {
                "setup.py": "import setuptools\nsetuptools.setup(packages=setuptools.find_packages('src'))\n"
            },
        ),
        (
            SETUPTOOLS + '[tool.setuptools.dynamic]\nversion = {attr = "shop.__version__"}\n',
            {"src/shop/__init__.py": MODULE},
        ),
        (
            SETUPTOOLS,
            {"setup.cfg": "[metadata]\nversion = attr: shop.__version__\n", "shop.py": MODULE},
        ),
        (UV, {}),
    ],
)
def test_hermetic_builds(pyproject: str, files: dict[str, str], tmp_path: Path) -> None:
    assert examined(tmp_path, pyproject, **files).reason is None


@pytest.mark.parametrize(
    ("pyproject", "files", "why"),
    [
        (
            HATCH.replace("hatchling.build", "other.build"),
            {},
            "the backend `other.build` is unknown",
        ),
        (HATCH.replace('"hatchling"', '"hatchling", "unknown-plugin"'), {}, "`unknown-plugin`"),
        (HATCH.replace('"hatchling"', '"hatchling @ file:///x"'), {}, "does not know"),
        (HATCH.replace("[project]", 'backend-path = ["."]\n[project]'), {}, "part of the project"),
        (HATCH + "[tool.hatch.build.hooks.custom]\n", {}, "the hook `custom`"),
        (HATCH + "[tool.hatch.build.targets.wheel.hooks.mypyc]\n", {}, "the hook `mypyc`"),
        (HATCH + "[tool.hatch.metadata.hooks.custom]\n", {}, "the hook `custom`"),
        (HATCH + '[tool.hatch.version]\nsource = "code"\n', {}, "comes from `code`"),
        (HATCH + '[tool.hatch.version]\nsource = "env"\n', {}, "comes from `env`"),
        (HATCH + '[tool.hatch.build.force-include]\n"../lib" = "lib"\n', {}, "out of the project"),
        (HATCH, {"hatch.toml": ""}, "hatch.toml"),
        (HATCH + 'readme = "../README.md"\n', {}, "out of the project"),
        (POETRY + '[tool.poetry.build]\nscript = "build.py"\n', {}, "runs code"),
        (POETRY + '[tool.poetry]\npackages = [{include = "x", from = "../lib"}]\n', {}, "out of"),
        (PDM, {"pdm_build.py": ""}, "runs code"),
        (PDM + '[tool.pdm.version]\nsource = "call"\n', {}, "comes from `call`"),
        (
            SETUPTOOLS,
            {"setup.py": "from setuptools import setup\nsetup(version=open('v').read())\n"},
            "setup.py runs code",
        ),
        (SETUPTOOLS, {"setup.py": "import os\n"}, "setup.py runs code"),
        (
            SETUPTOOLS,
            {"setup.py": "from setuptools import setup\nsetup(cmdclass={})\n"},
            "runs code",
        ),
        (SETUPTOOLS, {"setup.py": "not python("}, "setup.py runs code"),
        (SETUPTOOLS, {"setup.cfg": "[options]\nsetup_requires =\n  pbr\n"}, "setup.cfg extends"),
        (
            SETUPTOOLS + '[tool.setuptools]\next-modules = [{name = "x", sources = ["x.c"]}]\n',
            {},
            "extends the backend",
        ),
        (
            SETUPTOOLS + '[tool.setuptools.dynamic]\nversion = {attr = "shop.V"}\n',
            {"shop.py": "import os\nV = os.name\n"},
            "running `shop`",
        ),
        (
            FLIT + 'dynamic = ["version"]\n',
            {"shop.py": "from x import __version__\n"},
            "running `shop.py`",
        ),
        (FLIT + 'dynamic = ["version"]\n', {}, "was not found"),
        (HATCH.replace('"hatchling"', '"hatchling", "hatch-vcs"'), {}, "it is in no repository"),
    ],
)
def test_builds_that_are_not_hermetic(
    pyproject: str, files: dict[str, str], why: str, tmp_path: Path
) -> None:
    reason = examined(tmp_path, pyproject, **files).reason
    assert reason is not None
    assert why in reason


def git(root: Path, *arguments: str) -> None:
    who = {
        f"GIT_{role}_{what}": "t@x"
        for role in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    }
    subprocess.run(
        ["git", *arguments],
        cwd=root,
        env={**os.environ, **who, "GIT_CONFIG_GLOBAL": "/dev/null"},
        check=True,
        capture_output=True,
    )


def test_what_git_says_counts_where_versions_come_from_it(tmp_path: Path) -> None:
    pyproject = HATCH.replace('"hatchling"', '"hatchling", "hatch-vcs"')
    write_files(tmp_path, {"pyproject.toml": pyproject, "a.py": ""})
    states = []
    for command in (
        ["init", "-q"],
        ["add", "-A"],
        ["commit", "-q", "-m", "one"],
        ["tag", "v1"],
        ["commit", "-q", "--allow-empty", "-m", "two"],
        ["checkout", "-q", "-b", "other"],
    ):
        git(tmp_path, *command)
        found = examined(tmp_path, pyproject)
        assert found.reason is None
        assert found.asks_git
        states.append(found.state)
    write_files(tmp_path, {"a.py": "dirty"})
    states.append(examined(tmp_path, pyproject).state)
    assert len(set(states)) == len(states)
    assert examined(tmp_path, pyproject).state == states[-1]
    assert examined(tmp_path, HATCH).state == ""


def test_what_git_ignores_counts_for_poetry(tmp_path: Path) -> None:
    """Poetry leaves out what git ignores, wherever that is said, but for what is tracked."""
    write_files(tmp_path, {"pyproject.toml": POETRY, "a.py": "", "b.py": ""})
    git(tmp_path, "init", "-q")
    before = examined(tmp_path, POETRY).state
    write_files(tmp_path, {".git/info/exclude": "a.py\n"})
    after = examined(tmp_path, POETRY).state
    assert before != after
    git(tmp_path, "add", "-f", "a.py")
    assert examined(tmp_path, POETRY).state == before


@pytest.mark.parametrize(
    ("pyproject", "files", "mentioned"),
    [
        (HATCH, {}, set()),
        (HATCH + '[tool.ruff]\nexclude = ["build"]\n', {}, set()),
        (HATCH + '[tool.hatch.build]\nartifacts = ["/dist/web/*"]\n', {}, {"dist"}),
        (
            HATCH + '[tool.hatch.build.force-include]\n"web/node_modules" = "m"\n',
            {},
            {"node_modules"},
        ),
        (SETUPTOOLS, {"MANIFEST.in": "graft build\n"}, {"build"}),
    ],
)
def test_leftovers_that_the_settings_mention(
    pyproject: str, files: dict[str, str], mentioned: set[str], tmp_path: Path
) -> None:
    write_files(tmp_path, {"pyproject.toml": pyproject, **files})
    reader = ProjectFiles()
    assert input_options(read_declaration(tmp_path, reader), (), reader).mentioned == mentioned
