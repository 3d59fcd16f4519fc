"""Whether the package has the object that a reference means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wherry.shims.package import Package
    from wherry.shims.reference import Reference

__all__ = ["check_exists"]


def check_exists(reference: Reference, package: Package, *, key: str, text: str) -> None:
    """See that the module is there and has a name like that; what cannot be told is accepted.

    Args:
        reference: what is meant.
        package: where it has to be.
        key: the setting, ``app`` or ``handler``.
        text: what is written there.

    Raises:
        SettingsError: the module is not in the package, or the name not in the module.
    """
    from wherry.shims.bindings import read_bindings

    module = package.find(reference.module)
    if module is None:
        if not package.complete:
            return
        raise SettingsError(
            f"the {key}'s module `{reference.module}` is not in the package",
            where=[f'{key} = "{text}"'],
            hint=_near_module(reference.module, package, key),
        )
    first = reference.attribute.partition(".")[0]
    bindings = read_bindings(module)
    if first in bindings.names or bindings.open or bindings.stars:
        return
    if module.is_package and package.find(f"{module.name}.{first}") is not None:
        separator = ":" if key == "app" else "."
        raise SettingsError(
            f"`{module.name}.{first}` is a module, and the {key} an object in one",
            where=[f'{key} = "{text}"'],
            hint=f'write {key} = "{module.name}.{first}{separator}{key}", or what it is called there',
        )
    names = [name for name in bindings.names if not name.startswith("__")]
    raise SettingsError(
        f"the module `{module.name}` has no `{first}`",
        where=[f'{key} = "{text}"', _listing(names)],
        hint=_nearest(first, names),
    )


def _near_module(name: str, package: Package, key: str) -> str:
    modules = package.modules()
    # People write the path of the file in the repository, or leave the package out.
    alike = [each for each in modules if name.endswith(f".{each}") or each.endswith(f".{name}")]
    meant = f"did you mean `{min(alike, key=len)}`?" if alike else _nearest(name, modules)
    return meant or f"the {key} names a module as it is imported on Lambda"


def _nearest(name: str, names: Iterable[str]) -> str | None:
    from difflib import get_close_matches

    matches = get_close_matches(name, list(names), n=1)
    return f"did you mean `{matches[0]}`?" if matches else None


def _listing(names: list[str]) -> str:
    if not names:
        return "it defines nothing"
    shown = ", ".join(f"`{name}`" for name in names[:12])
    return f"it has {shown}" + (f" and {len(names) - 12} more" if len(names) > 12 else "")
