"""The names of functions and layers: those that packages get, and those that a user gives."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from wherry.errors import SettingsError
from wherry.lock.formats import format_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wherry.compose.recipe import Recipe
    from wherry.files import ProjectFiles
    from wherry.pipeline.acquired import Acquired

__all__ = ["refuse_paths", "with_name"]


def with_name(
    recipe: Recipe, acquired: Iterable[Acquired], root: Path, files: ProjectFiles
) -> Recipe:
    """The recipe; one without settings is called after the workspace member that is packaged.

    Args:
        recipe: of the package.
        acquired: what it chooses from, its own code among it.
        root: the project's folder.
        files: read the member.
    """
    from wherry.settings.project import read_project

    own = next((one.folder for one in acquired if one.own), root)
    if not recipe.implicit or own == root:
        return recipe
    return replace(recipe, name=read_project(own, files=files).name)


def refuse_paths(names: Iterable[str], *, known: Mapping[str, str | None]) -> None:
    """Refuse the path of a project, a lock or a module in place of the name of a function or layer.

    Args:
        names: the names that were given.
        known: the folders of functions and layers that have one of their own, by the names of all.

    Raises:
        SettingsError: a name is a path; the hint has the option that takes it.
    """
    for name in names:
        path = Path(name)
        if name in known or not path.exists():
            continue
        owners = [owner for owner, root in known.items() if root == path.as_posix()]
        if owners:
            hint = f"it is the folder of `{owners[0]}`: `wherry build {owners[0]}`"
        elif path.is_dir():
            hint = f"build the project in that folder with `--project {name}`"
        elif path.suffix == ".py":
            hint = f"name a function of it with `--handler {name.removesuffix('.py')}.FUNCTION`"
        elif format_of(path.name) is not None:
            hint = f"read that lock with `--lock {name}`"
        else:
            continue
        raise SettingsError(
            f"there is no function or layer `{name}`",
            where=[f"it is a {'folder' if path.is_dir() else 'file'}"],
            hint=hint,
        )
