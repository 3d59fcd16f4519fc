"""The interface of the builders of wheels, which work on this machine or in a container."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from msgspec import field

from wherry.errors import BuildError
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from wherry.bundle.canonical import Canonical

    Tree: TypeAlias = Callable[[], AbstractContextManager[Path]]

__all__ = ["NO_BUILDERS", "BuildRules", "Builders", "Shell", "Source", "WheelBuilder"]


class BuildRules(Struct, frozen=True, kw_only=True):
    """The rules of a project for the build environments of all that is built for it.

    Attributes:
        constraints: PEP 508 requirements that limit the versions in them.
        extra: further build requirements by the normalized name of the distribution that is built.
    """

    constraints: tuple[str, ...] = ()
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def requires(self, requires: Iterable[str], name: str) -> list[str]:
        """The build requirements of a distribution, with the further ones, sorted."""
        return sorted({*requires, *self.extra.get(name, ())})

    def facts(self, name: str) -> list[list[str]]:
        """All that decides the environment of a distribution's build, for a key; empty if there is nothing."""
        extra = self.extra.get(name, ())
        return [list(self.constraints), list(extra)] if self.constraints or extra else []


class Source(Struct, frozen=True, kw_only=True):
    """A source tree that a wheel is to be made of.

    Attributes:
        identity: all that decides its files, as JSON can hold it: equal identities mean equal trees.
        place: where it comes from, whatever its contents.
        tree: gives the folder, which exists until the block ends.
        compiled: whether it is known beforehand that it must be compiled.
    """

    name: str
    identity: Any
    place: str
    tree: Tree
    compiled: bool = False


class WheelBuilder(Protocol):
    """Makes wheels of source trees, for one target."""

    def recall(self, source: Source) -> Canonical | None:
        """The wheel of an earlier build of the same tree, unless something else that decides it has changed.

        Raises:
            IncompatibleError: it was built, and does not run on the target.
        """

    def build(self, sources: Sequence[Source]) -> list[Canonical | BuildError]:
        """The wheel of each tree, or why there is none; they are remembered.

        Raises:
            WherryError: the builder itself cannot work.
        """


class Shell(Protocol):
    """Runs scripts for a POSIX shell in a container."""

    def run_shell(
        self,
        script: str,
        *,
        lent: Mapping[str, Path],
        changed: Mapping[str, Path],
        workdir: str,
        environment: Mapping[str, str],
        log: Path,
    ) -> int:
        """Run a script; its exit status. See ``wherry.containers.exchange.Container``."""


class Builders(Protocol):
    """Chooses the builder of each source tree: this machine, or a container."""

    @property
    def compiles(self) -> bool:
        """Whether compiled wheels can be built for the target, as far as is known without trying."""

    @property
    def only_in_container(self) -> bool:
        """Whether nothing is built on this machine."""

    def key(self, source: Source) -> str | None:
        """The key of the wheel that a container built of this tree before; None where none did."""

    def wheels(self, sources: Sequence[Source], *, host: WheelBuilder) -> list[Canonical]:
        """The wheel of each tree.

        Raises:
            BuildError: a tree cannot be built.
            ContainerError: a container is needed, and there is none.
        """

    def container(self) -> Shell:
        """A container whose image is available.

        Raises:
            NoEngineError: there is no container engine, or it does not answer.
            ContainerError: there is no image.
        """


class _NoBuilders:
    compiles = False
    only_in_container = False

    def key(self, source: Source) -> None:
        del source

    def wheels(self, sources: Sequence[Source], *, host: WheelBuilder) -> list[Canonical]:
        del host
        raise BuildError(f"`{sources[0].name}` would have to be built, and nothing is built here")

    def container(self) -> Shell:
        raise BuildError("no container is run here")


NO_BUILDERS: Builders = _NoBuilders()
"""Builds nothing: for steps that only read locks and fetch files."""
