"""pdm-backend: does what its settings say, unless a build hook of the project runs code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wherry.sources.backends.interface import (
    Backend,
    NotHermeticError,
    SourceFiles,
    VersionSource,
    subtable,
    texts,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wherry.sources.declaration import Declaration

__all__ = ["BACKEND"]


def _build_settings(declaration: Declaration) -> Mapping[str, Any]:
    table = declaration.tool("pdm")
    return {key: table[key] for key in ("build", "version") if key in table}


def _require_hermetic(declaration: Declaration, files: SourceFiles) -> VersionSource:
    build = subtable(declaration.tool("pdm"), "build")
    if "pdm_build.py" in files.by_path or "custom-hook" in build or build.get("run-setuptools"):
        raise NotHermeticError("its build hook runs code")
    version = subtable(declaration.tool("pdm"), "version")
    source = version.get("source", "file")
    if source not in {"file", "scm"}:
        raise NotHermeticError(f"the version comes from `{source}`")
    return VersionSource(git=source == "scm", files=frozenset(texts(version)))


def _copies_only(declaration: Declaration) -> bool:
    build = subtable(declaration.tool("pdm"), "build")
    version = subtable(declaration.tool("pdm"), "version")
    return "wheel-data" not in build and not {"write_to", "write_template"} & set(version)


BACKEND = Backend(
    require_hermetic=_require_hermetic,
    build_settings=_build_settings,
    copies_only=_copies_only,
    plugins=frozenset({"pdm-backend"}),
    hooks_are_pure=True,
)
