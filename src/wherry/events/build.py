"""Events of builds: locks, downloads, backends, hooks and containers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wherry.events.base import Event

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "BuildFinished",
    "BuildStarted",
    "ContainerStarted",
    "DownloadAdvanced",
    "DownloadFinished",
    "DownloadStarted",
    "HookFinished",
    "HookOutput",
    "HookStarted",
    "ImageFetched",
    "ImageWanted",
    "LockRead",
    "SettingsWritten",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class SettingsWritten(Event):
    """Settings were written to a file of the project."""

    path: Path


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
