"""poetry-core: does what its settings say, unless a build script runs code; leaves out what git ignores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.sources.backends.interface import (
    Backend,
    NotHermeticError,
    SourceFiles,
    VersionSource,
    keys,
)

if TYPE_CHECKING:
    from wherry.sources.declaration import Declaration

__all__ = ["BACKEND"]


def _require_hermetic(declaration: Declaration, files: SourceFiles) -> VersionSource:
    del files
    if declaration.tool("poetry").get("build"):
        raise NotHermeticError("tool.poetry.build runs code")
    return VersionSource()


def _copies_only(declaration: Declaration) -> bool:
    table = declaration.tool("poetry")
    return "to" not in keys(table.get("packages", [])) and "from" not in keys(
        table.get("include", [])
    )


BACKEND = Backend(
    plugins=frozenset({"poetry-core"}),
    tool="poetry",
    other_settings=frozenset(
        {"dependencies", "dev-dependencies", "group", "source", "extras", "urls"}
    ),
    require_hermetic=_require_hermetic,
    copies_only=_copies_only,
    hooks_are_pure=True,
    omits_ignored_files=True,
)
