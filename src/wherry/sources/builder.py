"""The seam between what has no wheel and whoever makes one: on this machine, or in a container."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from wherry.errors import BuildError
    from wherry.sources.canonical import Canonical

    Tree: TypeAlias = Callable[[], AbstractContextManager[Path]]

__all__ = ["Source", "WheelBuilder"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A source tree that a wheel is to be made of.

    Attributes:
        name: what messages call it.
        identity: all that decides its files, as JSON has it: equal identities are equal trees.
        place: where it comes from, whatever it holds.
        tree: gives the folder, for as long as it is wanted.
        compiled: it is known beforehand that it must be compiled.
    """

    name: str
    identity: Any
    place: str
    tree: Tree
    compiled: bool = False


class WheelBuilder(Protocol):
    """Makes wheels of source trees, for one target."""

    def recall(self, source: Source) -> Canonical | None:
        """The wheel of an earlier build of the same tree, where nothing that decides has changed since.

        Raises:
            IncompatibleError: it was built, and does not run on the target.
        """
        ...

    def build(self, sources: Sequence[Source]) -> list[Canonical | BuildError]:
        """The wheel of each tree, or why there is none; they are remembered.

        Raises:
            WherryError: the builder itself cannot work.
        """
        ...
