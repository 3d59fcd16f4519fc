"""hatchling: does what its settings say, unless a hook of the project runs code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.sources.backends.interface import (
    Backend,
    NotHermeticError,
    SourceFiles,
    VersionSource,
    keys,
    texts,
)
from wherry.untrusted import inner_table

if TYPE_CHECKING:
    from wherry.sources.declaration import Declaration

__all__ = ["BACKEND"]

_HOOKS = frozenset({"fancy-pypi-readme", "requirements_txt", "vcs", "version"})
_NOT_PLAIN_COPIES = frozenset(
    ["hooks", "force-include", "shared-data", "shared-scripts", "extra-metadata", "sbom-files"]
)


def _require_hermetic(declaration: Declaration, files: SourceFiles) -> VersionSource:
    if "hatch.toml" in files.by_path:
        raise NotHermeticError("hatch.toml changes how it is built")
    table = declaration.tool("hatch")
    hooks = [
        *inner_table(table, "build", "hooks"),
        *inner_table(table, "build", "targets", "wheel", "hooks"),
        *inner_table(table, "metadata", "hooks"),
    ]
    for hook in hooks:
        if hook not in _HOOKS:
            raise NotHermeticError(f"the hook `{hook}` runs code")
    version = inner_table(table, "version")
    source = version.get("source", "regex")
    if source not in {"regex", "vcs"}:
        raise NotHermeticError(f"the version comes from `{source}`")
    return VersionSource(git=source == "vcs" or "vcs" in hooks, files=frozenset(texts(version)))


def _copies_only(declaration: Declaration) -> bool:
    build = declaration.tool("hatch", "build")
    wheel = inner_table(build, "targets", "wheel")
    renames = any(isinstance(table.get("sources"), dict) for table in (build, wheel))
    return not renames and not keys(build) & _NOT_PLAIN_COPIES


BACKEND = Backend(
    plugins=frozenset({"hatch-fancy-pypi-readme", "hatch-requirements-txt", "hatchling"}),
    git_plugins=frozenset({"hatch-vcs", "setuptools-scm", "vcs-versioning"}),
    tool="hatch",
    other_settings=frozenset({"envs", "publish"}),
    require_hermetic=_require_hermetic,
    copies_only=_copies_only,
    hooks_are_pure=True,
)
