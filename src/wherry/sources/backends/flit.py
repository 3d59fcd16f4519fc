"""flit_core: reads the version and the summary from the module, which it runs if the text does not tell them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.sources.backends.interface import (
    Backend,
    NotHermeticError,
    SourceFiles,
    VersionSource,
)
from wherry.untrusted import inner_table

if TYPE_CHECKING:
    from wherry.sources.declaration import Declaration

__all__ = ["BACKEND"]


def _metadata_paths(declaration: Declaration, setup_cfg: str) -> tuple[str, ...]:
    del setup_cfg
    table = declaration.tool("flit")
    legacy = inner_table(table, "metadata")
    if declaration.project and not declaration.dynamic and not legacy:
        return ()
    name = (
        inner_table(table, "module").get("name")
        or legacy.get("module")
        or str(declaration.project.get("name", "")).replace("-", "_")
    )
    stem = str(name).replace(".", "/")
    return tuple(f"{lead}{stem}{tail}" for lead in ("", "src/") for tail in (".py", "/__init__.py"))


def _require_hermetic(declaration: Declaration, files: SourceFiles) -> VersionSource:
    from wherry.sources.static import assigns_text, has_docstring

    places = _metadata_paths(declaration, "")
    if not places:
        return VersionSource()
    found = [place for place in places if place in files.by_path]
    if len(found) != 1:
        raise NotHermeticError("the version comes from a module that was not found")
    source = files.read(found[0])
    if not (assigns_text(source, "__version__") and has_docstring(source)):
        raise NotHermeticError(f"the version comes from running `{found[0]}`")
    return VersionSource(files=frozenset(found))


BACKEND = Backend(
    plugins=frozenset({"flit-core"}),
    tool="flit",
    require_hermetic=_require_hermetic,
    copies_only=lambda declaration: "external-data" not in declaration.tool("flit"),
    metadata_paths=_metadata_paths,
    hooks_are_pure=True,
)
