"""Packages of npm in pinned versions: installed at first use, kept for the next run."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from support.files import alone, cache_folder
from support.interpreters import missing

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["node_modules", "npm_environment"]


def npm_environment() -> dict[str, str]:
    """The environment of ``npm install``: what it fetches is kept for the next run."""
    return {**os.environ, "npm_config_cache": str(cache_folder("tools") / "npm")}


def node_modules(*packages: str) -> Path:
    """The folder ``node_modules`` with these packages; their commands are in its ``.bin``."""
    npm = shutil.which("npm")
    if npm is None:
        missing("npm is not on this machine")
    digest = hashlib.sha256(" ".join(packages).encode()).hexdigest()[:8]
    folder = cache_folder("tools") / f"npm-{packages[0].strip('@').replace('/', '-')}-{digest}"
    done = folder / "complete"
    with alone(folder):
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            (folder / "package.json").write_text("{}")
            quiet = ("--no-audit", "--no-fund", "--no-package-lock", "--silent")
            subprocess.run([str(npm), "install", *quiet, *packages], cwd=folder, check=True)
            done.touch()
    return folder / "node_modules"
