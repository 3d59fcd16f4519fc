"""Events of deployments."""

from __future__ import annotations

from dataclasses import dataclass

from wherry.events.base import Event

__all__ = [
    "AliasMoved",
    "CanaryMissing",
    "CanaryWatched",
    "CodeUpdated",
    "ComparisonFailed",
    "ConcurrencyMoving",
    "ConfigurationUpdated",
    "FunctionCreated",
    "LayerPublished",
    "LayerShared",
    "LeftoverRemoved",
    "OfStage",
    "PackageBrought",
    "PackageSigned",
    "PackageStored",
    "PartPlanned",
    "Removed",
    "UploadStarted",
    "VersionPublished",
    "VersionTested",
    "VersionWaits",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class OfStage(Event):
    """An event of one of several stages that are worked on side by side."""

    stage: str
    event: Event


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
class PackageBrought(Event):
    """A function is to run what it runs in another stage.

    Attributes:
        name: in the settings.
        stage: the other one.
        aws_name: in the other stage.
        version: there, or ``$LATEST``.
        code_sha256: of the package in base64.
        description: of the version.
    """

    name: str
    stage: str
    aws_name: str
    version: str
    code_sha256: str
    description: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageSigned(Event):
    """AWS Signer has signed a package with a profile; the result is in the bucket at ``url``."""

    name: str
    profile: str
    url: str


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
class VersionTested(Event):
    """A version of a function was called with an event before any caller got it."""

    name: str
    version: int
    test: str
    seconds: float
    passed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionWaits(Event):
    """A version of a function was published, and its alias was left; ``exists`` is false if there is no such alias."""

    stage: str
    name: str
    alias: str
    version: int
    exists: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class CanaryWatched(Event):
    """The canaries of a stage have a share of the calls for some more seconds.

    Attributes:
        calls: that they had; None if they are not counted.
        errors: how many of the calls failed.
    """

    stage: str
    share: float
    seconds_left: float
    calls: int | None
    errors: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ConcurrencyMoving(Event):
    """The provisioned concurrency of an alias follows it to another version."""

    name: str
    alias: str
    allocated: int
    requested: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Removed(Event):
    """A version of a function or layer, or a package in the bucket, was removed; ``size`` in bytes if AWS tells it."""

    what: str
    size: int | None
