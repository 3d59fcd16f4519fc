"""poetry-core: does what its settings say, unless a build script runs code; leaves out what git ignores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wherry.sources.backends.interface import (
    Backend,
    NotHermeticError,
    SourceFiles,
    VersionSource,
    keys,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wherry.sources.declaration import Declaration


__all__ = ["BACKEND"]

_OTHER_SETTINGS = frozenset(
    {"dependencies", "dev-dependencies", "group", "source", "extras", "urls"}
)


def _build_settings(declaration: Declaration) -> Mapping[str, Any]:
    table = declaration.tool("poetry")
    return {key: value for key, value in table.items() if key not in _OTHER_SETTINGS}


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
    require_hermetic=_require_hermetic,
    build_settings=_build_settings,
    copies_only=_copies_only,
    plugins=frozenset({"poetry-core"}),
    hooks_are_pure=True,
    omits_ignored_files=True,
)
