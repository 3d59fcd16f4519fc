"""The action for GitHub, step by step as its runner does it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from support.index import serve_index
from support.projects import make_project, write_files
from support.wheels import make_wheel

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[2]
ALPHA = make_wheel("alpha", "1.2")
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())


class Runner:
    """What an action gets from its runner: files for outputs, variables and commands, and nothing in between."""

    def __init__(self, folder: Path, workspace: Path) -> None:
        self._folder = folder
        self._workspace = workspace
        self._outputs: dict[str, str] = {}
        folder.mkdir()

    def step(self, name: str, **inputs: str) -> dict[str, str]:
        """Run a step of the action that has an ID; its outputs."""
        (step,) = [step for step in ACTION["runs"]["steps"] if step.get("id") == name]
        given = {key: str(each["default"]) for key, each in ACTION["inputs"].items()} | inputs
        files = {
            key: self._folder / key
            for key in ("GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_ENV", "GITHUB_STEP_SUMMARY")
        }
        for path in files.values():
            path.touch()
        environment = {
            **{key: os.environ[key] for key in os.environ if key.startswith(("PIP_", "SSL_"))},
            "HOME": str(self._folder),
            "PATH": os.pathsep.join(
                [*files["GITHUB_PATH"].read_text().split(), os.environ["PATH"]]
            ),
            "RUNNER_TEMP": str(self._folder),
            "GITHUB_ACTION_PATH": str(ROOT),
            **dict(line.split("=", 1) for line in files["GITHUB_ENV"].read_text().splitlines()),
            **{key: str(path) for key, path in files.items()},
            **{key: _value(text, given) for key, text in step["env"].items()},
        }
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", step["run"]],
            cwd=self._workspace, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        text = files["GITHUB_OUTPUT"].read_text()
        found = dict(re.findall(r"^(\w+)<<(?:\S+)\n(.*)\n\S+$", text, re.MULTILINE))
        return {**dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE)), **found}

    @property
    def summary(self) -> str:
        return (self._folder / "GITHUB_STEP_SUMMARY").read_text()


def _value(text: str, inputs: dict[str, str]) -> str:
    """A variable whose value is an expression of GitHub's."""
    found = re.fullmatch(r"\$\{\{ (.*) \}\}", text)
    assert found is not None
    kind, _, name = found[1].partition(".")
    return inputs[name] if kind == "inputs" else sys.executable


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with serve_index([ALPHA]) as index:
        place = tmp_path_factory.mktemp("workspace")
        root = make_project(place / "my service", index, [ALPHA])
        write_files(root, {"wherry.toml": '[functions.api]\nhandler = "shop.api.handler"\n'})
        yield place


def test_the_steps_of_the_action(workspace: Path, tmp_path: Path) -> None:
    runner = Runner(tmp_path / "runner", workspace)
    given = {
        "project": "my service",
        "names": "api",
        "options": "--runtime\npython3.13 --verbose\n",
    }
    prepared = runner.step("prepare", **given)
    assert re.fullmatch("[0-9a-f]{64}", prepared["inputs"])
    document = json.loads(runner.step("build", **given)["packages"])
    (package,) = document["packages"]
    assert package["path"] == "my service/dist/lambda/api.zip"
    assert (workspace / package["path"]).is_file()
    # The cache that is kept is the one that was filled.
    assert any(Path(prepared["store"]).rglob("*"))
    assert package["code_sha256"] in runner.summary


def test_what_users_give_is_not_code(workspace: Path, tmp_path: Path) -> None:
    script = ROOT / "integrations" / "github" / "wherry.sh"
    commands = tmp_path / "wherry"
    commands.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > arguments; echo "{\\"packages\\": []}"\n')
    commands.chmod(0o755)
    (tmp_path / "python").symlink_to(sys.executable)
    environment = {
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        "INPUT_NAMES": "$(touch bad) `touch bad` *\nnext-line\n",
        "INPUT_OPTIONS": "; touch bad",
        "GITHUB_OUTPUT": str(tmp_path / "out"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
    }
    subprocess.run([script, "build"], cwd=tmp_path, env=environment, check=True)
    given = (tmp_path / "arguments").read_text().splitlines()
    assert given == [
        "build", "--json", "--project", ".",
        "$(touch", "bad)", "`touch", "bad`", "*", "next-line", ";", "touch", "bad",
    ]  # fmt: skip
    assert not (tmp_path / "bad").exists()


def test_options_that_a_digest_does_not_have(tmp_path: Path) -> None:
    """They leave the key of the cache as it is."""
    commands = tmp_path / "tools" / "bin"
    for name in ("wherry", "python"):
        write_files(
            commands, {name: f'#!/bin/sh\necho "{name}" "$@" >> "$HOME/calls"\necho digest\n'}
        )
        (commands / name).chmod(0o755)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        # It has made the virtual environment, and installs nothing.
        "PYTHON": "true",
        "RUNNER_TEMP": str(tmp_path / "runner"),
        "GITHUB_ACTION_PATH": ".",
        "INPUT_NAMES": "api",
        "INPUT_OPTIONS": "-v --unpacked out --runtime python3.13\n--expect x --expect=y --unpacked=z --arm64",
        **{key: str(tmp_path / key) for key in ("GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_ENV")},
    }
    (tmp_path / "runner").mkdir()
    (tmp_path / "runner" / "wherry").symlink_to(tmp_path / "tools")
    script = ROOT / "integrations" / "github" / "wherry.sh"
    subprocess.run([script, "prepare"], cwd=tmp_path, env=environment, check=True)
    calls = (tmp_path / "calls").read_text().splitlines()
    assert "wherry digest --quiet --project . api --runtime python3.13 --arm64" in calls
