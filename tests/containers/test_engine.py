"""K6: docker, podman or finch, whichever there is. Engines are played by programs that answer as they do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from wherry.containers.engine import find_engine, require_engine
from wherry.errors import NoEngineError

Play = Callable[..., Path]


@pytest.fixture(autouse=True)
def _of_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CDK_DOCKER", "DOCKER_HOST", "CONTAINER_HOST"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Puts a program on the path, which has nothing else."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def program(name: str, script: str = "exit 0") -> Path:
        path = folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    return program


def test_the_first_that_is_there(play: Play) -> None:
    play("finch")
    assert find_engine().kind == "finch"
    play("podman")
    assert find_engine().kind == "podman"
    play("docker")
    assert find_engine().kind == "docker"


def test_one_that_is_named(play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The option before the variable that CDK's users set."""
    play("docker")
    play("finch")
    podman = play("podman-remote")
    monkeypatch.setenv("CDK_DOCKER", "finch")
    assert find_engine().kind == "finch"
    assert find_engine(str(podman)).kind == "podman"
    assert find_engine("docker").command == str(tmp_path / "bin" / "docker")


def test_none(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    del play
    with pytest.raises(
        NoEngineError, match="there is no container engine on this machine"
    ) as caught:
        find_engine()
    assert caught.value.where == ("none of docker, podman, finch is installed",)
    assert "install docker, podman or finch" in (caught.value.hint or "")
    with pytest.raises(NoEngineError, match="there is no container engine `finch`"):
        find_engine("finch")
    monkeypatch.setenv("CDK_DOCKER", "finch")
    with pytest.raises(NoEngineError) as caught:
        find_engine()
    assert caught.value.where == ("the variable `CDK_DOCKER` names it",)


@pytest.mark.parametrize(
    ("name", "said", "hint"),
    [
        (
            "docker",
            "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
            "start Docker",
        ),
        (
            "docker",
            "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock",
            "let your user use it",
        ),
        (
            "podman",
            "Cannot connect to Podman. Please verify your connection",
            "podman machine start",
        ),
        ("finch", 'level=fatal msg="instance \\"finch\\" is stopped"', "finch vm start"),
    ],
)
def test_one_that_does_not_answer(play: Play, name: str, said: str, hint: str) -> None:
    play(name, f"echo '{said}' >&2; exit 1")
    with pytest.raises(
        NoEngineError, match=f"the container engine `{name}` does not answer"
    ) as caught:
        require_engine()
    assert caught.value.where == (said,)
    assert hint in (caught.value.hint or "")


def test_one_that_cannot_be_started(play: Play) -> None:
    path = play("docker")
    path.write_text("#!/nowhere/sh\n")
    with pytest.raises(NoEngineError, match="cannot be started"):
        require_engine()


def test_one_without_privileges(play: Play) -> None:
    play("docker", "echo ' Security Options:'; echo '  rootless'")
    assert require_engine().rootless
    play("docker", "echo ' Security Options:'; echo '  seccomp'")
    assert not require_engine().rootless
    play("podman", "echo '    rootless: true'")
    assert require_engine("podman").rootless


@pytest.mark.parametrize(
    ("host", "remote"),
    [
        ("", False),
        ("unix:///x.sock", False),
        ("tcp://10.0.0.1:2375", True),
        ("ssh://me@there", True),
    ],
)
def test_one_on_another_machine(
    play: Play, monkeypatch: pytest.MonkeyPatch, host: str, remote: bool
) -> None:
    play("docker")
    monkeypatch.setenv("DOCKER_HOST", host)
    assert find_engine().endpoint == host
    assert find_engine().is_remote is remote


def test_passwords_are_not_repeated(play: Play) -> None:
    play("docker", "echo 'dial https://me:s3cret@registry.example: refused' >&2; exit 1")
    answer = find_engine().ask(["pull"])
    assert answer.errors == ("dial https://****@registry.example: refused",)
