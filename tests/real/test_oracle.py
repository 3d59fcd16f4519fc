"""The oracle: what is in the zip is what `uv pip install --no-deps --target` installs from the same lock.

N2: cross-architecture builds without Docker, hashes enforced. A1, B1: exactly the locked versions.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import zipfile
from pathlib import Path, PurePosixPath

import pytest
from uv import find_uv_bin

import wherry

pytestmark = pytest.mark.real

PROJECTS = {
    "flask": ["flask", "pydantic", "cryptography"],
    # The last versions with wheels for the C library of Amazon Linux 2, which python3.11 has.
    "pandas": ["pandas<2.3", "numpy<2.3"],
    "django": ["django", "psycopg[binary]<3.3"],
    "fastapi": ["fastapi", "uvicorn[standard]"],
    "namespaces": [
        "boto3",
        "google-cloud-storage",
        "opentelemetry-sdk",
        "opentelemetry-exporter-otlp",
    ],
    "scripts": ["awscli", "jupyterlab-widgets"],
}
# What uv calls the newest platform that the runtime's C library admits.
PLATFORMS = {
    ("3.11", "x86_64"): "x86_64-manylinux_2_17",
    ("3.11", "arm64"): "aarch64-manylinux_2_17",
    ("3.13", "x86_64"): "x86_64-manylinux_2_34",
    ("3.13", "arm64"): "aarch64-manylinux_2_34",
}


def run_uv(*arguments: str, cwd: Path) -> str:
    env = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    done = subprocess.run(
        [find_uv_bin(), *arguments], cwd=cwd, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module", params=PROJECTS)
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp(request.param) / "project"
    root.mkdir()
    dependencies = ", ".join(f'"{one}"' for one in PROJECTS[request.param])
    (root / "pyproject.toml").write_text(
        f'[project]\nname = "oracle"\nversion = "1"\nrequires-python = ">=3.11"\n'
        f"dependencies = [{dependencies}]\n"
    )
    run_uv("lock", "--quiet", cwd=root)
    run_uv(
        "export", "--frozen", "--quiet", "--no-emit-project", "--no-dev",
        "-o", "../exported.txt", cwd=root,
    )  # fmt: skip
    return root


def is_installers_own(path: str) -> bool:
    """The written list of differences, each of which docs/reference/zip-rules.md explains."""
    name = PurePosixPath(path).name
    parent = PurePosixPath(path).parent.name
    return (
        # What an installer notes about itself and its work.
        (
            parent.endswith(".dist-info")
            and name in {"INSTALLER", "REQUESTED", "RECORD", "uv_cache.json"}
        )
        # Launchers and first lines that name the interpreter of the machine.
        or path.startswith("bin/")
        or path == ".lock"
    )


def digests_of_tree(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file()
    }


def digests_of_zip(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}


@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
@pytest.mark.parametrize("python", ["3.11", "3.13"])
def test_the_zip_holds_what_an_installer_installs(
    project: Path, python: str, architecture: str, tmp_path: Path
) -> None:
    report = wherry.build(
        project,
        runtime=f"python{python}",
        architecture=architecture,
        output=tmp_path / "built.zip",
    )
    target = tmp_path / "installed"
    run_uv(
        "pip", "install", "--quiet", "--no-deps", "--target", str(target), "--only-binary", ":all:",
        "--python-version", python, "--python-platform", PLATFORMS[python, architecture],
        "--require-hashes", "-r", "../exported.txt", cwd=project,
    )  # fmt: skip
    expected = digests_of_tree(target)
    built = digests_of_zip(report.packages[0].path)
    # Lists of what differs, as showing the difference of two sets of thousands takes minutes.
    different = [
        path
        for path in expected
        if not is_installers_own(path) and built.get(path) != expected[path]
    ]
    assert not different[:10]
    unexpected = built.keys() - expected.keys()
    assert not sorted(path for path in unexpected if not is_installers_own(path))[:10]
    # Scripts that a wheel carries are there, whatever their first line says.
    assert {path for path in built if path.startswith("bin/")} <= set(expected)
    # RECORD stays, so that importlib.metadata lists files.
    assert {path for path in built if path.endswith(".dist-info/RECORD")} == {
        path for path in expected if path.endswith(".dist-info/RECORD")
    }
