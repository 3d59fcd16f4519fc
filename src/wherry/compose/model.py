"""What is composed: distributions in, packages out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wherry.bundle.algebra import Bundle
    from wherry.events import Event
    from wherry.target import Target

__all__ = ["EXTRA_PATHS", "HOOKS", "Composition", "Distribution", "Package", "Saving"]

EXTRA_PATHS = "extra-paths"
"""The owner of files that a package's ``extra-paths`` name."""

HOOKS = "hooks"
"""The owner of files that commands of the user's own have made."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Distribution:
    """A distribution, or the project itself, and what it puts into a package.

    Attributes:
        name: normalized, as PEP 503 has it.
        version: None for what has no metadata.
        bundle: its files, owned by ``name``.
        own: whether it is the project's own code.
    """

    name: str
    version: str | None
    bundle: Bundle
    own: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Saving:
    """What was left out of a package's compiled files: in how many, bytes in the zip and unzipped."""

    files: int = 0
    size: int = 0
    unzipped_size: int = 0


@dataclass(frozen=True, kw_only=True)
class Package:
    """A function's deployment package or a layer, unwritten.

    Attributes:
        name: of the function or layer.
        kind: ``function`` or ``layer``.
        bundle: its files, as they will lie in the zip archive.
        distributions: what they come from, the project's own code among it.
        handler: of a function, as AWS means it, where one is said.
        layers: of a function, the names or ARNs of its layers in the order in which Lambda unpacks them.
        runtimes: the names of the runtimes it is for.
        architectures: the names of the architectures it is for.
        provided: what the runtime is trusted to have instead.
        saving: what stripping it has saved.
    """

    name: str
    kind: str
    bundle: Bundle
    distributions: tuple[Distribution, ...]
    handler: str | None = None
    layers: tuple[str, ...] = ()
    runtimes: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    provided: tuple[Distribution, ...] = ()
    saving: Saving = Saving()

    @cached_property
    def unzipped_size(self) -> int:
        """Bytes of all its files, as AWS counts them against the quota."""
        return self.bundle.unzipped_size


@dataclass(frozen=True, kw_only=True, slots=True)
class Composition:
    """All packages of a project for one target.

    Attributes:
        target: what they are for.
        packages: layers before the functions that take them.
        remarks: what the user should hear about the settings.
    """

    target: Target
    packages: tuple[Package, ...]
    remarks: tuple[Event, ...] = ()
