"""Commands before and after bundling in a container of a real engine."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest

from support.command import Wherry
from support.containers import IMAGE, PYTHON, Dockerd, dockerd
from support.projects import EMPTY_LOCK, write_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.real

SETTINGS = """
[container]
image = "{image}"
network = "host"
copy = "{copy}"

[hooks]
where = "container"
before = [
  "test $PWD = {{input}} && cat /etc/os-release > {{output}}/made-in.txt",
  ["touch", "{{input}}/left here.py"],
]

[functions.shop.hooks]
after = ["rm {{output}}/shop/gone.py; chmod +x {{output}}/shop/api.py; cd {{output}}/shop; ln api.py linked.py; ls -A {{output}} > {{output}}/list.txt"]
"""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dockerd]:
    with dockerd(tmp_path_factory.mktemp("engine")) as started:
        yield started


@pytest.fixture
def wherry(tmp_path: Path) -> Wherry:
    project = write_files(
        tmp_path / "a project",
        {
            "pyproject.toml": '[project]\nname = "shop"\nversion = "1.0"\n',
            "pylock.toml": EMPTY_LOCK,
            "shop/api.py": "def handler(event, context): ...\n",
            "shop/gone.py": "",
        },
    )
    # As virtual environments have: a link that leads out of the project.
    (project / ".venv" / "bin").mkdir(parents=True)
    (project / ".venv" / "bin" / "python").symlink_to("/usr/bin/python3")
    return Wherry(store=tmp_path / "store", cwd=project)


@pytest.mark.parametrize("copy", ["bind", "volume"])
def test_commands_in_a_container(wherry: Wherry, engine: Dockerd, copy: str) -> None:
    """K6, K8: given both folders, which both see, or which are copied."""
    text = SETTINGS.format(image=IMAGE, copy=copy)
    write_files(wherry.cwd, {"wherry.toml": text})
    arguments = ("build", "--json", "--runtime", f"python{PYTHON}")
    done = wherry(*arguments, **engine.env)
    assert done.code == 0, done.err
    with zipfile.ZipFile(wherry.cwd / "dist" / "lambda" / "shop.zip") as archive:
        found = {one.filename: archive.read(one) for one in archive.infolist()}
        modes = {one.filename for one in archive.infolist() if one.external_attr >> 16 & 0o111}
    # Where files are copied, the project's stay as they are.
    left = ["left here.py"] if copy == "bind" else []
    assert set(found) == {*left, "list.txt", "made-in.txt", "shop/api.py", "shop/linked.py"}
    assert b"bookworm" in found["made-in.txt"]
    assert found["list.txt"].decode().split("\n") == [*left, "list.txt", "made-in.txt", "shop", ""]
    assert modes == {"shop/api.py", "shop/linked.py"}
    assert (wherry.cwd / "left here.py").exists() is (copy == "bind")
    assert (wherry.cwd / ".venv" / "bin" / "python").readlink().as_posix() == "/usr/bin/python3"
    # Nothing has changed: no engine is asked.
    again = wherry(*arguments, DOCKER_HOST="unix:///nowhere")
    assert again.code == 0, again.err
    assert again.document["packages"][0]["changed"] is False
    assert engine("ps", "--all", "--quiet") == ""


@pytest.mark.parametrize("copy", ["bind", "volume"])
def test_the_first_failure_ends_it(wherry: Wherry, engine: Dockerd, copy: str) -> None:
    """K8: with the command, its status and its last words, as on the host."""
    text = SETTINGS.format(image=IMAGE, copy=copy)
    text = text.replace('["touch", ', '"echo no compiler for this >&2; exit 42", ["touch", ')
    write_files(wherry.cwd, {"wherry.toml": text})
    done = wherry("build", "--quiet", "--runtime", f"python{PYTHON}", **engine.env)
    assert done.code == 1
    assert done.err.splitlines()[:3] == [
        "error: a command before bundling failed: `echo no compiler for this >&2; exit 42`",
        "  ├─▶ it ended with status 42",
        "  ╰─▶ no compiler for this",
    ]
    assert not (wherry.cwd / "left here.py").exists()
    assert not (wherry.cwd / "dist").exists()
    assert engine("ps", "--all", "--quiet") == ""


def test_an_engine_that_is_dead(wherry: Wherry) -> None:
    """K6: one clear error, and the way out."""
    write_files(wherry.cwd, {"wherry.toml": SETTINGS.format(image=IMAGE, copy="bind")})
    done = wherry("build", "--quiet", DOCKER_HOST="unix:///nowhere/docker.sock")
    assert done.code == 1
    assert done.err.startswith("error: ")
    assert "Traceback" not in done.err
    assert "hint: " in done.err
