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
    "AliasMoved",
    "BuildFinished",
    "BuildStarted",
    "CanaryMissing",
    "CodeUpdated",
    "ComparisonFailed",
    "ConfigurationUpdated",
    "ContainerStarted",
    "DownloadAdvanced",
    "DownloadFinished",
    "DownloadStarted",
    "Event",
    "FunctionCreated",
    "HookFinished",
    "HookOutput",
    "HookStarted",
    "ImageFetched",
    "ImageWanted",
    "LayerPublished",
    "LayerShared",
    "LeftoverRemoved",
    "LockRead",
    "Note",
    "PackageStored",
    "PartPlanned",
    "Removed",
    "Reporter",
    "SettingsWritten",
    "UploadStarted",
    "VersionPublished",
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


@dataclass(frozen=True, kw_only=True, slots=True)
class PartPlanned(Event):
    """A layer or function was compared with AWS.

    Attributes:
        kind: ``layer`` or ``function``.
        name: on AWS.
        code_sha256: of the package in base64.
        arn: of the layer version or function; None if it is to be created.
        changed: whether the deployment changes it.
    """

    kind: str
    name: str
    code_sha256: str
    arn: str | None
    changed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparisonFailed(Event):
    """The package of a function or layer could not be compared with the one on AWS."""

    name: str
    cause: str


@dataclass(frozen=True, kw_only=True, slots=True)
class UploadStarted(Event):
    """A package is being sent to AWS; ``size`` in bytes."""

    name: str
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageStored(Event):
    """A package is in the bucket at ``url``; ``sent`` is false if it was there already."""

    name: str
    url: str
    sent: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftoverRemoved(Event):
    """A package of an interrupted deployment was removed from the bucket."""

    url: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerPublished(Event):
    """A version of a layer was published."""

    name: str
    version: int
    arn: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerShared(Event):
    """A version of a layer was shared with an account or an organisation."""

    name: str
    version: int
    principal: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FunctionCreated(Event):
    """A function was created; ``size`` of its package in bytes."""

    name: str
    size: int
    arn: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeUpdated(Event):
    """The code of a function was updated; ``size`` of its package in bytes."""

    name: str
    size: int
    arn: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigurationUpdated(Event):
    """The configuration of a function was updated; ``changes`` in a few words each."""

    name: str
    changes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionPublished(Event):
    """A version of a function was published."""

    name: str
    version: int


@dataclass(frozen=True, kw_only=True, slots=True)
class AliasMoved(Event):
    """An alias of a function stands at a version, or gives it the share ``canary`` of its calls."""

    name: str
    alias: str
    version: int
    canary: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CanaryMissing(Event):
    """A function has no canary that could be promoted."""

    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Removed(Event):
    """A version of a function or layer, or a package in the bucket, was removed; ``size`` in bytes if AWS tells it."""

    what: str
    size: int | None


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
