"""The settings of an older tool in Wherry's terms."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Translation"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Translation:
    """The settings of an older tool in Wherry's terms.

    Attributes:
        table: ``[tool.wherry]``. Its runtime is that of the file, even if AWS no longer has it: the command
            line may override it.
        kind: the tool: ``drover`` or ``spindrift``.
        where: what messages call the file.
        notes: what to tell the user, each a few lines; the first shows the table as TOML.
        stage: the stage of ``drover.yml`` that was chosen.
        stages: ``[tool.wherry.stages]``: where to deploy, which building does not need.
        distribution: the distribution that ``settings.spindrift`` packages.
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
