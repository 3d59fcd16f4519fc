"""What Wherry says while it works: frozen events, handed to a ``Reporter``.

The core never prints. It emits events; the command line renders them, a build system may collect them,
and by default nobody listens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "SILENT",
    "BuildFinished",
    "BuildStarted",
    "ContainerStarted",
    "DownloadAdvanced",
    "DownloadFinished",
    "DownloadStarted",
    "Event",
    "HookFinished",
    "HookOutput",
    "HookStarted",
    "LockRead",
    "Note",
    "Reporter",
    "Step",
    "Warned",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """Something that happened."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Note(Event):
    """Something worth knowing that asks for nothing."""

    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Warned(Event):
    """Something that the user will probably want to change."""

    text: str
    hint: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LockRead(Event):
    """A lock was read, or resolved where ``locked`` is false."""

    path: Path
    packages: int
    seconds: float
    locked: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class DownloadStarted(Event):
    """A file is being fetched; ``size`` in bytes where the lock or the server tells."""

    filename: str
    size: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DownloadAdvanced(Event):
    """``received`` more bytes of a file have come."""

    filename: str
    received: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DownloadFinished(Event):
    """A file is in the store, its hash verified."""

    filename: str
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildStarted(Event):
    """A wheel is being built from source by the project's own backend."""

    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildFinished(Event):
    """A wheel was built."""

    name: str
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Step(Event):
    """A step of a deployment was begun or done."""

    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class HookStarted(Event):
    """A command of the user's own is started, before or after bundling."""

    command: str


@dataclass(frozen=True, kw_only=True, slots=True)
class HookOutput(Event):
    """A line that such a command wrote."""

    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class HookFinished(Event):
    """A command of the user's own ended well."""

    command: str
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageWanted(Event):
    """A container image is being fetched, or made of the Dockerfile ``name`` where ``made`` is true."""

    name: str
    made: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageFetched(Event):
    """The container image is there."""

    name: str
    made: bool
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerStarted(Event):
    """A container of ``image`` was started, for the distributions ``names`` or for a command."""

    image: str
    names: tuple[str, ...] = ()


class Reporter(Protocol):
    """Whoever wants to know. Called from several threads; it must not raise."""

    def emit(self, event: Event) -> None:
        """Take one event."""
        ...


class _Silent:
    def emit(self, event: Event) -> None:
        pass


SILENT: Reporter = _Silent()
"""The reporter that says nothing."""
