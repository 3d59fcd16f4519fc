"""Events of deployments."""

from __future__ import annotations

from base64 import b64decode

from wherry.events.base import Event
from wherry.sizes import count, duration, format_share, format_size, seconds

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

    def __str__(self) -> str:
        change = "to be changed" if self.changed else f"as it should be, {self.arn}"
        if self.kind == "function" and self.arn is None:
            change = "to be created"
        return f"{self.kind.title()} `{self.name}`: sha256 {_hex(self.code_sha256)}, {change}"


class ComparisonFailed(Event, frozen=True, kw_only=True):
    """The package of a function or layer could not be compared with the one on AWS."""

    name: str
    cause: str

    def __str__(self) -> str:
        return f"what would change in `{self.name}` is not known: {self.cause}"


class UploadStarted(Event, frozen=True, kw_only=True):
    """A package is being sent to AWS; ``size`` in bytes."""

    name: str
    size: int

    def __str__(self) -> str:
        return f"Uploading `{self.name}` ({format_size(self.size)}) ..."


class PackageStored(Event, frozen=True, kw_only=True):
    """A package is in the bucket at ``url``; ``sent`` is false if it was there already."""

    name: str
    url: str
    sent: bool

    def __str__(self) -> str:
        if self.sent:
            return f"Uploaded `{self.name}` to {self.url}"
        return f"`{self.name}` is there already: {self.url}"


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

    def __str__(self) -> str:
        described = f" ({self.description})" if self.description else ""
        what = self.version if self.version == "$LATEST" else f"version {self.version}"
        return (
            f"From {self.stage}: `{self.name}`, {what} of `{self.aws_name}`{described}, "
            f"sha256 {_hex(self.code_sha256)}"
        )


class PackageSigned(Event, frozen=True, kw_only=True):
    """AWS Signer has signed a package with a profile; the result is in the bucket at ``url``."""

    name: str
    profile: str
    url: str

    def __str__(self) -> str:
        return f"Signed `{self.name}` with the profile `{self.profile}`: {self.url}"


class LeftoverRemoved(Event, frozen=True, kw_only=True):
    """A package of an interrupted deployment was removed from the bucket."""

    url: str

    def __str__(self) -> str:
        return f"Removed `{self.url}`, which was left there"


class LayerPublished(Event, frozen=True, kw_only=True):
    """A version of a layer was published."""

    name: str
    version: int
    arn: str

    def __str__(self) -> str:
        return f"Published layer `{self.name}` version {self.version}: {self.arn}"


class LayerShared(Event, frozen=True, kw_only=True):
    """A version of a layer was shared with an account or an organisation."""

    name: str
    version: int
    principal: str

    def __str__(self) -> str:
        return f"Shared layer `{self.name}` version {self.version} with {self.principal}"


class FunctionCreated(Event, frozen=True, kw_only=True):
    """A function was created; ``size`` of its package in bytes."""

    name: str
    size: int
    arn: str

    def __str__(self) -> str:
        return f"Created function `{self.name}`: {format_size(self.size)}, {self.arn}"


class CodeUpdated(Event, frozen=True, kw_only=True):
    """The code of a function was updated; ``size`` of its package in bytes."""

    name: str
    size: int
    arn: str

    def __str__(self) -> str:
        return f"Updated function `{self.name}`: {format_size(self.size)}, {self.arn}"


class ConfigurationUpdated(Event, frozen=True, kw_only=True):
    """The configuration of a function was updated; ``changes`` in a few words each."""

    name: str
    changes: tuple[str, ...]

    def __str__(self) -> str:
        return f"Updated the configuration of function `{self.name}`: {', '.join(self.changes)}"


class VersionPublished(Event, frozen=True, kw_only=True):
    """A version of a function was published."""

    name: str
    version: int

    def __str__(self) -> str:
        return f"Published version {self.version} of function `{self.name}`"


class AliasMoved(Event, frozen=True, kw_only=True):
    """An alias of a function stands at a version, or gives it the share ``canary`` of its calls."""

    name: str
    alias: str
    version: int
    canary: float | None

    def __str__(self) -> str:
        share = "" if self.canary is None else f" for {format_share(self.canary)} of the calls"
        return f"Alias `{self.alias}` of function `{self.name}`: version {self.version}{share}"


class CanaryMissing(Event, frozen=True, kw_only=True):
    """A function has no canary that could be promoted."""

    name: str

    def __str__(self) -> str:
        return f"Function `{self.name}` has no canary"


class VersionTested(Event, frozen=True, kw_only=True):
    """A version of a function was called with an event before any caller got it."""

    name: str
    version: int
    test: str
    seconds: float
    passed: bool

    def __str__(self) -> str:
        verdict = "passed" if self.passed else "FAILED"
        return (
            f"Version {self.version} of function `{self.name}`: {self.test} {verdict} in "
            f"{seconds(self.seconds)}"
        )


class VersionWaits(Event, frozen=True, kw_only=True):
    """A version of a function was published, and its alias was left; ``exists`` is false if there is no such alias."""

    stage: str
    name: str
    alias: str
    version: int
    exists: bool

    def __str__(self) -> str:
        deploy = f"wherry deploy {self.stage}"
        how = f"`{deploy} --promote` moves" if self.exists else f"`{deploy}` creates"
        return (
            f"Version {self.version} of function `{self.name}` gets no calls; {how} alias "
            f"`{self.alias}` there"
        )


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

    def __str__(self) -> str:
        left = f"{duration(self.seconds_left)} left" if self.seconds_left else "the time is over"
        had = ""
        if self.calls is not None:
            had = f"; {count(self.calls, 'call')}, {count(self.errors, 'error')}"
        return f"Canary in {self.stage}: {format_share(self.share)} of the calls, {left}{had}"


class ConcurrencyMoving(Event, frozen=True, kw_only=True):
    """The provisioned concurrency of an alias follows it to another version."""

    name: str
    alias: str
    allocated: int
    requested: int

    def __str__(self) -> str:
        return (
            f"Provisioned concurrency of alias `{self.alias}` of function `{self.name}`: "
            f"{self.allocated} of {self.requested} there"
        )


class Removed(Event, frozen=True, kw_only=True):
    """A version of a function or layer, or a package in the bucket, was removed; ``size`` in bytes if AWS tells it."""

    what: str
    size: int | None

    def __str__(self) -> str:
        return f"{self.what}, {format_size(self.size)}" if self.size else self.what


def _hex(code_sha256: str) -> str:
    return b64decode(code_sha256).hex()
