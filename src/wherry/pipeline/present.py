"""The settings that packages already have, of those that suggestions may propose."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from wherry.inspect.saving import Present

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wherry.pipeline.request import BuildRequest

__all__ = ["present_settings"]


def present_settings(request: BuildRequest) -> Mapping[str, Present]:
    """The settings of each package that is built, by its name."""
    settings = request.settings
    built = {recipe.name for recipe in request.recipes}
    found = {}
    for recipe in request.recipes:
        own = recipe.settings
        table = f"{recipe.kind}s.{_key(recipe.name)}"
        bytecode = settings.chosen("bytecode", own)
        found[recipe.name] = Present(
            table="tool.wherry" if recipe.implicit else f"tool.wherry.{table}",
            prefix=f"{table}." if recipe.implicit else "",
            lists={
                "slim": settings.chosen("slim", own),
                "strip": settings.chosen("strip", own),
                "botocore-services": settings.chosen("botocore_services", own),
                "bytecode": () if bytecode == "off" else (bytecode,),
                "provided": settings.provided if recipe.implicit else own.provided,
                "exclude": own.exclude,
                "exclude-files": own.exclude_files,
            },
            complete=all(
                name in built
                for name, function in settings.functions.items()
                if recipe.name in function.layers
            ),
        )
    return found


def _key(name: str) -> str:
    """A key of TOML."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name)
