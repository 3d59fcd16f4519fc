"""The events of AWS as lines."""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING

from wherry.events import (
    AliasMoved,
    CanaryMissing,
    CanaryWatched,
    CodeUpdated,
    ComparisonFailed,
    ConcurrencyMoving,
    ConfigurationUpdated,
    FunctionCreated,
    LayerPublished,
    LayerShared,
    LeftoverRemoved,
    PackageBrought,
    PackageSigned,
    PackageStored,
    PartPlanned,
    Removed,
    UploadStarted,
    VersionPublished,
    VersionTested,
    VersionWaits,
)
from wherry.sizes import count, duration, format_share, format_size, seconds
from wherry.visible import visible

if TYPE_CHECKING:
    from wherry.events import Event

__all__ = ["aws_line"]


def aws_line(event: Event) -> str | None:
    """The line for an event of AWS, with control characters shown; None for any other event."""
    line = _line(event)
    return None if line is None else visible(line)


def _line(event: Event) -> str | None:
    match event:
        case PartPlanned(kind=kind, name=name, code_sha256=digest):
            change = "to be changed" if event.changed else f"as it should be, {event.arn}"
            if kind == "function" and event.arn is None:
                change = "to be created"
            return f"{kind.title()} `{name}`: sha256 {b64decode(digest).hex()}, {change}"
        case ComparisonFailed(name=name, cause=cause):
            return f"what would change in `{name}` cannot be told: {cause}"
        case UploadStarted(name=name, size=size):
            return f"Uploading `{name}` ({format_size(size)}) ..."
        case PackageBrought(name=name, stage=stage, aws_name=aws_name, code_sha256=digest):
            described = f" ({event.description})" if event.description else ""
            what = event.version if event.version == "$LATEST" else f"version {event.version}"
            return f"From {stage}: `{name}`, {what} of `{aws_name}`{described}, sha256 {b64decode(digest).hex()}"
        case PackageStored(name=name, url=url, sent=True):
            return f"Uploaded `{name}` to {url}"
        case PackageStored(name=name, url=url):
            return f"`{name}` is there already: {url}"
        case PackageSigned(name=name, profile=profile, url=url):
            return f"Signed `{name}` with the profile `{profile}`: {url}"
        case LeftoverRemoved(url=url):
            return f"Removed `{url}`, which was left there"
        case LayerPublished(name=name, version=version, arn=arn):
            return f"Published layer `{name}` version {version}: {arn}"
        case LayerShared(name=name, version=version, principal=principal):
            return f"Shared layer `{name}` version {version} with {principal}"
        case FunctionCreated(name=name, size=size, arn=arn):
            return f"Created function `{name}`: {format_size(size)}, {arn}"
        case CodeUpdated(name=name, size=size, arn=arn):
            return f"Updated function `{name}`: {format_size(size)}, {arn}"
        case ConfigurationUpdated(name=name, changes=changes):
            return f"Updated the configuration of function `{name}`: {', '.join(changes)}"
        case VersionPublished(name=name, version=version):
            return f"Published version {version} of function `{name}`"
        case AliasMoved(name=name, alias=alias, version=version, canary=canary):
            share = "" if canary is None else f" for {format_share(canary)} of the calls"
            return f"Alias `{alias}` of function `{name}`: version {version}{share}"
        case CanaryMissing(name=name):
            return f"Function `{name}` has no canary"
        case VersionTested(name=name, version=version, test=test, seconds=took, passed=passed):
            verdict = "passed" if passed else "FAILED"
            return f"Version {version} of function `{name}`: {test} {verdict} in {seconds(took)}"
        case VersionWaits(stage=stage, name=name, alias=alias, version=version, exists=exists):
            how = f"--promote` moves alias `{alias}`" if exists else f"creates alias `{alias}`"
            command = f"wherry deploy {stage}" + (" " if exists else "` ")
            return f"Version {version} of function `{name}` gets no calls; `{command}{how} there"
        case CanaryWatched():
            return _watched(event)
        case ConcurrencyMoving(name=name, alias=alias, allocated=allocated, requested=requested):
            return (
                f"Provisioned concurrency of alias `{alias}` of function `{name}`: {allocated} of "
                f"{requested} there"
            )
        case Removed(what=what, size=size):
            return f"{what}, {format_size(size)}" if size else what
        case _:
            return None


def _watched(event: CanaryWatched) -> str:
    left = f"{duration(event.seconds_left)} left" if event.seconds_left else "the time is over"
    had = ""
    if event.calls is not None:
        had = f"; {count(event.calls, 'call')}, {count(event.errors, 'error')}"
    return f"Canary in {event.stage}: {format_share(event.share)} of the calls, {left}{had}"
