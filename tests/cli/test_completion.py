"""`wherry completion`: the script in a real bash, and the answers to the questions of each shell."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from support.projects import write_files
from wherry.checks.registry import rules
from wherry.cli import COMMANDS, run
from wherry.sample_events.kinds import KINDS
from wherry.target import RUNTIMES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SETTINGS = """
[functions.api]
[functions.jobs]
[layers.dependencies]
[stages.production]
[stages.staging]
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_files(tmp_path, {"wherry.toml": SETTINGS})
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def complete(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., list[str]]:
    """What the words before the cursor, the last of them begun, could become."""

    def asked(*words: str, shell: str = "bash") -> list[str]:
        monkeypatch.setenv("_WHERRY_COMPLETE", f"{shell}_complete")
        monkeypatch.setenv("COMP_WORDS", "\n".join(("wherry", *words)))
        monkeypatch.setenv("COMP_CWORD", words[-1] if shell == "fish" else str(len(words)))
        assert run([]) == 0
        printed = capsys.readouterr()
        assert printed.err == ""
        return printed.out.split()

    return asked


def plain(*names: str) -> list[str]:
    return [f"plain,{name}" for name in names]


@pytest.mark.parametrize(
    "name", ["a;touch x", "$(touch x)", "`x`", "*", "a b", "a\nb", "-x", "a|b", ""]
)
def test_what_a_shell_would_run_is_not_offered(
    name: str, project: Path, complete: Callable[..., list[str]]
) -> None:
    """Bash puts names on the line as they are."""
    quoted = json.dumps(name)
    (project / "wherry.toml").write_text(
        f"[functions.api]\n[functions.{quoted}]\n[layers.{quoted}]\n[stages.one]\n[stages.{quoted}]\n"
    )
    (project / "pyproject.toml").write_text(
        f"[dependency-groups]\ndev = []\n{quoted} = []\n[project.optional-dependencies]\naws = []\n{quoted} = []\n"
    )
    assert complete("build", "") == plain("api")
    assert complete("deploy", "") == plain("one")
    assert complete("build", "--group", "") == plain("dev")
    assert complete("build", "--extra", "") == plain("aws")


@pytest.mark.usefixtures("project")
def test_names_are_those_of_the_settings(complete: Callable[..., list[str]]) -> None:
    assert complete("build", "") == plain("api", "jobs", "dependencies")
    assert complete("build", "api", "") == plain("jobs", "dependencies")
    assert complete("digest", "d") == plain("dependencies")
    assert complete("invoke", "") == plain("api", "jobs")
    assert complete("deploy", "") == plain("production", "staging")
    assert complete("plan", "staging", "a") == plain("api")
    # There can be several stages.
    assert complete("deploy", "staging", "") == plain("production", "api", "jobs", "dependencies")
    assert complete("build", "--runtime", "python3.1") == plain(
        *(name for name in [*RUNTIMES][::-1] if name.startswith("python3.1"))
    )
    assert complete("build", "--architecture", "a") == plain("arm64")
    assert complete("check", "ap") == plain("api")
    assert complete("check", "dist/x") == ["file,dist/x"]


@pytest.mark.usefixtures("project")
def test_names_of_wherry_itself(complete: Callable[..., list[str]]) -> None:
    assert complete("event", "kin") == plain("kinesis")
    assert set(plain(*KINDS)) == set(complete("event", ""))
    assert complete("event", "dynamodb", "--type", "") == plain("INSERT", "MODIFY", "REMOVE")
    assert complete("event", "--type", "") == []
    assert complete("event", "s3", "--via", "sn", shell="zsh") == ["plain", "sns", "service"]
    assert complete("event", "s3", "--via", "sns", "--via", "s") == plain("sqs")
    assert set(plain(*rules())) == set(complete("check", "--select", ""))
    assert complete("check", "--ignore", "SIZE001") == plain("SIZE001")
    assert complete("check", "--ignore", "SIZE001", "--ignore", "SIZE001") == []


