"""Events of builds and local runs: locks, downloads, backends, hooks, containers, a debugger."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from wherry.events.base import Event
from wherry.sizes import count, seconds
from wherry.visible import Lines

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "BuildFinished",
    "BuildStarted",
    "ContainerStarted",
    "DebuggerAwaited",
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

    def __str__(self) -> str:
        return f"Wrote settings to {self.path.name}"


class LockRead(Event, frozen=True, kw_only=True):
    """A lock was read, or resolved where ``locked`` is false."""

    path: Path
    packages: int
    seconds: float
    locked: bool = True

    def __str__(self) -> str:
        verb = "Read" if self.locked else "Resolved"
        what = count(self.packages, "distribution")
        return f"{verb} {what} from {_shown(self.path)} in {seconds(self.seconds)}"


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

    def __str__(self) -> str:
        return f"Building {self.name} ..."


class BuildFinished(Event, frozen=True, kw_only=True):
    """A wheel was built."""

    name: str
    seconds: float

    def __str__(self) -> str:
        return f"Built {self.name} in {seconds(self.seconds)}"


class HookStarted(Event, frozen=True, kw_only=True):
    """A command of the user's own is started, before or after bundling."""

    command: str

    def __str__(self) -> str:
        return f"Running {_in_one_line(self.command)} ..."


class HookOutput(Event, frozen=True, kw_only=True):
    """A line that such a command wrote."""

    verbose = True
    text: str

    def __str__(self) -> str:
        # A bar of progress is written over itself.
        return f"  {self.text.rpartition(chr(13))[2]}"


class HookFinished(Event, frozen=True, kw_only=True):
    """A command of the user's own ended well."""

    command: str
    seconds: float

    def __str__(self) -> str:
        return f"Ran {_in_one_line(self.command)} in {seconds(self.seconds)}"


class ImageWanted(Event, frozen=True, kw_only=True):
    """A container image is being fetched, or made of the Dockerfile ``name`` where ``made`` is true."""

    name: str
    made: bool

    def __str__(self) -> str:
        return f"{'Making' if self.made else 'Fetching'} the image {self.name} ..."


class ImageFetched(Event, frozen=True, kw_only=True):
    """The container image is there."""

    name: str
    made: bool
    seconds: float

    def __str__(self) -> str:
        verb = "Made" if self.made else "Fetched"
        return f"{verb} the image {self.name} in {seconds(self.seconds)}"


class ContainerStarted(Event, frozen=True, kw_only=True):
    """A container of ``image`` was started, for the distributions ``names`` or for a command."""

    image: str
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"Building {', '.join(self.names)} in a container of {self.image} ..."


class DebuggerAwaited(Event, frozen=True, kw_only=True):
    """The function will wait for a debugger on a port of this machine.

    ``configuration`` is what an editor needs to attach, as Visual Studio Code has it in ``launch.json``; None where that
    is as it was told before.
    """

    port: int
    configuration: Mapping[str, Any] | None

    def __str__(self) -> str:
        awaited = f"Waiting for a debugger on 127.0.0.1 port {self.port}"
        if self.configuration is None:
            return awaited
        import json

        return Lines(
            f"{awaited}; for .vscode/launch.json:\n" + json.dumps(self.configuration, indent=2)
        )


def _shown(path: Path) -> str:
    """The path from the working folder, if it lies there; otherwise the name."""
    try:
        return path.relative_to(Path.cwd()).as_posix()
    except (OSError, ValueError):
        return path.name


def _in_one_line(command: str) -> str:
    first, *rest = command.strip().splitlines()
    return f"`{first} …`" if rest else f"`{first}`"
