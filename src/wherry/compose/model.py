"""Distributions and other supplies, and the packages that are composed of them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from msgspec import field

from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from wherry.bundle.bundle import Bundle
    from wherry.bundle.entry import Payload
    from wherry.compose.recipe import SupplyKey
    from wherry.events import Event
    from wherry.settings.model import ExtraPath
    from wherry.target import Target
    from wherry.wheels.pinned import PinnedFile

    Adapters: TypeAlias = Callable[[Sequence[PinnedFile]], Sequence["Distribution"]]

__all__ = [
    "EXTRA_PATHS",
    "HOOKS",
    "Composition",
    "Distribution",
    "Package",
    "Saving",
    "Supplies",
    "own_owners",
]

EXTRA_PATHS = "extra-paths"
"""The owner of the files of ``extra-paths``."""

HOOKS = "hooks"
"""The owner of files that the user's commands have made."""


class Distribution(Struct, frozen=True, kw_only=True):
    """A distribution, or the project itself, and its files.

    Attributes:
        name: normalized, as PEP 503 has it.
        version: None without metadata.
        bundle: its files, owned by ``name``.
        own: whether it is the project's own code.
    """

    name: str
    version: str | None
    bundle: Bundle
    own: bool = False


class Supplies(Struct, frozen=True, kw_only=True, dict=True):
    """The distributions and files that recipes choose from.

    Attributes:
        distributions: the distributions, including the project's own code.
        extra_paths: the files of every extra path that a recipe names, at their path below it.
        generated: by package, files that commands have made before, at their path in the zip archive.
        adapters: gives the distributions of pinned wheels, for web applications of projects without an adapter.
    """

    distributions: Mapping[SupplyKey, Sequence[Distribution]]
    extra_paths: Mapping[ExtraPath, Bundle] = field(default_factory=dict)
    generated: Mapping[str, Bundle] = field(default_factory=dict)
    adapters: Adapters | None = None

    @cached_property
    def _contents(self) -> dict[Payload, bytes]:
        return {}

    def read(self, payload: Payload) -> bytes:
        """The content of a file, read once for all packages.

        Raises:
            ArchiveError, OutputError: it cannot be read.
        """
        if payload not in self._contents:
            from wherry.bundle.content import read_all

            self._contents[payload] = read_all(payload)
        return self._contents[payload]


class Saving(Struct, frozen=True, kw_only=True):
    """The saving by a step: the number of files, and of bytes in the zip and unzipped; less than 0 where they grow."""

    files: int = 0
    size: int = 0
    unzipped_size: int = 0


class Package(Struct, frozen=True, kw_only=True, dict=True):
    """A function's deployment package or a layer, unwritten.

    Attributes:
        name: of the function or layer.
        kind: ``function`` or ``layer``.
        bundle: its files, at their paths in the zip archive.
        distributions: the owners of the files, including the project.
        handler: of a function, as AWS means it, if the settings name one.
        layers: of a function, the names or ARNs of its layers in the order in which Lambda unpacks them.
        runtimes: the names of the runtimes it is for.
        architectures: the names of the architectures it is for.
        provided: the distributions that the runtime is expected to have instead.
        saving: what stripping has saved.
        slimmed: the files that ``slim`` and ``botocore-services`` have left out.
        bytecode: the compiled modules, which take bytes.
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
    slimmed: Saving = Saving()
    bytecode: Saving = Saving()

    @cached_property
    def unzipped_size(self) -> int:
        """Bytes of all its files, as AWS counts them against the quota."""
        return self.bundle.unzipped_size


class Composition(Struct, frozen=True, kw_only=True):
    """All packages of a project for one target.

    Attributes:
        target: what they are for.
        packages: layers before the functions that take them.
        remarks: what to tell the user about the settings.
    """

    target: Target
    packages: tuple[Package, ...]
    remarks: tuple[Event, ...] = ()

    def with_layers(self, package: Package) -> list[Package]:
        """A function and the layers that it takes, or a layer and those that it depends on, in their order."""
        layers = {each.name: each for each in self.packages if each.kind == "layer"}
        return [package, *(layers[name] for name in package.layers if name in layers)]


def own_owners(packages: Iterable[Package]) -> frozenset[str]:
    """The owners of files that are the project's own, or that were made for it."""
    own = (one.name for package in packages for one in package.distributions if one.own)
    return frozenset([*own, EXTRA_PATHS, HOOKS])
