"""Events, which tell a ``Reporter`` about the progress of work.

The core never prints. It emits events; the command line renders them, a build system may collect them,
and by default nobody listens. Most events are imported when they are first used, as a build with nothing to do
emits none of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.events.base import SILENT, Event, Note, Reporter, Warned

if TYPE_CHECKING:
    from wherry.events.aws import *  # noqa: F403
    from wherry.events.build import *  # noqa: F403

__all__ = ["SILENT", "Event", "Note", "Reporter", "Warned"]


def __getattr__(name: str) -> object:
    from importlib import import_module

    for module in ("build", "aws"):
        events = import_module(f"wherry.events.{module}")
        if name in events.__all__:
            return getattr(events, name)
    raise AttributeError(f"module 'wherry.events' has no attribute {name!r}")
