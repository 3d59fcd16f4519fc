"""The variables that the settings give to containers and to the making of images."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from wherry.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wherry.settings.container_options import Value

__all__ = ["values"]


def values(variables: Mapping[str, Value], *, what: str) -> dict[str, str]:
    """The variables with their values; those that are taken from Wherry's environment are left out where it has none.

    Args:
        variables: the variables of a setting.
        what: the name of the setting.

    Raises:
        SettingsError: a secret is not there.
    """
    found = {}
    for name, value in variables.items():
        if isinstance(value, str):
            found[name] = value
        elif value and name in os.environ:
            found[name] = os.environ[name]
        elif value and what == "build-secrets":
            raise SettingsError(
                f"the variable `{name}` is not set",
                where=[f"`{what}` of [tool.wherry.container] names it"],
            )
    return found
