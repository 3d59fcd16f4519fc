"""Events, which tell a ``Reporter`` about the progress of work.

The core never prints. It emits events; the command line renders them, a build system may collect them,
and by default nobody listens. Most events are imported when they are first used, as a build with nothing to do
emits none of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.events.base import SILENT, Event, Note, Reporter, Warned

if TYPE_CHECKING:
    from wherry.events.aws import (
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
        OfStage,
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
    from wherry.events.build import (
        BuildFinished,
        BuildStarted,
        ContainerStarted,
        DownloadAdvanced,
        DownloadFinished,
        DownloadStarted,
        HookFinished,
        HookOutput,
        HookStarted,
        ImageFetched,
        ImageWanted,
        LockRead,
        SettingsWritten,
    )
    from wherry.events.runs import DebuggerAwaited

__all__ = [
    "SILENT",
    "AliasMoved",
    "BuildFinished",
    "BuildStarted",
    "CanaryMissing",
    "CanaryWatched",
    "CodeUpdated",
    "ComparisonFailed",
    "ConcurrencyMoving",
    "ConfigurationUpdated",
    "ContainerStarted",
    "DebuggerAwaited",
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
    "OfStage",
    "PackageBrought",
    "PackageSigned",
    "PackageStored",
    "PartPlanned",
    "Removed",
    "Reporter",
    "SettingsWritten",
    "UploadStarted",
    "VersionPublished",
    "VersionTested",
    "VersionWaits",
    "Warned",
]


def __getattr__(name: str) -> object:
    if name in __all__:
        from importlib import import_module

        for module in ("build", "aws", "runs"):
            events = import_module(f"wherry.events.{module}")
            if name in events.__all__:
                return getattr(events, name)
    raise AttributeError(f"module 'wherry.events' has no attribute {name!r}")
