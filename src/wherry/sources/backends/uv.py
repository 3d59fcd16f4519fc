"""uv_build: does what its settings say, and runs no code of the project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wherry.sources.backends.interface import Backend, SourceFiles, VersionSource, subtable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wherry.sources.declaration import Declaration

__all__ = ["BACKEND"]


def _build_settings(declaration: Declaration) -> Mapping[str, Any]:
    return subtable(declaration.tool("uv"), "build-backend")


def _require_hermetic(declaration: Declaration, files: SourceFiles) -> VersionSource:
    del declaration, files
    return VersionSource()


def _copies_only(declaration: Declaration) -> bool:
    return "data" not in subtable(declaration.tool("uv"), "build-backend")


BACKEND = Backend(
    require_hermetic=_require_hermetic,
    build_settings=_build_settings,
    copies_only=_copies_only,
    plugins=frozenset({"uv-build"}),
    hooks_are_pure=True,
)
