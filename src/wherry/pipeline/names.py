"""The names of functions and layers that a user gives, where a path was given instead."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wherry.errors import SettingsError
from wherry.lock.formats import format_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

__all__ = ["refuse_paths"]


def refuse_paths(names: Iterable[str], *, known: Collection[str]) -> None:
    """Refuse the path of a project, a lock or a module in place of the name of a function or layer.

    Raises:
        SettingsError: a name is a path; the hint has the option that takes it.
    """
    for name in names:
        path = Path(name)
        if name in known or not path.exists():
            continue
        if path.is_dir():
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
