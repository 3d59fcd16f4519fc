"""The names in a project's settings, for people who type them: nothing is checked, and nothing is an error."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from wherry.errors import WherryError
from wherry.files import ProjectFiles
from wherry.settings.source import named_source, own_source, read_toml
from wherry.structs import Struct
from wherry.untrusted import inner_string, inner_table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["ProjectNames", "project_names"]

# Bash puts a completion on the line as it is: `;` or `$(…)` from somebody's settings would be commands there.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


class ProjectNames(Struct, frozen=True, kw_only=True):
    """Names in the settings, in the order in which they are written, and in what the project declares."""

    functions: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()


def project_names(root: Path, *, config: Path | None = None) -> ProjectNames:
    """The names of the functions, layers, stages, groups and extras of a project; none if its settings cannot be read."""
    files = ProjectFiles()
    document: Mapping[str, Any] = {}
    with suppress(WherryError):
        document = read_toml(root / "pyproject.toml", files)
    try:
        if config is None:
            source = own_source(root, document, files)
        else:
            source = named_source(config, files, stage=None, install_path=None, name=None)
    except (WherryError, OSError):
        return ProjectNames()
    table = source.table if isinstance(source.table, dict) else {}
    kinds = {kind: tuple(inner_table(table, kind)) for kind in ("functions", "layers", "stages")}
    poetry = inner_table(document, "tool", "poetry")
    kinds["groups"] = (*inner_table(document, "dependency-groups"), *inner_table(poetry, "group"))
    declared = inner_table(document, "project", "optional-dependencies")
    kinds["extras"] = (*declared, *inner_table(poetry, "extras"))
    if not kinds["functions"] and not kinds["layers"]:
        # The one function of a project without settings has the name of the project.
        own = inner_string(table, "name") or inner_string(document, "project", "name")
        kinds["functions"] = (own,) if own else ()
    plain = {kind: tuple(filter(_NAME.fullmatch, names)) for kind, names in kinds.items()}
    return ProjectNames(**plain)
