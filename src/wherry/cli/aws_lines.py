"""The events of AWS as lines."""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING

from wherry.events import (
    AliasMoved,
    CanaryMissing,
    CodeUpdated,
    ComparisonFailed,
    ConfigurationUpdated,
    FunctionCreated,
    LayerPublished,
    LayerShared,
    LeftoverRemoved,
    PackageSigned,
    PackageStored,
    PartPlanned,
    Removed,
    UploadStarted,
    VersionPublished,
)
from wherry.sizes import format_share, format_size
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
        case Removed(what=what, size=size):
            return f"{what}, {format_size(size)}" if size else what
        case _:
            return None
