"""Where an editor finds the sources of what the function runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.projects import write_files
from wherry.invoke.debugging import launch_configuration

ROOT = ("", "/var/task")


@pytest.mark.parametrize(
    ("sources", "packed", "layer", "expected"),
    [
        (["shop/api.py", "tests/test_api.py"], ["shop/api.py"], [], [ROOT]),
        (["src/shop/api.py", "setup.py"], ["shop/api.py"], [], [("src", "/var/task")]),
        (
            ["a/src/one/x.py", "b/src/two/y.py", "b/src/z.py"],
            ["one/x.py", "two/y.py", "z.py"],
            [],
            [
                ("a/src/one", "/var/task/one"),
                ("b/src/z.py", "/var/task/z.py"),
                ("b/src/two", "/var/task/two"),
            ],
        ),
        (["app.py", "lib/shared.py"], ["app.py"], ["shared.py"], [ROOT, ("lib", "/opt/python")]),
        # Copies that are no sources.
        (
            [".venv/shop/api.py", "build/lib/shop/api.py", "shop/api.py"],
            ["shop/api.py"],
            [],
            [ROOT],
        ),
        (["other.py"], ["shop/api.py"], [], []),
    ],
)
def test_mappings(
    sources: list[str],
    packed: list[str],
    layer: list[str],
    expected: list[tuple[str, str]],
    tmp_path: Path,
) -> None:
    def text(path: str) -> str:
        return f"NAME = {Path(path).name!r}\n"

    project = write_files(tmp_path / "project", {path: text(path) for path in sources})
    task = write_files(tmp_path / "task", {path: text(path) for path in packed} | {"dep.py": ""})
    opt = write_files(tmp_path / "opt", {path: text(path) for path in layer})
    made = launch_configuration(5678, project, {"/var/task": task, "/opt/python": opt})
    assert made["connect"] == {"host": "127.0.0.1", "port": 5678}
    assert [(each["localRoot"], each["remoteRoot"]) for each in made["pathMappings"]] == [
        (str(project / local) if local else str(project), remote) for local, remote in expected
    ]


def test_another_file_of_that_name_is_not_mapped(tmp_path: Path) -> None:
    project = write_files(tmp_path / "project", {"app.py": "A = 1\n"})
    task = write_files(tmp_path / "task", {"app.py": "A = 2\n"})
    assert launch_configuration(1, project, {"/var/task": task})["pathMappings"] == []
