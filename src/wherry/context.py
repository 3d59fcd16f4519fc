"""The context of a run: what every step of it needs, made once and passed as one value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import field

from wherry.builders import NO_BUILDERS, Builders, BuildRules
from wherry.events import SILENT, Reporter
from wherry.files import ProjectFiles
from wherry.indexes.network import Network
from wherry.structs import Struct

if TYPE_CHECKING:
    from wherry.store import Store
    from wherry.target import Target

__all__ = ["Context"]


class Context(Struct, frozen=True, kw_only=True):
    """The context that every step of a run needs.

    Attributes:
        network: how indexes are reached, and whether they may be; by default as the environment says.
        builders: make wheels of source trees; by default nothing does.
        files: read the files that describe the project.
        build_rules: limit the environments that wheels are built in; by default not at all.
    """

    target: Target
    store: Store
    network: Network = field(default_factory=Network)
    reporter: Reporter = SILENT
    builders: Builders = NO_BUILDERS
    files: ProjectFiles = field(default_factory=ProjectFiles)
    build_rules: BuildRules = field(default_factory=BuildRules)

    @property
    def offline(self) -> bool:
        """Whether no network may be used."""
        return self.network.offline
