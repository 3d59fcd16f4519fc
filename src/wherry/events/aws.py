"""Events of deployments."""

from __future__ import annotations

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


class OfStage(Event, frozen=True, kw_only=True):
    """An event of one of several stages that are worked on side by side."""

    stage: str
    event: Event


class PartPlanned(Event, frozen=True, kw_only=True):
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


class ComparisonFailed(Event, frozen=True, kw_only=True):
    """The package of a function or layer could not be compared with the one on AWS."""

    name: str
    cause: str


class UploadStarted(Event, frozen=True, kw_only=True):
    """A package is being sent to AWS; ``size`` in bytes."""

    name: str
    size: int


class PackageStored(Event, frozen=True, kw_only=True):
    """A package is in the bucket at ``url``; ``sent`` is false if it was there already."""

    name: str
    url: str
    sent: bool


class PackageBrought(Event, frozen=True, kw_only=True):
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


class PackageSigned(Event, frozen=True, kw_only=True):
    """AWS Signer has signed a package with a profile; the result is in the bucket at ``url``."""

    name: str
    profile: str
    url: str


class LeftoverRemoved(Event, frozen=True, kw_only=True):
    """A package of an interrupted deployment was removed from the bucket."""

    url: str


class LayerPublished(Event, frozen=True, kw_only=True):
    """A version of a layer was published."""

    name: str
    version: int
    arn: str


class LayerShared(Event, frozen=True, kw_only=True):
    """A version of a layer was shared with an account or an organisation."""

    name: str
    version: int
    principal: str


class FunctionCreated(Event, frozen=True, kw_only=True):
    """A function was created; ``size`` of its package in bytes."""

    name: str
    size: int
    arn: str


class CodeUpdated(Event, frozen=True, kw_only=True):
    """The code of a function was updated; ``size`` of its package in bytes."""

    name: str
    size: int
    arn: str


class ConfigurationUpdated(Event, frozen=True, kw_only=True):
    """The configuration of a function was updated; ``changes`` in a few words each."""

    name: str
    changes: tuple[str, ...]


class VersionPublished(Event, frozen=True, kw_only=True):
    """A version of a function was published."""

    name: str
    version: int


class AliasMoved(Event, frozen=True, kw_only=True):
    """An alias of a function stands at a version, or gives it the share ``canary`` of its calls."""

    name: str
    alias: str
    version: int
    canary: float | None


class CanaryMissing(Event, frozen=True, kw_only=True):
    """A function has no canary that could be promoted."""

    name: str


class VersionTested(Event, frozen=True, kw_only=True):
    """A version of a function was called with an event before any caller got it."""

    name: str
    version: int
    test: str
    seconds: float
    passed: bool


class VersionWaits(Event, frozen=True, kw_only=True):
    """A version of a function was published, and its alias was left; ``exists`` is false if there is no such alias."""

    stage: str
    name: str
    alias: str
    version: int
    exists: bool


class CanaryWatched(Event, frozen=True, kw_only=True):
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


class ConcurrencyMoving(Event, frozen=True, kw_only=True):
    """The provisioned concurrency of an alias follows it to another version."""

    name: str
    alias: str
    allocated: int
    requested: int


class Removed(Event, frozen=True, kw_only=True):
    """A version of a function or layer, or a package in the bucket, was removed; ``size`` in bytes if AWS tells it."""

    what: str
    size: int | None
