"""How uv is run, and what becomes of its words."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from support.locks import Heard, target
from wherry.errors import LockError, ToolError
from wherry.events import Warned
from wherry.indexes.network import Network
from wherry.tools import uv
from wherry.tools.uv import Answer, run_uv, run_uv_offline, target_options


@pytest.mark.parametrize(
    ("runtime", "architecture", "platform"),
    [
        ("python3.9", "x86_64", "x86_64-manylinux_2_17"),
        ("python3.11", "arm64", "aarch64-manylinux_2_17"),
        ("python3.12", "x86_64", "x86_64-manylinux_2_34"),
        ("python3.14", "arm64", "aarch64-manylinux_2_34"),
    ],
)
def test_the_platform_is_the_best_that_the_runtime_has(
    runtime: str, architecture: str, platform: str
) -> None:
    """N2: by glibc: 2.26 on Amazon Linux 2, 2.34 on Amazon Linux 2023."""
    options = target_options(target(runtime, architecture))
    assert options[options.index("--python-platform") + 1] == platform
    assert options[options.index("--python-version") + 1] == f"{runtime.removeprefix('python')}.0"


# Two forms that versions of uv have given one error.
OLD = """\
Using CPython 3.11.7 interpreter at: /somewhere
warning: `x==1.0` is yanked (reason: "bad")
error: Failed to fetch: `https://me:secret@host/simple/x/`
  Caused by: Request failed after 3 retries
  Caused by: error sending request
      over there
"""
NEW = """\
Resolved 3 packages in 10ms
  \u00d7 No solution found when resolving dependencies:
  \u2570\u2500\u25b6 Because x was not found in the package registry and you require x, we
      can conclude that your requirements are unsatisfiable.

hint: Look again
"""


def test_errors_are_taken_apart() -> None:
    assert uv._messages(OLD) == [
        ("warning:", '`x==1.0` is yanked (reason: "bad")'),
        ("error:", "Failed to fetch: `https://me:secret@host/simple/x/`"),
        ("Caused by:", "Request failed after 3 retries"),
        ("Caused by:", "error sending request over there"),
    ]
    assert [text for _, text in uv._messages(NEW)] == [
        "No solution found when resolving dependencies:",
        (
            "Because x was not found in the package registry and you require x, we can conclude that "
            "your requirements are unsatisfiable."
        ),
        "Look again",
    ]


def test_what_is_no_error_by_its_form_is_kept_in_mind() -> None:
    said = uv._messages("Resolved 11 packages in 10ms\nThe lockfile needs to be updated.\n")
    assert said == [("", "The lockfile needs to be updated.")]


def test_a_failure_carries_uvs_words() -> None:
    answer = Answer(status=2, output="", causes=("why",), hint="try")
    with pytest.raises(LockError) as caught:
        answer.expect("it failed")
    assert (caught.value.message, caught.value.where, caught.value.hint) == (
        "it failed",
        ("why",),
        "try",
    )
    with pytest.raises(LockError, match=r"uv exited with 3"):
        Answer(status=3, output="", causes=(), hint=None).expect("it failed")


def test_a_real_failure_is_without_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A8: the secret is in no log, also after a failure."""
    # A refused connection stays refused; uv would try again for seconds.
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    text = "--index-url http://me:hush-hush@127.0.0.1:9/simple/\nx\n"
    answer = run_uv(
        ["pip", "compile", "--no-cache", "-"],
        cwd=tmp_path,
        network=Network(),
        reporter=Heard(),
        stdin=lambda: text,
    )
    assert answer.status != 0
    assert answer.causes
    assert "hush-hush" not in str(answer)


@pytest.mark.skipif(sys.platform == "win32", reason="a script stands for a program")
def test_the_version_that_the_project_requires_is_taken_from_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in ("98.0.0", "99.1.0"):
        program = tmp_path / version / "uv"
        program.parent.mkdir()
        program.write_text(
            f'#!/bin/sh\ncase $1 in --version) echo "uv {version} (x)";; *) echo {version} "$@";; esac\n'
        )
        program.chmod(0o755)
    paths = [str(tmp_path / "98.0.0"), str(tmp_path / "99.1.0")]
    monkeypatch.setenv("PATH", os.pathsep.join([*paths, os.environ["PATH"]]))
    (tmp_path / "pyproject.toml").write_text('[tool.uv]\nrequired-version = ">=99,<100"\n')
    answer = run_uv_offline(["pip", "list"], cwd=tmp_path, reporter=Heard())
    assert (answer.status, answer.output) == (0, "99.1.0 --offline pip list\n")
    (tmp_path / "pyproject.toml").write_text('[tool.uv]\nrequired-version = "==97"\n')
    with pytest.raises(ToolError) as caught:
        run_uv_offline(["pip", "list"], cwd=tmp_path, reporter=Heard())
    assert caught.value.message == "the project requires uv `==97`"
    assert caught.value.hint is not None
    assert "`uv tool install 'uv==97'`" in caught.value.hint


def test_warnings_are_passed_on(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.uv]\nnonsense = 1\n")
    heard = Heard()
    run_uv(["pip", "compile", "-"], cwd=tmp_path, network=Network(), reporter=heard, stdin=str)
    assert heard.texts(Warned)
    assert all(text.startswith("uv says: ") for text in heard.texts(Warned))


def test_a_machine_without_uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent() -> str:
        raise FileNotFoundError

    monkeypatch.setattr("uv.find_uv_bin", absent)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match=r"the program `uv` is missing"):
        run_uv(["--version"], cwd=tmp_path, network=Network(), reporter=Heard())


def test_only_what_leads_to_indexes_is_passed_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("UV_RESOLUTION", "UV_PYTHON", "PYTHONPATH", "VIRTUAL_ENV", "UV_INDEX_STRATEGY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("UV_INDEX_MAIN_PASSWORD", "kept")
    monkeypatch.setenv("PIP_INDEX_URL", "http://host/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "http://other/simple")
    passed = uv._environment(tmp_path, Network())
    assert passed["UV_INDEX_MAIN_PASSWORD"] == "kept"
    assert passed["UV_DEFAULT_INDEX"] == "http://host/simple"
    assert passed["UV_INDEX"] == "http://other/simple"
    assert passed["UV_PYTHON_DOWNLOADS"] == "never"
    dropped = {"UV_RESOLUTION", "UV_PYTHON", "PYTHONPATH", "VIRTUAL_ENV", "UV_INDEX_STRATEGY"}
    assert not passed.keys() & dropped
    alone = uv._environment(tmp_path, None)
    assert not [name for name in alone if name.startswith(("UV_INDEX", "UV_DEFAULT"))]
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://mine/simple")
    assert uv._environment(tmp_path, Network())["UV_DEFAULT_INDEX"] == "http://mine/simple"
