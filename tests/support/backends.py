"""Build backends that need no PyPI: hatchling out of the development environment, and one that does as told."""

from __future__ import annotations

import io
import json
import zipfile
from importlib.metadata import distribution
from typing import TYPE_CHECKING

from support.projects import write_files
from support.wheels import Made

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["HATCHLING", "OBEDIENT_BACKEND", "installed_wheel", "obedient_project"]

HATCHLING = ("hatchling", "packaging", "pathspec", "pluggy", "tomlkit", "trove-classifiers")
"""Hatchling and what it needs."""


def installed_wheel(name: str) -> Made:
    """The wheel that a distribution of this environment was installed from, made again."""
    installed = distribution(name)
    folder = installed.metadata["Name"].replace("-", "_").lower()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in installed.files or ():
            if ".." not in path.parts and path.suffix != ".pyc":
                archive.writestr(str(path), path.read_binary())
    return Made(filename=f"{folder}-{installed.version}-py3-none-any.whl", data=buffer.getvalue())


OBEDIENT_BACKEND = '''\
"""A build backend that makes the wheel that `wheel.json` describes, and counts how often it is asked."""
import base64, json, pathlib, sys, zipfile

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    told = json.loads(pathlib.Path("wheel.json").read_text())
    print(told["say"])
    if told["fail"]:
        sys.exit(told["fail"])
    with zipfile.ZipFile(pathlib.Path(wheel_directory, told["filename"]), "w", zipfile.ZIP_DEFLATED) as wheel:
        for path, content in told["files"].items():
            wheel.writestr(path, base64.b64decode(content))
    return told["filename"]
'''


def obedient_project(
    root: Path,
    *,
    files: Mapping[str, bytes],
    name: str = "shop",
    version: str = "1.0",
    tag: str = "py3-none-any",
    metadata: bytes | None = None,
    say: str = "building",
    fail: int = 0,
    sources: Mapping[str, str | bytes] | None = None,
) -> Path:
    """A project whose backend makes a wheel of these files, at the paths they have in the wheel."""
    import base64

    info = f"{name}-{version}.dist-info"
    pure = "true" if tag.endswith("-any") else "false"
    described = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
    wheel = (
        f"Wheel-Version: 1.0\nGenerator: obedient (1.2.3)\nRoot-Is-Purelib: {pure}\nTag: {tag}\n"
    )
    members = {
        **files,
        f"{info}/METADATA": described if metadata is None else metadata,
        f"{info}/WHEEL": wheel.encode(),
        f"{info}/RECORD": b"",
    }
    told = {
        "filename": f"{name}-{version}-{tag}.whl",
        "files": {path: base64.b64encode(data).decode() for path, data in members.items()},
        "say": say,
        "fail": fail,
    }
    return write_files(
        root,
        {
            "pyproject.toml": (
                '[build-system]\nrequires = []\nbuild-backend = "obedient"\nbackend-path = ["."]\n\n'
                f'[project]\nname = "{name}"\nversion = "{version}"\n'
            ),
            "obedient.py": OBEDIENT_BACKEND,
            "wheel.json": json.dumps(told),
            **(sources or {}),
        },
    )
