"""The virtual environment that Chalice and Zappa package: its Python is the runtime, and the tool's own version ships."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from wherry.files import open_regular
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ToolEnvironment", "environment_with"]

_FOLDERS = (".venv", "venv", "env")
_VERSION = re.compile(r"(\d+(?:\.\d+){1,3}(?:(?:a|b|rc|\.post)\d+)?)\.dist-info")


class ToolEnvironment(Struct, frozen=True, kw_only=True):
    """A virtual environment that has a tool: its Python, with AWS's name of the runtime, and the tool's version."""

    runtime: str
    version: str


def environment_with(tool: str, root: Path) -> ToolEnvironment | None:
    """The virtual environment that has a distribution: the active one, or else one in the project; None if there is none."""
    for folder in _folders(root):
        for place in ("lib/python3.*/site-packages", "Lib/site-packages"):
            for found in folder.glob(f"{place}/{tool}-*.dist-info"):
                version = _VERSION.fullmatch(found.name[len(tool) + 1 :])
                python = re.fullmatch(r"python3\.\d+", found.parents[1].name)
                runtime = python[0] if python else _configured(folder)
                if version and runtime:
                    return ToolEnvironment(runtime=runtime, version=version[1])
    return None


def _folders(root: Path) -> Iterator[Path]:
    if active := os.environ.get("VIRTUAL_ENV"):
        yield Path(active)
    yield from (root / name for name in _FOLDERS)


def _configured(folder: Path) -> str | None:
    """The Python that ``pyvenv.cfg`` names: on Windows no folder has its version."""
    try:
        with open_regular(folder / "pyvenv.cfg") as file:
            text = file.read(10_000).decode("utf-8", "replace")
    except OSError:
        return None
    found = re.search(r"(?m)^version(?:_info)?\s*=\s*(3\.\d+)", text)
    return f"python{found[1]}" if found else None
