"""Folders that are no packages, although their ``pyproject.toml`` names a build system, as those of functions often do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.files import ProjectFiles
from wherry.settings.init.shipped import finds_no_module, wheel_places
from wherry.sources.declaration import read_declaration

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ships_as_it_is"]


def ships_as_it_is(root: Path, index: str | None) -> bool:
    """Whether the files of a folder ship as they are: a wheel of it would not have the handler, or cannot be built.

    Args:
        root: the folder.
        index: the path of the module with the handler in it; None for a layer.

    Raises:
        ProjectError: ``pyproject.toml`` cannot be read.
        BuildError: its ``[build-system]`` is wrong.
    """
    if not (root / "pyproject.toml").is_file():
        return False
    declaration = read_declaration(root, ProjectFiles())
    if declaration.backend is None:
        return False
    if finds_no_module(root, declaration.document):
        return True
    index = None if index is None else index.replace("\\", "/").removeprefix("./")
    places = [path for path, _ in wheel_places(root, declaration.document)]
    return (
        index is not None
        and bool(places)
        and not any(place in {"", index} or index.startswith(f"{place}/") for place in places)
    )
