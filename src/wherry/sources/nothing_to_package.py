"""The hint for a project in which its build backend finds no package."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wherry.sources.declaration import Declaration

__all__ = ["folder_hint"]

# What backends say when the folder is not laid out as a package: poetry-core and flit, setuptools, hatchling, uv.
_FOUND_NONE = re.compile(
    r"No file/folder found for (?:package|module)|discovered in a flat-layout"
    r"|Unable to determine which files to ship|Expected a Python module"
)
_SETTINGS = {"poetry": ("poetry", "package-mode"), "pdm": ("pdm", "distribution")}


def folder_hint(output: str, declaration: Declaration) -> str | None:
    """The setting that ships the project's folder as it is; None if the backend failed for another reason."""
    if not _FOUND_NONE.search(output):
        return None
    backend = (declaration.backend or "").partition(".")[0]
    tool, key = _SETTINGS.get(backend, ("uv", "package"))
    return (
        "to ship the folder as it is, without building it, say that it is no package: "
        f"`{key} = false` in [tool.{tool}] of `pyproject.toml`"
    )
