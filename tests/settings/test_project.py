"""A project, its settings, and the target that follows from them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from support.projects import write_files
from wherry.errors import ProjectError, SettingsError, TargetError
from wherry.settings.model import Settings
from wherry.settings.project import choose_target, read_project
from wherry.target import RUNTIMES, Architecture

if TYPE_CHECKING:
    from pathlib import Path


def project_of(root: Path, text: str, name: str = "pyproject.toml") -> Path:
    return write_files(root / "shop", {name: text})


def chosen(root: Path, **asked: str) -> tuple[str, str]:
    target, why = choose_target(read_project(root), **asked)
    return str(target), why


def test_a_misspelt_table_is_warned_of(tmp_path: Path) -> None:
    text = "[project]\nname = 'shop'\n[tool.{}]\nruntime = 'python3.13'\n"
    warned = read_project(project_of(tmp_path, text.format("Whery"))).warnings
    assert warned == ("[tool.Whery] of `pyproject.toml` is not read: did you mean [tool.wherry]?",)
    for name in ("wherry", "wheel", "cherry"):
        assert (
            read_project(
                project_of(tmp_path, text.format(name).replace("runtime", "name"))
            ).warnings
            == ()
        )


# --- what is a project ---


@pytest.mark.parametrize(
    "name",
    [
        "pyproject.toml",
        "wherry.toml",
        "app.py",
        "shop/__init__.py",
        "src/steps/4_findDate/lambda_date.py",
        "requirements.txt",
        "requirements-lambda.txt",
        "requirements.in",
        "Pipfile",
        "Pipfile.lock",
        "pylock.toml",
        "pylock.api.toml",
    ],
)
def test_what_makes_a_folder_a_project(tmp_path: Path, name: str) -> None:
    root = project_of(tmp_path, "", name)
    project = read_project(root)
    assert (project.root, project.name, project.version) == (root, "shop", None)
    assert project.settings == Settings()


@pytest.mark.parametrize(
    "name",
    ["notes.txt", "app.pyc", "src/readme.md", "pylock.toml.bak", "node_modules/a.py", ".venv/a.py"],
)
def test_what_does_not(tmp_path: Path, name: str) -> None:
    with pytest.raises(ProjectError, match="no Python project in"):
        read_project(project_of(tmp_path, "", name))


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="is not a folder"):
        read_project(tmp_path / "none")


@pytest.mark.parametrize(
    ("text", "name", "version"),
    [
        ('[project]\nname = "orders"\nversion = "1.2"\n', "orders", "1.2"),
        ('[tool.poetry]\nname = "orders"\nversion = "1.2"\n', "orders", "1.2"),
        ('[project]\nname = "orders"\n[tool.wherry]\nname = "api"\n', "api", None),
        ('[project]\nname = "orders"\ndynamic = ["version"]\n', "orders", None),
        ('[project]\nname = "../../evil name"\n', "evil-name", None),
        ('[project]\nname = "..."\n', "function", None),
        ("[project]\nname = 3\n", "shop", None),
        ("project = 3\ntool = 4\n", "shop", None),
    ],
)
def test_name_and_version(tmp_path: Path, text: str, name: str, version: str | None) -> None:
    project = read_project(project_of(tmp_path, text))
    assert (project.name, project.version) == (name, version)


def test_what_was_read_is_told(tmp_path: Path) -> None:
    root = project_of(tmp_path, '[build-system]\nrequires = []\n[tool.wherry]\nname = "x"\n')
    project = read_project(root)
    assert project.has_build_system
    assert project.inputs == (root / "pyproject.toml",)
    write_files(root, {"pyproject.toml": "", "wherry.toml": 'name = "y"\n', "Pipfile": ""})
    project = read_project(root)
    assert not project.has_build_system
    assert project.name == "y"
    assert project.inputs == tuple(
        root / name for name in ("pyproject.toml", "wherry.toml", "Pipfile")
    )


# --- settings ---


EVERYTHING = """\
runtime = "python3.12"
architecture = "arm64"
name = "api"
lock = "pylock.api.toml"
output = "build"
groups = ["ops"]
extras = ["fast"]
include = ["*.json"]
exclude = ["tests/"]

[{prefix}conflicts]
"shared.txt" = "Some_Dist"