@pytest.mark.usefixtures("project")
def test_stages_that_are_not_the_first_word(complete: Callable[..., list[str]]) -> None:
    assert complete("deploy", "--from", "s") == plain("staging")
    assert complete("deploy", "production", "--from", "") == plain("staging")
    assert complete("event", "eventbridge", "--source", "") == []
    assert complete("inspect", "--against", "p") == plain("production")
    assert complete("inspect", "--against", "dist/x") == ["file,dist/x"]


def test_groups_and_extras(project: Path, complete: Callable[..., list[str]]) -> None:
    pyproject = """
        [project]
        name = "shop"
        optional-dependencies = {pdf = [], web = []}
        [dependency-groups]
        dev = []
        [tool.poetry.group.docs.dependencies]
        [tool.poetry.extras]
        old = []
    """
    write_files(project, {"pyproject.toml": pyproject})
    assert complete("build", "--group", "") == plain("dev", "docs")
    assert complete("build", "--extra", "") == plain("pdf", "web", "old")
    assert complete("digest", "--extra", "pdf", "--extra", "") == plain("web", "old")


@pytest.mark.usefixtures("project")
def test_commands_and_options_are_completed(complete: Callable[..., list[str]]) -> None:
    assert set(plain(*COMMANDS)) == set(complete(""))
    assert complete("build", "--arch") == plain("--architecture")
    assert complete("completion", "") == plain("bash", "zsh", "fish")


@pytest.mark.usefixtures("project")
def test_values_after_an_equals_sign(complete: Callable[..., list[str]]) -> None:
    """Bash makes three words of ``--architecture=a``; the other shells one, which they replace."""
    assert complete("build", "--architecture", "=") == plain("x86_64", "arm64")
    assert complete("build", "--architecture", "=", "a") == plain("arm64")
    assert complete("build", "--architecture=a") == plain("--architecture=arm64")
    zsh = complete("build", "--architecture=a", shell="zsh")
    assert zsh == ["plain", "--architecture=arm64", "architecture"]
    assert complete("build", "d", shell="zsh") == ["plain", "dependencies", "layer"]
    assert complete("deploy", "s", shell="fish") == ["plain,staging", "stage"]


def test_other_folders_and_files(
    tmp_path: Path, complete: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {
        "shop/pyproject.toml": "[tool.wherry.functions.web]\n",
        "plain/pyproject.toml": '[project]\nname = "plain"\n',
        "other.toml": "[functions.night]\n",
        "wrong.toml": "[functions.night",
        "odd/wherry.toml": "functions = 1\nstages = []\nbuilt = 'yes'\n",
    }
    write_files(tmp_path, files)
    monkeypatch.chdir(tmp_path)
    assert complete("build", "--project", "shop", "") == plain("web")
    assert complete("build", "--project", "plain", "") == plain("plain")
    assert complete("build", "--config", "other.toml", "n") == plain("night")
    for words in (
        ("build", "--project", "odd", ""),
        ("build", "--project", "nowhere", ""),
        ("build", "--config", "wrong.toml", ""),
        ("build", "--config", "nowhere.toml", ""),
        ("nonsense", "x"),
        ("build", "--container", "never", "--nonsense", ""),
        ("build", "'open quote", ""),
    ):
        assert complete(*words) == [], words
    assert complete("build", "", shell="tcsh") == []


@pytest.mark.skipif(sys.platform == "win32", reason="there is no bash")
def test_the_script_in_bash(project: Path, tmp_path: Path) -> None:
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    (bin_ / "wherry").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m wherry "$@"\n')
    (bin_ / "wherry").chmod(0o755)
    code = """
        PATH=$PWD/bin:$PATH
        eval "$(wherry completion bash)"
        complete -p wherry | grep -q _wherry_completion || exit 3
        COMP_WORDS=(wherry build --architecture arm64 a); COMP_CWORD=4
        _wherry_completion wherry
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    done = subprocess.run(
        ["bash", "--norc", "-c", code], cwd=project, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "api\n", "")
