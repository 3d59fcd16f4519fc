"""Folders of the project with distributions that the packages have anyway: what an installer or Wherry has left there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wherry.bundle.patterns import compile_patterns
from wherry.events import Warned

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from wherry.compose.model import Composition

__all__ = ["check_copies"]

_SHOWN = 3
_METADATA = re.compile(r"(?P<folder>.+)/(?P<name>[^/]+?)-[^/-]+\.dist-info/METADATA")
_SEARCHED = re.compile(r"^python/(?:lib/[^/]+/site-packages/)?")


def check_copies(
    composition: Composition, owners: Collection[str], patterns: Sequence[str]
) -> Iterator[Warned]:
    """Look for distributions among the files of the project: a warning for each folder that holds some twice.

    Args:
        composition: all packages.
        owners: the names of the project and of other folders that were packaged.
        patterns: gitignore patterns of files that the settings name.

    Raises:
        SettingsError: a pattern is wrong.
    """
    compiled = compile_patterns(patterns, where="`include`")
    installed = {
        one.name for package in composition.packages for one in package.distributions if not one.own
    }
    folders: dict[str, dict[str, None]] = {}
    for package in composition.packages if installed else ():
        for entry in package.bundle:
            if entry.owner not in owners or not entry.path.endswith(".dist-info/METADATA"):
                continue
            path = _SEARCHED.sub("", entry.path) if package.kind == "layer" else entry.path
            match = _METADATA.fullmatch(path)
            if match is None:
                continue
            if compiled is not None and compiled.names(f"{match['folder']}/"):
                continue
            from packaging.utils import canonicalize_name

            name = canonicalize_name(match["name"])
            if name in installed:
                folders.setdefault(match["folder"], {}).setdefault(name)
    for folder, names in folders.items():
        listed = ", ".join(f"`{name}`" for name in list(names)[:_SHOWN])
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        yield Warned(
            text=f"`{folder}/` ships with the project, and holds what is installed anyway: {listed}{more}",
            hint=f'leave it out: exclude = ["/{folder}/"]',
        )
