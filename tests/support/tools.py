"""The tools whose locks are read, in pinned versions: installed from PyPI at first use, kept for the next run."""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from uv import find_uv_bin

from support.files import alone, cache_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["new_uv_cache", "run_tool", "run_uv", "tool"]


@dataclass(frozen=True, kw_only=True)
class Pin:
    requirement: str
    command: str
    # What is installed besides.
    more: tuple[str, ...] = ()
    # The versions of Python that it runs on, where not on all.
    python: str | None = None


_PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"

PINS = {
    "poetry": Pin(requirement="poetry==2.5.1", command="poetry"),
    "poetry-1.8": Pin(requirement="poetry==1.8.5", command="poetry"),
    "poetry-1.1": Pin(requirement="poetry==1.1.15", command="poetry", python=">=3.9,<3.12"),
    "pipenv": Pin(requirement="pipenv==2026.10.3", command="pipenv"),
    "pip-tools": Pin(requirement="pip-tools==7.6.2", command="pip-compile"),
    # Its extra `locked` pins what it depends on; a newer hishel breaks it.
    "pdm": Pin(requirement="pdm[locked]==2.29.3", command="pdm"),
    "pdm-2.12": Pin(requirement="pdm==2.12.4", command="pdm", more=("hishel<0.1",)),
    "pdm-2.5": Pin(requirement="pdm==2.5.6", command="pdm"),
    "uv-0.5": Pin(requirement="uv==0.5.31", command="uv"),
    "pypiserver": Pin(
        requirement="pypiserver==2.4.2", command="pypi-server", more=("passlib==1.7.4",)
    ),
    # With what Wherry itself depends on, and a checker of types.
    "cdk": Pin(
        requirement="aws-cdk-lib==2.275.0",
        command="python",
        more=(
            "constructs==10.8.1",
            "aws-cdk.aws-lambda-python-alpha==2.275.0a0",
            "mypy>=1.15",
            "types-PyYAML",
            "types-requests",
            *tomllib.loads(_PYPROJECT.read_text(encoding="utf-8"))["project"]["dependencies"],
        ),
    ),
    # What it was written for: newer versions of pydantic want a value for each of its optional keys.
    "drover": Pin(requirement="drover==0.7.1", command="drover", more=("pydantic<2",)),
    "aws": Pin(requirement="awscli==1.45.11", command="aws"),
    "sam": Pin(requirement="aws-sam-cli==1.170.0", command="sam"),
    # Speaks Terraform's protocol for plugins.
    "tf": Pin(requirement="tf==1.2.0", command="python"),
    # The SDK: the engine comes from neither PyPI nor npm nor Debian.
    "pulumi": Pin(requirement="pulumi==3.272.0", command="python", more=("pulumi-aws==7.51.1",)),
    # With a backend that needs no desktop.
    "keyring": Pin(requirement="keyring==25.7.0", command="keyring", more=("keyrings.alt==5.0.2",)),
}


def tool(name: str) -> Path:
    """The tool's executable."""
    pin = PINS[name]
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    name = pin.requirement.replace("[locked]==", "-").replace("==", "-")
    digest = hashlib.sha256(" ".join((pin.requirement, *pin.more)).encode()).hexdigest()[:8]
    folder = cache_folder("tools") / f"{name}-{digest}-py{version}"
    done = folder / "complete"
    with alone(folder):
        if not done.exists():
            _uv("venv", "--clear", "--seed", "--python", _interpreter(pin), str(folder))
            python = folder / "bin" / "python"
            _uv("pip", "install", "--python", str(python), pin.requirement, *pin.more)
            done.touch()
    return folder / "bin" / pin.command


def run_tool(name: str, *arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> str:
    """Run the tool, untouched by the settings of the machine; its output."""
    return _run([str(tool(name)), *arguments], cwd=cwd, env=env or {})


def run_uv(*arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> str:
    """Run the uv that Wherry depends on; its output."""
    new_uv_cache(cwd / ".home" / "cache" / "uv")
    return _run([find_uv_bin(), *arguments], cwd=cwd, env=env or {})


def new_uv_cache(folder: Path) -> str:
    """A cache of uv's that holds what uv has asked this interpreter, which takes it longer than to lock."""
    if not folder.exists():
        shutil.copytree(_asked(), folder)
    return str(folder)


@cache
def _asked() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="wherry-uv-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    _uv("python", "find", "--no-project", "--cache-dir", str(folder), sys.executable)
    return folder


def _run(command: list[str], *, cwd: Path, env: Mapping[str, str]) -> str:
    home = cwd / ".home"
    home.mkdir(exist_ok=True)
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("PIP", "PIPENV_", "POETRY_", "PDM_", "UV_", "VIRTUAL_ENV"))
    }
    isolated = {
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_DATA_HOME": str(home / "data"),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_CACHE_DIR": "1",
        "PIPENV_NOSPIN": "1",
        "PIPENV_VENV_IN_PROJECT": "1",
        "PIPENV_PYTHON": sys.executable,
        "PDM_CHECK_UPDATE": "0",
        "PDM_IGNORE_SAVED_PYTHON": "1",
        "POETRY_VIRTUALENVS_IN_PROJECT": "true",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        "UV_PYTHON": sys.executable,
        "UV_PYTHON_DOWNLOADS": "never",
        "NO_COLOR": "1",
    }
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**kept, **isolated, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
    return done.stdout


def _uv(*arguments: str) -> None:
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    command = [find_uv_bin(), "--quiet", *arguments]
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)


def _interpreter(pin: Pin) -> str:
    if pin.python is not None and sys.version_info >= (3, 12):
        return pin.python
    return sys.executable
