"""Packages of Debian that tests run against."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping

from support.interpreters import missing

__all__ = ["install_packages"]


def install_packages(commands: Mapping[str, str]) -> None:
    """Install the packages of which the command is not there."""
    packages = [package for package, command in commands.items() if shutil.which(command) is None]
    if not packages:
        return
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        missing(f"{', '.join(packages)} cannot be installed without apt-get and root")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *packages]
    done = subprocess.run(install, env=environment, capture_output=True, check=False)
    if done.returncode != 0:
        subprocess.run(
            ["apt-get", "update", "--quiet"],
            env=environment,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        subprocess.run(install, env=environment, stdout=subprocess.DEVNULL, check=True)
