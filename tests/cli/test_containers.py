"""Containers through the command line, as far as no engine is needed for it."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from support.backends import obedient_project
from support.command import Wherry
from support.extensions import extension_sdist, lock_of_sdists
from support.projects import write_files
from support.shared_objects import SharedObject
from support.wheels import Made, make_sdist

PYPROJECT = '[project]\nname = "shop"\nversion = "1"\nrequires-python = ">=3.9"\n'
HERE = f"python{sys.version_info.major}.{sys.version_info.minor}"
OTHER = "python3.13" if HERE != "python3.13" else "python3.12"
MAC = "fastcount-1.0-cp313-cp313-macosx_11_0_arm64.whl"


@pytest.fixture
def nobody(tmp_path: Path) -> dict[str, str]:
    """A machine without an engine: nothing but the interpreter is on its path."""
    folder = tmp_path / "bin"
    folder.mkdir()
    # Nor is there another interpreter, which would compile for its own version.
    empty = {"PYENV_ROOT": str(folder), "UV_PYTHON_INSTALL_DIR": str(folder)}
    return {"PATH": str(folder), "CDK_DOCKER": "", "DOCKER_HOST": "", **empty}


def lock(root: Path, made: Made, *, mac: bool = False) -> None:
    made.write(root)
    text = lock_of_sdists([made], wheels={made.filename: MAC} if mac else None)
    write_files(root, {"pyproject.toml": PYPROJECT, "pylock.toml": text, "shop.py": ""})


def compiled(root: Path, *, version: str = "GLIBC_2.17") -> Made:
    """An sdist whose backend gives a compiled file of this machine."""
    tag = f"cp{HERE[6:].replace('.', '')}"
    machine = "aarch64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"
    data = SharedObject(
        machine=183 if machine == "aarch64" else 62, wants={"libc.so.6": {version: ["gettid"]}}
    ).data()
    obedient_project(
        root, name="fastcount", files={"fastcount.so": data}, tag=f"{tag}-{tag}-linux_{machine}",
        sources={"fastcount.c": ""},
    )  # fmt: skip
    return make_sdist("fastcount", files={path.name: path.read_bytes() for path in root.iterdir()})


def test_without_an_engine_the_refusal_says_what_else_would_help(
    wherry: Wherry, nobody: dict[str, str]
) -> None:
    """A13: for what must be compiled and cannot be here."""
    lock(wherry.cwd, extension_sdist("fastcount"), mac=True)
    done = wherry.fail("build", "--runtime", OTHER, **nobody)
    first, *rest = done.error.splitlines()
    assert first == f"error: no wheel of `fastcount==1.0` runs on {OTHER}-x86_64"
    assert rest[1:4] == [
        "  ├─▶ its sdist would have to be compiled, as all its wheels are",
        "  ├─▶ no container can compile it: there is no container engine on this machine",
        "  ╰─▶ none of docker, podman, finch is installed",
    ]
    told = f"note: no wheel of `fastcount==1.0` runs on {OTHER}-x86_64: it is made of its sdist ("
    assert told in done.err
    assert rest[-2].startswith("hint: the lock was made for macOS only") or OTHER != "python3.13"
    assert rest[-1].strip().startswith("install docker, podman or finch, and start it")


def test_never_means_never(wherry: Wherry, nobody: dict[str, str]) -> None:
    lock(wherry.cwd, extension_sdist("fastcount"), mac=True)
    done = wherry.fail("build", "--runtime", OTHER, "--container", "never", **nobody)
    assert done.error.startswith(f"error: no wheel of `fastcount==1.0` runs on {OTHER}-x86_64\n")
    assert "container" not in done.error


def test_always_wants_an_engine(wherry: Wherry, nobody: dict[str, str]) -> None:
    """K6."""
    lock(wherry.cwd, extension_sdist("fastcount"))
    done = wherry.fail("build", "--container", "always", **nobody)
    assert done.error == (
        "error: there is no container engine on this machine\n"
        "  ╰─▶ none of docker, podman, finch is installed\n"
        "hint: install docker, podman or finch, and start it; or name its command: --container-engine PATH\n"
    )
    done = wherry("build", "--container", "always", "--container-engine", "/no/docker", **nobody)
    assert done.error.startswith("error: there is no container engine `/no/docker`\n")


@pytest.mark.skipif(
    sys.platform != "linux", reason="what is compiled elsewhere never runs on Lambda"
)
def test_what_this_machine_compiles_is_proved(
    wherry: Wherry, tmp_path: Path, nobody: dict[str, str]
) -> None:
    """A13, N3: taken where it runs; else the file and the symbol are named."""
    architecture = "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"
    asked = ["build", "--runtime", HERE, "--architecture", architecture]
    lock(wherry.cwd, compiled(tmp_path / "good"), mac=True)
    done = wherry.succeed(*asked, **nobody)
    lock(wherry.cwd, compiled(tmp_path / "bad", version="GLIBC_2.99"), mac=True)
    done = wherry.fail(*asked, **nobody)
    assert done.error.startswith(f"error: `fastcount` must be compiled for {HERE}-{architecture}\n")
    assert "`fastcount.so`" in done.error
    assert "it needs `gettid` in `GLIBC_2.99` of libc.so.6" in done.error
    assert "no container can build it: there is no container engine on this machine" in done.error


@pytest.mark.skipif(
    sys.platform != "linux", reason="what is compiled elsewhere never runs on Lambda"
)
def test_what_was_compiled_is_in_no_layer_for_others(
    wherry: Wherry, tmp_path: Path, nobody: dict[str, str]
) -> None:
    """A13: although the lock gives every target the same sdist."""
    architecture = "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"
    lock(wherry.cwd, compiled(tmp_path / "good"))
    write_files(wherry.cwd, {"wherry.toml": f'[layers.l]\nruntimes = ["{HERE}", "{OTHER}"]\n'})
    done = wherry.fail("build", "--runtime", HERE, "--architecture", architecture, **nobody)
    assert done.error == (
        f"error: layer `l` is not the same for {HERE}-{architecture} and {OTHER}-{architecture}\n"
        f"  ╰─▶ `fastcount` was compiled for {HERE}-{architecture}\n"
        "hint: make a layer for each of them, or leave these distributions out\n"
    )


def test_what_fails_without_a_compiler_is_not_tried_again(
    wherry: Wherry, tmp_path: Path, nobody: dict[str, str]
) -> None:
    """An error of a pure project's backend is told as it is."""
    obedient_project(tmp_path / "bad", name="fastcount", files={}, say="it is hopeless", fail=3)
    files = {path.name: path.read_bytes() for path in (tmp_path / "bad").iterdir()}
    lock(wherry.cwd, make_sdist("fastcount", files=files))
    done = wherry.fail("build", **nobody)
    assert "it is hopeless" in done.error
    assert "container" not in done.error


