"""Interpreters of other versions on this machine."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from importlib import metadata
from pathlib import Path

import pytest
from uv import find_uv_bin

__all__ = ["compiled_parts", "find_python", "interpreters", "missing"]


def missing(reason: str) -> None:
    """Skip on a newcomer's machine; fail where everything is to be there."""
    if os.environ.get("WHERRY_TESTS_REQUIRE_ALL"):
        pytest.fail(reason)
    pytest.skip(reason)


@lru_cache
def _find(version: str) -> str | None:
    for candidate in _candidates(version):
        done = subprocess.run(
            [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=False,
        )
        # pyenv's shims stand there for versions that are not active, and fail when they are called.
        if done.returncode == 0 and done.stdout.strip() == version:
            return candidate
    return None


def interpreters(version: str) -> list[str]:
    """An interpreter of each release of a minor version that is on this machine, oldest first."""
    releases: dict[tuple[int, ...], str] = {}
    for candidate in [*_candidates(version), f"/usr/bin/python{version}"]:
        done = (
            subprocess.run(
                [candidate, "-c", "import platform; print(platform.python_version())"],
                capture_output=True,
                text=True,
                check=False,
            )
            if Path(candidate).exists()
            else None
        )
        if done is not None and done.returncode == 0:
            releases.setdefault(tuple(map(int, done.stdout.split(".")[:3])), candidate)
    return [releases[release] for release in sorted(releases)]


def _candidates(version: str) -> Iterator[str]:
    if found := shutil.which(f"python{version}"):
        yield found
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from map(str, sorted(pyenv.glob(f"versions/{version}.*/bin/python")))
    asked = subprocess.run(
        [find_uv_bin(), "python", "find", "--no-project", version],
        env={**os.environ, "UV_PYTHON_DOWNLOADS": "never"},
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode == 0:
        yield asked.stdout.strip()


@lru_cache
def compiled_parts(python: str) -> str:
    """A folder with the compiled distributions that Wherry imports, for another interpreter; from PyPI."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    wanted = [f"{name}=={metadata.version(name)}" for name in ("deflate", "msgspec")]
    subprocess.run(
        [
            find_uv_bin(),
            "pip",
            "install",
            "--quiet",
            "--python",
            python,
            "--target",
            folder,
            *wanted,
        ],
        check=True,
    )
    return folder


def find_python(version: str) -> str:
    """The path of an interpreter of this minor version; the test is skipped where there is none."""
    found = _find(version)
    if found is None:
        missing(f"there is no Python {version} on this machine")
        raise AssertionError
    return found
