"""The AWS CDK for Python, in an environment of its own with this checkout of Wherry."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support.tools import tool

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CLI", "ROOT", "cdk_environment", "cdk_python", "run_app"]

ROOT = Path(__file__).parents[2]
CLI = (
    "aws-cdk@2.1148.1",
    "aws-cdk-lib@2.276.0",
    "constructs@10",
    "typescript@5",
    "@types/node@20",
)
"""The packages of npm for the command line, and for applications in TypeScript."""
_SCENARIOS = Path(__file__).with_name("cdk_scenarios.py")


def cdk_python() -> Path:
    """An interpreter that imports ``aws_cdk``."""
    return tool("cdk")


def cdk_environment(store: Path, **env: str) -> dict[str, str]:
    """The environment of an application, in which there is no container engine on PATH."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("UV_", "PIP_", "WHERRY_", "DOCKER", "CDK_"))
    }
    return {
        **inherited,
        "PATH": str(_commands(store.parent / "commands")),
        "PYTHONPATH": str(ROOT / "src"),
        "WHERRY_CACHE_DIR": str(store),
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1",
        **env,
    }


def _commands(folder: Path) -> Path:
    """A folder with the commands that an application needs, and with no container engine."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("node", "sh", "rm", "git"):
        found = shutil.which(name)
        if found is not None and not (folder / name).exists():
            (folder / name).symlink_to(found)
    return folder


def run_app(
    given: Mapping[str, Any], *, cwd: Path, store: Path, umask: int = -1, **env: str
) -> dict[str, Any]:
    """Run the scenarios that are named, in one process; what each found out, by its name."""
    given_file, result = cwd / "given.json", cwd / "result.json"
    given_file.write_text(json.dumps(given))
    done = subprocess.run(
        [cdk_python(), _SCENARIOS, given_file, result],
        cwd=cwd,
        env=cdk_environment(store, **env),
        umask=umask,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(result.read_text())
    # For who looks for secrets in it.
    (cwd / "said.txt").write_text(done.stdout + done.stderr)
    return found
