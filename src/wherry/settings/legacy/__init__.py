"""The settings of an older tool in Wherry's terms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import field

from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LEGACY_FILES", "Translation", "filled"]

LEGACY_FILES = ("drover.yml", "drover.yaml", "settings.spindrift")
"""The names that the older tools look for."""


class Translation(Struct, frozen=True, kw_only=True):
    """The settings of an older tool in Wherry's terms.

    Attributes:
        table: ``[tool.wherry]``. Its runtime is that of the file, even if AWS no longer has it: the command
            line may override it.
        where: what messages call the file.
        notes: what to tell the user, each a few lines; the first shows the table as TOML.
        warnings: what the user will probably want to change.
        stages: ``[tool.wherry.stages]``, with the stage of ``drover.yml`` that was chosen: where to deploy, which building does not need.
        distribution: the distribution that ``settings.spindrift`` packages.
    """

    table: Mapping[str, Any]
    where: str
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    stages: Mapping[str, Any] = field(default_factory=dict)
    distribution: str | None = None


def filled(table: Mapping[str, Any]) -> dict[str, Any]:
    """The table without keys that have no value."""
    return {key: value for key, value in table.items() if value not in (None, "", [])}