@pytest.mark.parametrize(
    ("settings", "finding"),
    [
        ('container = "sometimes"', "container.mode: expected one of auto, always, never"),
        ("container = 1", "container: expected one of auto, always, never, or a table"),
        (
            "[container]\nimages = 1",
            "container.images: there is no such setting\nhint: did you mean `container.image`?",
        ),
        ("[container]\ncopy = 'rsync'", "container.copy: expected one of bind, volume"),
        (
            "[container]\nimage = 'x'\ndockerfile = 'y'",
            "container.image: `image` and `dockerfile` exclude each other",
        ),
        (
            "[container]\nbuild-args = {A = 'b'}",
            "container.build-args: it is a setting of a `dockerfile`, and none is set",
        ),
        (
            "[container]\nenvironment = {A = 1}",
            "container.environment: expected a table of variables: a string, or `true` for the value of this machine",
        ),
        (
            "[container]\nenvironment = {'A B' = 'x'}",
            "container.environment: `A B` is not the name of a variable",
        ),
        (
            "[container]\nvolumes = ['x']",
            "container.volumes: `x` is not a volume: expected HOST:CONTAINER",
        ),
    ],
)
def test_settings_that_are_wrong(wherry: Wherry, settings: str, finding: str) -> None:
    write_files(wherry.cwd, {"wherry.toml": settings, "shop.py": ""})
    done = wherry.fail("build")
    assert finding in done.error


def test_a_dockerfile_that_is_not_there(wherry: Wherry) -> None:
    write_files(wherry.cwd, {"wherry.toml": "[container]\ndockerfile = 'build'", "shop.py": ""})
    done = wherry.fail("build")
    assert done.error.startswith("error: there is no Dockerfile `build`\n")


def test_what_needs_no_container_imports_none(wherry: Wherry) -> None:
    """Nothing of this slows a build that does without."""
    write_files(wherry.cwd, {"pyproject.toml": PYPROJECT, "shop.py": ""})
    script = (
        "import sys; from wherry import build; build(); "
        "print([name for name in sys.modules if name.startswith(('wherry.containers', 'wherry.elf'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=wherry.cwd,
        env={**os.environ, "WHERRY_CACHE_DIR": str(wherry.store)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"
