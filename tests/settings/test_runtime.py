"""The default runtime: which file of a project names it, and what its deprecation date is told."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from support.projects import write_files
from support.reporters import Heard
from wherry.pipeline.deprecation import patch_level_notes
from wherry.pipeline.request import announce_target, read_request
from wherry.settings.project import choose_target, read_project
from wherry.target import (
    RUNTIMES,
    Architecture,
    Target,
    admits,
    find_runtime,
    is_deprecated,
    parse_requires_python,
)

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.pipeline.request import BuildRequest

SAM = "Resources:\n  F:\n    Properties:\n      # Runtime: python3.9\n      Runtime: python3.12\n"


def chosen(root: Path, **asked: str) -> tuple[str, str]:
    target, reason = choose_target(read_project(root), **asked)
    return target.runtime.name, reason


@pytest.mark.parametrize(
    ("name", "content", "runtime"),
    [
        (".python-version", "3.12\n", "python3.12"),
        (".python-version", "# ours\n\n3.11.9\n3.13\n", "python3.11"),
        (".python-version", "shop-env\n3.12.1\n", "python3.12"),
        (".python-version", "cpython-3.12.4-linux-x86_64-gnu\n", "python3.12"),
        (".python-version", "cpython@3.13\n", "python3.13"),
        (".python-version", "3.13t", "python3.13"),
        (".python-version", "3.13.0rc1", "python3.13"),
        (".python-version", "3", "python3.14"),
        (".python-version", ">=3.11,<3.13", "python3.12"),
        (".python-version", "~=3.12.0", "python3.12"),
        (".python-version", "3.12\r\n".encode("utf-16"), "python3.12"),
        (".python-version", b"\xef\xbb\xbf3.12\n", "python3.12"),
        (".python-version", "pypy3.10\nsystem\nminiconda3-4.7\n", "python3.14"),
        (".python-version", ">=three", "python3.14"),
        (".python-versions", "3.12\n3.13\n", "python3.12"),
        (".tool-versions", "nodejs 20.1\npython 3.12.4 3.11.0\n", "python3.12"),
        (".tool-versions", "nodejs 20.1\npython system\n", "python3.14"),
        ("runtime.txt", "python-3.11.4", "python3.11"),
        ("template.yaml", SAM, "python3.12"),
        ("template.yml", 'Runtime: "python3.13"', "python3.13"),
        ("template.yaml", "Runtime: nodejs20.x\n", "python3.14"),
        ("serverless.yml", "provider:\n  runtime: python3.11 # of AWS\n", "python3.11"),
        ("serverless.yml", "provider:\n  runtime: ${self:custom.runtime}\n", "python3.14"),
        ("zappa_settings.json", '{"dev": {"runtime":"python3.12"}}', "python3.12"),
        ("zappa_settings.toml", 'runtime = "python3.12"\n', "python3.12"),
    ],
)
def test_a_file_names_the_runtime(
    tmp_path: Path, name: str, content: str | bytes, runtime: str
) -> None:
    write_files(tmp_path, {"app.py": "", name: content})
    found, reason = chosen(tmp_path)
    assert found == runtime
    assert (f"`{name}`" in reason) is (runtime != "python3.14" or content == "3")


def test_settings_of_deployment_come_first_and_options_before_all(tmp_path: Path) -> None:
    write_files(
        tmp_path,
        {
            "pyproject.toml": '[project]\nrequires-python = ">=3.10"\n',
            ".python-version": "3.13",
            ".tool-versions": "python 3.11.1",
        },
    )
    assert chosen(tmp_path) == ("python3.13", "`.python-version` names it")
    write_files(tmp_path, {"template.yaml": SAM})
    assert chosen(tmp_path) == ("python3.12", "`template.yaml` names it")
    assert chosen(tmp_path, runtime="python3.10") == ("python3.10", "as asked")
    write_files(tmp_path, {"wherry.toml": 'runtime = "python3.11"'})
    assert chosen(tmp_path) == ("python3.11", "by the settings")


def test_what_the_project_does_not_admit_is_passed_over(tmp_path: Path) -> None:
    write_files(
        tmp_path,
        {
            "pyproject.toml": '[project]\nrequires-python = ">=3.12"\n',
            "serverless.yml": "runtime: python3.8",
            ".python-version": "3.11",
            "runtime.txt": "python-3.12.1",
        },
    )
    passed_over = "which is no runtime that the project admits"
    other = f"`.python-version` names 3.11, {passed_over}"
    assert chosen(tmp_path) == (
        "python3.12",
        f"`runtime.txt` names it; `serverless.yml` names python3.8, {passed_over}; {other}",
    )


def test_several_runtimes_of_a_template(tmp_path: Path) -> None:
    write_files(tmp_path, {"app.py": "", "template.yaml": f"{SAM}  G:\n    Runtime: python3.11\n"})
    runtime, reason = chosen(tmp_path)
    assert runtime == "python3.12"
    assert (
        reason
        == "the newest runtime that `template.yaml` admits, which names python3.11, python3.12"
    )


def test_a_file_counts_up_to_the_root_of_the_repository(tmp_path: Path) -> None:
    write_files(
        tmp_path, {".python-version": "3.11", "work/.python-version": "3.12", "work/a/b/app.py": ""}
    )
    project = tmp_path / "work/a/b"
    assert chosen(project)[0] == "python3.14"
    (tmp_path / "work/.git").mkdir()
    assert chosen(project)[0] == "python3.12"
    write_files(project, {".python-version": "3.13"})
    assert chosen(project)[0] == "python3.13"


@pytest.mark.parametrize("days", [-1, 0, 1])
def test_a_deprecation_date(days: int) -> None:
    runtime = RUNTIMES["python3.11"]
    assert runtime.deprecation is not None
    assert is_deprecated(runtime, on=runtime.deprecation + timedelta(days=days)) is (days > 0)


def test_a_deprecated_runtime_is_told(tmp_path: Path) -> None:
    write_files(tmp_path, {"app.py": "", "wherry.toml": '[layers.all]\nruntimes = ["python3.9"]'})
    assert told(read_request(tmp_path, runtime="python3.10"))[1:] == [
        "python3.10 was deprecated on 2026-10-31: AWS no longer patches it",
        "python3.9 was deprecated on 2025-12-15: AWS no longer patches it",
    ]
    write_files(tmp_path, {"wherry.toml": '[runtimes."python3.15"]\nglibc = "2.34"'})
    request = read_request(tmp_path, runtime="python3.15")
    assert told(request) == ["building for python3.15-x86_64: as asked"]


def told(request: BuildRequest) -> list[str]:
    heard = Heard()
    announce_target(request, heard)
    return [getattr(event, "text", "") for event in heard.events]


@pytest.mark.parametrize(
    ("requires", "runtime", "admitted"),
    [
        ("==3.13.1", "python3.13", True),
        ("==3.13.1", "python3.12", False),
        (">=3.13.1,<3.13.4", "python3.13", True),
        (">3.13.1,<3.13.3", "python3.13", True),
        (">3.13.1,<3.13.2", "python3.13", False),
        ("<3.13.0", "python3.13", False),
        ("!=3.13.0,<3.13.2", "python3.13", True),
        (">=3.11.4", "python3.11", True),
        ("==3.1.3", "python3.13", False),
    ],
)
def test_the_patch_level_is_awss(requires: str, runtime: str, admitted: bool) -> None:
    assert admits(parse_requires_python(requires), find_runtime(runtime)) == admitted


@pytest.mark.parametrize(
    ("requires", "said"),
    [
        (
            "==3.13.1",
            ["requires-python is `==3.13.1`, and AWS chooses the patch level of python3.13"],
        ),
        (">=3.13.1", []),
        ("==3.13.*", []),
        (None, []),
    ],
)
def test_a_patch_level_that_is_named_is_told(requires: str | None, said: list[str]) -> None:
    target = Target(runtime=find_runtime("python3.13"), architecture=Architecture.ARM64)
    assert [note.text for note in patch_level_notes(target, requires)] == said


@pytest.mark.parametrize("key", ["python_version", "python_full_version"])
def test_a_runtime_that_is_asked_for_wins_over_a_pipfile(tmp_path: Path, key: str) -> None:
    """Likewise one that the settings name."""
    write_files(tmp_path, {"Pipfile": f'[packages]\n[requires]\n{key} = "3.11.4"\n', "app.py": ""})
    project = read_project(tmp_path)
    assert choose_target(project)[0].runtime.name == "python3.11"
    target, reason = choose_target(project, runtime="python3.12")
    assert (target.runtime.name, reason) == (
        "python3.12", "as asked, although the `Pipfile` is for Python ==3.11.*",
    )  # fmt: skip
    write_files(tmp_path, {"wherry.toml": 'runtime = "python3.12"\n'})
    target, reason = choose_target(read_project(tmp_path))
    assert (target.runtime.name, reason) == (
        "python3.12", "by the settings, although the `Pipfile` is for Python ==3.11.*",
    )  # fmt: skip
