"""Events of builds: locks, downloads, backends, hooks and containers."""

from __future__ import annotations

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


class SettingsWritten(Event, frozen=True, kw_only=True):
    """Settings were written to a file of the project."""

    path: Path


class LockRead(Event, frozen=True, kw_only=True):
    """A lock was read, or resolved where ``locked`` is false."""

    path: Path
    packages: int
    seconds: float
    locked: bool = True


class DownloadStarted(Event, frozen=True, kw_only=True):
    """A file is being fetched; ``size`` in bytes where the lock or the server tells."""

    filename: str
    size: int | None


class DownloadAdvanced(Event, frozen=True, kw_only=True):
    """``received`` more bytes of a file have come."""

    filename: str
    received: int


class DownloadFinished(Event, frozen=True, kw_only=True):
    """A file is in the store, its hash verified."""

    filename: str
    size: int


class BuildStarted(Event, frozen=True, kw_only=True):
    """A wheel is being built from source by the project's own backend."""

    name: str


class BuildFinished(Event, frozen=True, kw_only=True):
    """A wheel was built."""

    name: str
    seconds: float


class HookStarted(Event, frozen=True, kw_only=True):
    """A command of the user's own is started, before or after bundling."""

    command: str


class HookOutput(Event, frozen=True, kw_only=True):
    """A line that such a command wrote."""

    text: str


class HookFinished(Event, frozen=True, kw_only=True):
    """A command of the user's own ended well."""

    command: str
    seconds: float


class ImageWanted(Event, frozen=True, kw_only=True):
    """A container image is being fetched, or made of the Dockerfile ``name`` where ``made`` is true."""

    name: str
    made: bool


class ImageFetched(Event, frozen=True, kw_only=True):
    """The container image is there."""

    name: str
    made: bool
    seconds: float


class ContainerStarted(Event, frozen=True, kw_only=True):
    """A container of ``image`` was started, for the distributions ``names`` or for a command."""

    image: str
    names: tuple[str, ...] = ()
