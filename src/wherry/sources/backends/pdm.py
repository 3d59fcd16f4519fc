"""pdm-backend: does what its settings say, unless a build hook of the project runs code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.sources.backends.interface import (
    Backend,
    NotHermeticError,
    SourceFiles,
    VersionSource,
    texts,
)

if TYPE_CHECKING:
    from wherry.sources.declaration import Declaration

__all__ = ["BACKEND"]


def _require_hermetic(declaration: Declaration, files: SourceFiles) -> VersionSource:
    build = declaration.tool("pdm", "build")
    if "pdm_build.py" in files.by_path or "custom-hook" in build or build.get("run-setuptools"):
        raise NotHermeticError("its build hook runs code")
    version = declaration.tool("pdm", "version")
    source = version.get("source", "file")
    if source not in {"file", "scm"}:
        raise NotHermeticError(f"the version comes from `{source}`")
    return VersionSource(git=source == "scm", files=frozenset(texts(version)))


def _copies_only(declaration: Declaration) -> bool:
    build = declaration.tool("pdm", "build")
    version = declaration.tool("pdm", "version")
    return "wheel-data" not in build and not {"write_to", "write_template"} & set(version)


BACKEND = Backend(
    plugins=frozenset({"pdm-backend"}),
    tool="pdm",
    settings=frozenset({"build", "version"}),
    require_hermetic=_require_hermetic,
    copies_only=_copies_only,
    hooks_are_pure=True,
)
