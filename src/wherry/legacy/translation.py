"""What becomes of an older tool's settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Translation"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Translation:
    """An older tool's settings, in Wherry's terms.

    Attributes:
        table: ``[tool.wherry]``. A runtime is carried as the file has it, even one that AWS has no more:
            what the user asks for on the command line goes before it.
        kind: whose settings they are: ``drover`` or ``spindrift``.
        where: what messages call the file.
        notes: what the user should know, each a few lines; the first shows the table as TOML.
        stage: the stage of ``drover.yml`` that was chosen.
        stages: ``[tool.wherry.stages]``: where to deploy. Nothing of it is needed for building.
        distribution: the distribution that ``settings.spindrift`` wants packaged.
        install_path: the installed folder that was named.
    """

    table: Mapping[str, Any]
    kind: str
    where: str
    notes: tuple[str, ...] = ()
    stage: str | None = None
    stages: Mapping[str, Any] = field(default_factory=dict)
    distribution: str | None = None
    install_path: str | None = None
