"""Checking that a package has the object of a reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.errors import SettingsError
from wherry.nearest import did_you_mean, suggestion

if TYPE_CHECKING:
    from wherry.shims.package import Package
    from wherry.shims.reference import Reference

__all__ = ["check_exists"]


def check_exists(reference: Reference, package: Package, *, key: str, text: str) -> None:
    """Require that the module exists and has the name; what cannot be determined is accepted.

    Args:
        reference: the reference.
        package: the package.
        key: the setting, ``app`` or ``handler``.
        text: the value of the setting.

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
            hint=f'write {key} = "{module.name}.{first}{separator}{key}", or its name there',
        )
    names = [name for name in bindings.names if not name.startswith("__")]
    raise SettingsError(
        f"the module `{module.name}` has no `{first}`",
        where=[f'{key} = "{text}"', _listing(names)],
        hint=did_you_mean(first, known=names),
    )


def _near_module(name: str, package: Package, key: str) -> str:
    modules = package.modules()
    # People write the path of the file in the repository, or omit the package.
    similar = [
        module for module in modules if name.endswith(f".{module}") or module.endswith(f".{name}")
    ]
    hint = suggestion([min(similar, key=len)]) if similar else did_you_mean(name, known=modules)
    return hint or f"the {key} names a module as it is imported on Lambda"


def _listing(names: list[str]) -> str:
    if not names:
        return "it defines nothing"
    shown = ", ".join(f"`{name}`" for name in names[:12])
    return f"it has {shown}" + (f" and {len(names) - 12} more" if len(names) > 12 else "")
