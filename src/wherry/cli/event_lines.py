"""The events of builds and deployments as lines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wherry.events.build import (
    BuildFinished,
    BuildStarted,
    ContainerStarted,
    HookFinished,
    HookOutput,
    HookStarted,
    ImageFetched,
    ImageWanted,
    LockRead,
    SettingsWritten,
)
from wherry.events.runs import DebuggerAwaited
from wherry.sizes import count, seconds
from wherry.visible import Lines

if TYPE_CHECKING:
    from wherry.events import Event

__all__ = ["event_line"]


def event_line(event: Event, *, verbose: bool) -> str | None:
    """The line for an event; None for one that is not shown."""
    match event:
        case SettingsWritten(path=path):
            return f"Wrote settings to {path.name}"
        case LockRead(path=path, packages=packages, seconds=took, locked=locked):
            verb = "Read" if locked else "Resolved"
            what = count(packages, "distribution")
            return f"{verb} {what} from {_shown(path)} in {seconds(took)}"
        case BuildStarted(name=name):
            return f"Building {name} ..."
        case BuildFinished(name=name, seconds=took):
            return f"Built {name} in {seconds(took)}"
        case ImageWanted(name=name, made=made):
            return f"{'Making' if made else 'Fetching'} the image {name} ..."
        case ImageFetched(name=name, made=made, seconds=took):
            return f"{'Made' if made else 'Fetched'} the image {name} in {seconds(took)}"
        case ContainerStarted(image=image, names=names):
            return f"Building {', '.join(names)} in a container of {image} ..."
        case HookStarted(command=command):
            return f"Running {_in_one_line(command)} ..."
        case HookOutput(text=text):
            # A bar of progress is written over itself.
            return f"  {text.rpartition(chr(13))[2]}" if verbose else None
        case HookFinished(command=command, seconds=took):
            return f"Ran {_in_one_line(command)} in {seconds(took)}"
        case DebuggerAwaited(port=port, configuration=configuration):
            awaited = f"Waiting for a debugger on 127.0.0.1 port {port}"
            if configuration is None:
                return awaited
            import json

            return Lines(
                f"{awaited}; for .vscode/launch.json:\n" + json.dumps(configuration, indent=2)
            )
        case _:
            from wherry.cli.aws_lines import aws_line

            return aws_line(event)


def _shown(path: Path) -> str:
    """The path from the working folder, if it lies there; otherwise the name."""
    try:
        return path.relative_to(Path.cwd()).as_posix()
    except (OSError, ValueError):
        return path.name


def _in_one_line(command: str) -> str:
    first, *rest = command.strip().splitlines()
    return f"`{first} …`" if rest else f"`{first}`"