[{prefix}runtimes."python3.15"]
glibc = "2.38"
system = "Amazon Linux 2027"
"""


@pytest.mark.parametrize("place", ["pyproject.toml", "wherry.toml"])
def test_every_setting_in_both_places(tmp_path: Path, place: str) -> None:
    prefix = "tool.wherry." if place == "pyproject.toml" else ""
    text = EVERYTHING.format(prefix=prefix)
    head = "[tool.wherry]\n" if prefix else ""
    settings = read_project(project_of(tmp_path, head + text, place)).settings
    assert settings.runtime == "python3.12"
    assert settings.architecture == "arm64"
    assert settings.name == "api"
    assert settings.lock == "pylock.api.toml"
    assert settings.output == "build"
    assert (settings.groups, settings.extras) == (("ops",), ("fast",))
    assert (settings.include, settings.exclude) == (("*.json",), ("tests/",))
    assert settings.conflicts == {"shared.txt": "some-dist"}
    runtime = settings.runtimes["python3.15"]
    assert (runtime.python, runtime.glibc, runtime.patch) == ((3, 15), (2, 38), 0)


@pytest.mark.parametrize(
    ("text", "found", "hint"),
    [
        ('runtme = "x"', ["runtme: there is no such setting"], "did you mean `runtime`?"),
        (
            '[functions.api]\nruntime = "x"',
            ["functions.api.runtime: there is no such setting"],
            "`runtime` is a setting of the whole project",
        ),
        (
            '[tool.wherry]\nruntime = "x"',
            ["tool: there is no such setting"],
            "leave out `tool.wherry`, as in [functions.api]: it belongs in pyproject.toml",
        ),
        (
            "grops = []\nextra = []\nname = 3",
            [
                "grops: there is no such setting",
                "extra: there is no such setting",
                "name: expected a string",
            ],
            "did you mean `groups`, `extras`?",
        ),
        ('groups = "x"', ["groups: expected a list of strings"], None),
        ('groups = ["x", 1]', ["groups: expected a list of strings"], None),
        ('output = ""', ["output: expected a string"], None),
        ("runtimes = 3", ["runtimes: expected a table for each runtime"], None),
        (
            '[runtimes."python3.15"]\nglibc = "new"',
            ['runtimes."python3.15".glibc: expected the version of the C library, such as "2.34"'],
            None,
        ),
        (
            '[runtimes."python3.15"]\nglibc = "2.34"\npatch = true',
            ['runtimes."python3.15".patch: expected a number of at least 0'],
            None,
        ),
        (
            '[runtimes."ruby3.3"]\nglibc = "2.34"',
            ['runtimes."ruby3.3": expected a table named as AWS names runtimes (`python3.15`)'],
            None,
        ),
    ],
)
def test_wrong_settings(tmp_path: Path, text: str, found: list[str], hint: str | None) -> None:
    with pytest.raises(SettingsError) as caught:
        read_project(project_of(tmp_path, text, "wherry.toml"))
    assert caught.value.message == "the settings in wherry.toml are wrong"
    assert list(caught.value.where) == found
    assert caught.value.hint == hint


# --- the target ---


def test_the_defaults(tmp_path: Path) -> None:
    newest = max(RUNTIMES.values(), key=lambda runtime: runtime.python)
    target, why = choose_target(read_project(project_of(tmp_path, "")))
    assert target.runtime is newest
    assert target.architecture is Architecture.X86_64
    assert why == "the newest runtime"


@pytest.mark.parametrize(
    ("text", "runtime", "why"),
    [
        ('[project]\nrequires-python = ">=3.9,<3.12"\n', "python3.11", ">=3.9,<3.12"),
        ('[project]\nrequires-python = "==3.12.*"\n', "python3.12", "==3.12.*"),
        ('[project]\nrequires-python = ">=3.11.4,<3.12"\n', "python3.11", ">=3.11.4,<3.12"),
        ('[project]\nrequires-python = "!=3.14.*"\n', "python3.13", "!=3.14.*"),
        ('[tool.poetry.dependencies]\npython = "~3.11"\n', "python3.11", None),
        ('[tool.poetry.dependencies]\npython = ">=3.10,<3.13"\n', "python3.12", None),
        ('[tool.poetry.dependencies]\npython = "^3.9"\n', "python3.14", None),
        ('[tool.poetry.dependencies]\npython = "*"\n', "python3.14", None),
    ],
)
def test_the_newest_runtime_that_the_project_admits(
    tmp_path: Path, text: str, runtime: str, why: str | None
) -> None:
    found, reason = chosen(project_of(tmp_path, text))
    assert found == f"{runtime}-x86_64"
    if why is not None:
        assert reason == f"the newest runtime that requires-python `{why}` admits"


@pytest.mark.parametrize(
    ("requires", "runtime"),
    [
        ('python_version = "3.12"', "python3.12"),
        ('python_full_version = "3.11.9"', "python3.11"),
        ('python_version = "3.10"\npython_full_version = "3.10.4"', "python3.10"),
        ('python_version = "3"', "python3.14"),
        ('python_version = "pypy"', "python3.14"),
        ("python_version = 3.12", "python3.14"),
        ("", "python3.14"),
    ],
)
def test_the_python_that_a_pipfile_is_for(tmp_path: Path, requires: str, runtime: str) -> None:
    root = project_of(tmp_path, f"[packages]\n[requires]\n{requires}\n", "Pipfile")
    assert chosen(root)[0] == f"{runtime}-x86_64"
    assert read_project(root).inputs == (root / "Pipfile",)


def test_a_pyproject_has_precedence_over_a_pipfile(tmp_path: Path) -> None:
    root = project_of(tmp_path, '[project]\nrequires-python = "<3.12"\n')
    write_files(root, {"Pipfile": "] nobody reads this"})
    assert chosen(root)[0] == "python3.11-x86_64"
    write_files(root, {"pyproject.toml": ""})
    with pytest.raises(ProjectError, match="`Pipfile` is not valid TOML"):
        read_project(root)


def test_what_was_asked_for_wins(tmp_path: Path) -> None:
    root = project_of(tmp_path, 'runtime = "python3.12"\narchitecture = "arm64"\n', "wherry.toml")
    assert chosen(root) == ("python3.12-arm64", "by the settings")
    assert chosen(root, runtime="python3.11") == ("python3.11-arm64", "as asked")
    assert chosen(root, architecture="x86_64") == ("python3.12-x86_64", "by the settings")


def test_a_runtime_of_the_settings(tmp_path: Path) -> None:
    root = project_of(tmp_path, '[runtimes."python3.15"]\nglibc = "2.38"\n', "wherry.toml")
    assert chosen(root)[0] == "python3.15-x86_64"
    target, _ = choose_target(read_project(root), runtime="python3.15")
    assert "manylinux_2_38_x86_64" in target.platforms
    with pytest.raises(TargetError) as caught:
        choose_target(read_project(root), runtime="python3.16")
    assert "python3.15" in caught.value.where[0]


def test_a_known_runtime_is_corrected_by_the_settings(tmp_path: Path) -> None:
    root = project_of(tmp_path, '[runtimes."python3.13"]\npatch = 7\n', "wherry.toml")
    target, _ = choose_target(read_project(root), runtime="python3.13")
    assert target.runtime.python_full_version == "3.13.7"
    assert target.runtime.glibc == RUNTIMES["python3.13"].glibc
    assert target.runtime.deprecation == RUNTIMES["python3.13"].deprecation


@pytest.mark.parametrize(
    ("requires", "hint"),
    [("<3.11", "choose one of python3.9, python3.10"), (">=4", None)],
)
def test_a_target_that_the_project_excludes(
    tmp_path: Path, requires: str, hint: str | None
) -> None:
    root = project_of(tmp_path, f'[project]\nrequires-python = "{requires}"\n')
    with pytest.raises(TargetError) as caught:
        chosen(root, runtime="python3.13")
    assert caught.value.message == "the project does not run on python3.13"
    assert caught.value.where == (f"its requires-python is `{requires}`",)
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    "text",
    [
        '[project]\nrequires-python = "three"\n',
        '[tool.poetry.dependencies]\npython = "three"\n',
    ],
)
def test_a_python_that_cannot_be_understood(tmp_path: Path, text: str) -> None:
    with pytest.raises(ProjectError, match="cannot be understood"):
        chosen(project_of(tmp_path, text))


def test_each_file_is_read_once(tmp_path: Path) -> None:
    root = project_of(tmp_path, '[project]\nname = "shop"\n')
    write_files(root, {"Pipfile": '[requires]\npython_version = "3.12"\n'})
    project = read_project(root)
    write_files(root, {"pyproject.toml": "changed", "Pipfile": "changed"})
    assert project.files.toml(root / "pyproject.toml") == {"project": {"name": "shop"}}
    assert project.files.toml(root / "Pipfile") == {"requires": {"python_version": "3.12"}}


def test_a_file_is_opened_once(tmp_path: Path) -> None:
    root = project_of(tmp_path, '[tool.wherry]\nruntime = "python3.12"\n')
    write_files(root, {"Pipfile": ""})
    opened: list[str] = []

    def record(event: str, arguments: tuple[object, ...]) -> None:
        if recording and event == "open" and str(arguments[0]).startswith(str(root)):
            opened.append(str(arguments[0]))

    recording = True
    sys.addaudithook(record)
    project = read_project(root, config=root / "pyproject.toml")
    recording = False
    assert project.settings.runtime == "python3.12"
    assert sorted(opened) == [str(root / "Pipfile"), str(root / "pyproject.toml")]
