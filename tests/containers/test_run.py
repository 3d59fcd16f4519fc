"""K6: the options of a run, as CDK has them."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from wherry.containers.engine import Engine
from wherry.containers.run import NO_INPUT, NO_PYTHON, bind, python_script, run_options
from wherry.settings.model import ContainerOptions

DOCKER = Engine(command="docker", kind="docker")


def options(engine: Engine = DOCKER, **said: object) -> list[str]:
    chosen = ContainerOptions(**said)  # type: ignore[arg-type]
    return run_options(chosen, engine, platform="linux/arm64", name="wherry-1")


def pairs(found: list[str]) -> list[tuple[str, str]]:
    return [(one, other) for one, other in pairwise(found) if one.startswith("--")]


def test_what_is_always_said() -> None:
    found = pairs(options())
    assert ("--platform", "linux/arm64") in found
    assert ("--name", "wherry-1") in found
    assert ("--entrypoint", "sh") in found
    # The files that come back are the user's.
    assert ("--user", f"{os.geteuid()}:{os.getegid()}") in found


def test_what_may_be_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    found = pairs(
        options(
            network="host",
            security_opt=("no-new-privileges", "label=disable"),
            user="1000:1000",
            volumes=("/given:/given:ro", "~/cache:/cache", "named:/there"),
            volumes_from=("777f7dc92da7",),
        )
    )
    for pair in [
        ("--network", "host"),
        ("--security-opt", "no-new-privileges"),
        ("--security-opt", "label=disable"),
        ("--user", "1000:1000"),
        ("--volume", "/given:/given:ro"),
        ("--volume", "/home/me/cache:/cache"),
        ("--volume", "named:/there"),
        ("--volumes-from", "777f7dc92da7"),
    ]:
        assert pair in found


def test_variables_are_no_arguments() -> None:
    """A8: whoever lists processes sees them."""
    found = options(environment={"TOKEN": "s3cret"}, build_args={"TOKEN": "s3cret"})
    assert "s3cret" not in " ".join(found)


def test_engines_without_privileges() -> None:
    """Root in the container is the user there, or the user's number is kept."""
    rootless = Engine(command="docker", kind="docker", rootless=True)
    assert "--user" not in options(rootless)
    podman = options(Engine(command="podman", kind="podman", rootless=True))
    assert ("--userns", "keep-id") in pairs(podman)
    assert "--userns" not in options(Engine(command="podman", kind="podman"))


def test_folders_are_shown_to_the_container(tmp_path: Path) -> None:
    """With the label that SELinux wants, where it is at work."""
    label = ",z" if Path("/sys/fs/selinux/enforce").exists() else ""
    assert bind(tmp_path, "/in", readonly=True) == ["--volume", f"{tmp_path}:/in:ro{label}"]


def test_the_wanted_python_is_found(tmp_path: Path) -> None:
    """By the very line that the container's shell is given."""
    (tmp_path / "x.py").write_text("import sys; print(sys.version_info[:2], sys.stdin.read())\n")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"

    def run(script: str, python: str) -> subprocess.CompletedProcess[str]:
        line = python_script(script, python=python).replace("/wherry/input", str(tmp_path))
        env = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
        return subprocess.run(
            ["sh", "-c", line], env=env, input="told", capture_output=True, text=True, check=False
        )

    done = run("x.py", version)
    assert (done.returncode, done.stdout) == (0, f"{tuple(sys.version_info[:2])} told\n")
    assert run("x.py", "3.99").returncode == NO_PYTHON
    assert run("none.py", version).returncode == NO_INPUT
