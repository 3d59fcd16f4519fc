"""Building wheels in a container: all that need it in one run, from files alone."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wherry.sources.container_run import ContainerRun

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wherry.builders import Source
    from wherry.bundle.canonical import Canonical
    from wherry.containers.exchange import Container
    from wherry.errors import BuildError
    from wherry.sources.container_wheels import ContainerWheels

__all__ = ["ContainerBuilder"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerBuilder:
    """A ``wherry.builders.WheelBuilder`` that builds in a container.

    Attributes:
        container: gives the container to run, with an image that the engine has.
        wheels: the wheels that were made before.
    """

    container: Callable[[], Container]
    wheels: ContainerWheels

    def recall(self, source: Source) -> Canonical | None:
        """The wheel of an earlier build, as far as it can be told without building."""
        key = self.wheels.known_key(source)
        return None if key is None else self.wheels.recall(key)

    def build(self, sources: Sequence[Source]) -> list[Canonical | BuildError]:
        """The wheel of each tree, or why there is none, of one run of a container.

        Raises:
            ContainerError: no container can be run.
            FetchError, StoreError, ToolError: as the functions that do the work raise.
        """
        container = self.container()
        with tempfile.TemporaryDirectory(
            prefix="wherry-container-", ignore_cleanup_errors=True
        ) as name:
            run = ContainerRun(self.wheels, container, Path(name))
            for source in sources:
                run.take(source)
            return run.results()
