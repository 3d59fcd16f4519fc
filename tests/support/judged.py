"""Distributions of PyPI as a function: installed into a folder, and what Wherry's checks find in it."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from uv import find_uv_bin

import wherry

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from wherry.checks.model import Finding
    from wherry.store import Store

__all__ = ["VERSION", "findings_of", "install", "normalized"]

VERSION = "3.13"


def normalized(name: str) -> str:
    return name.replace("_", "-").replace(".", "-").lower()


def install(
    folder: Path,
    names: Iterable[str],
    *,
    platform: str = "x86_64-manylinux_2_34",
    version: str = VERSION,
) -> Path:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    command = [find_uv_bin(), "pip", "install", "--quiet", "--target", str(folder)]
    options = ["--python-version", version, "--python-platform", platform, "--only-binary", ":all:"]
    subprocess.run([*command, *options, *names], check=True, env=environment)
    return folder


def findings_of(
    function: Path, archive: Path, store: Store, version: str = VERSION
) -> tuple[Finding, ...]:
    """The errors in the zip archive that ``zip -r`` makes of a function."""
    subprocess.run(["zip", "-qr0", str(archive), "."], cwd=function, check=True)
    report = wherry.check(
        files=[archive],
        handler="app.handler",
        runtime=f"python{version}",
        architecture="x86_64",
        # That all of them together are too big is no matter here.
        ignore=["SIZE"],
        store=store,
    )
    archive.unlink()
    return tuple(each for each in report.findings if each.severity == "error")
