"""What is to be run: the written zips of a function and its layers, and how to call it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from wherry.bundle.bundle import Bundle
    from wherry.target import Target

__all__ = ["Runnable"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Runnable:
    """A function as it was written.

    Attributes:
        name: of the function.
        target: what it was built for.
        handler: ``module.function``, as AWS means it.
        function: its deployment package.
        layers: the zips of its layers, in order; later ones overwrite earlier ones.
        runtime_bundle: distributions that the runtime provides, such as boto3. They come after the function's
            own code and its layers on ``sys.path``.
        environment: variables of the function's own.
    """

    name: str
    target: Target
    handler: str
    function: Path
    layers: tuple[Path, ...] = ()
    runtime_bundle: Bundle | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
