"""How Wherry speaks: errors in their chain form, events as lines, sizes and times for people."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import TYPE_CHECKING

import click

from wherry.events import (
    BuildFinished,
    BuildStarted,
    ContainerStarted,
    DownloadAdvanced,
    DownloadFinished,
    DownloadStarted,
    Event,
    HookFinished,
    HookOutput,
    HookStarted,
    ImageFetched,
    ImageWanted,
    LockRead,
    Note,
    Step,
    Warned,
)

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from rich.progress import Progress, TaskID

    from wherry.errors import WherryError

__all__ = ["Less", "Talk", "count", "error_text", "for_stderr", "seconds", "size"]

_PATIENCE = 0.4
"""Seconds of downloading after which a progress bar appears."""


def for_stderr() -> bool:
    """Whether stderr wants colours (https://no-color.org; FORCE_COLOR)."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return sys.stderr.isatty()


def size(number: int) -> str:
    """Bytes, for people: ``53.3 MiB``."""
    if number < 1024:
        return f"{number} B"
    value = float(number)
    for unit in ("KiB", "MiB", "GiB"):
        value /= 1024
        if value < 1024 or unit == "GiB":
            break
    return f"{value:.1f} {unit}"


def seconds(duration: float) -> str:
    """A duration, for people: ``12ms`` or ``1.24s``."""
    return f"{duration * 1000:.0f}ms" if duration < 1 else f"{duration:.2f}s"


def count(number: int, noun: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def error_text(error: WherryError, *, color: bool) -> str:
    """An error in its chain form."""

    def paint(text: str, **style: object) -> str:
        return click.style(text, **style) if color else text  # type: ignore[arg-type]

    lines = [f"{paint('error:', fg='red', bold=True)} {error.message}"]
    for number, cause in enumerate(error.where, start=1):
        arrow = "╰─▶" if number == len(error.where) else "├─▶"
        # A cause of several lines (a compiler's last words) keeps its indentation.
        first, *rest = cause.splitlines() or [""]
        lines.append(f"  {paint(arrow, fg='red')} {first}")
        bar = " " if number == len(error.where) else paint("│", fg="red")
        lines.extend(f"  {bar}   {line}" for line in rest)
    if error.hint:
        first, *rest = error.hint.splitlines()
        lines.append(f"{paint('hint:', fg='cyan', bold=True)} {first}")
        lines.extend(f"      {line}" for line in rest)
    return "\n".join(lines)


class Talk:
    """Renders events on stderr. Use it as a context: a progress bar is taken away at the end.

    Args:
        quiet: say nothing but warnings.
        verbose: say what commands before and after bundling say.
    """

    def __init__(self, *, quiet: bool = False, verbose: bool = False) -> None:
        self._quiet = quiet
        self._verbose = verbose
        self._color = for_stderr()
        self._lock = threading.Lock()
        self._downloads = _Downloads(visible=sys.stderr.isatty() and not quiet)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._lock:
            self._finish_downloads(said=kind is None)

    def emit(self, event: Event) -> None:
        """Take an event, from any thread."""
        with self._lock:
            if isinstance(event, DownloadStarted | DownloadAdvanced | DownloadFinished):
                self._downloads.take(event)
                return
            self._finish_downloads(said=True)
            self._say(event)

    def line(self, text: str) -> None:
        """Say something on stderr, unless quiet."""
        if not self._quiet:
            click.echo(text, err=True, color=self._color)

    def note(self, text: str) -> None:
        """Say something that asks for nothing."""
        self.emit(Note(text=text))

    def warn(self, text: str, *, hint: str | None = None) -> None:
        """Say something that the user will probably want to change."""
        self.emit(Warned(text=text, hint=hint))

    def _say(self, event: Event) -> None:
        match event:
            case Warned(text=text, hint=hint):
                click.echo(
                    f"{click.style('warning:', fg='yellow', bold=True)} {text}",
                    err=True,
                    color=self._color,
                )
                if hint:
                    click.echo(
                        f"{click.style('hint:', fg='cyan', bold=True)} {hint}",
                        err=True,
                        color=self._color,
                    )
            case Note(text=text):
                self.line(f"{click.style('note:', bold=True)} {text}")
            case LockRead(path=path, packages=packages, seconds=took, locked=locked):
                verb = "Read" if locked else "Resolved"
                what = count(packages, "distribution")
                self.line(f"{verb} {what} from {path.name} in {seconds(took)}")
            case Step(text=text):
                self.line(text)
            case BuildStarted(name=name):
                self.line(f"Building {name} ...")
            case BuildFinished(name=name, seconds=took):
                self.line(f"Built {name} in {seconds(took)}")
            case ImageWanted(name=name, made=made):
                self.line(f"{'Making' if made else 'Fetching'} the image {name} ...")
            case ImageFetched(name=name, made=made, seconds=took):
                self.line(f"{'Made' if made else 'Fetched'} the image {name} in {seconds(took)}")
            case ContainerStarted(image=image, names=names):
                self.line(f"Building {', '.join(names)} in a container of {image} ...")
            case HookStarted(command=command):
                self.line(f"Running {_in_one_line(command)} ...")
            case HookOutput(text=text):
                if self._verbose:
                    self.line(f"  {text}")
            case HookFinished(command=command, seconds=took):
                self.line(f"Ran {_in_one_line(command)} in {seconds(took)}")
            case _:
                pass

    def _finish_downloads(self, *, said: bool) -> None:
        finished = self._downloads.finish()
        if finished is not None and said:
            files, received, took = finished
            self.line(f"Fetched {count(files, 'file')} ({size(received)}) in {seconds(took)}")


class Less:
    """Lets through what matters to somebody who wants more than to build.

    Args:
        talk: who says it.
        verbose: let everything through.
    """

    def __init__(self, talk: Talk, *, verbose: bool) -> None:
        self._talk = talk
        self._verbose = verbose

    def emit(self, event: Event) -> None:
        """Take an event, from any thread."""
        if self._verbose or not isinstance(event, LockRead | Note):
            self._talk.emit(event)


def _in_one_line(command: str) -> str:
    first, *rest = command.strip().splitlines()
    return f"`{first} …`" if rest else f"`{first}`"


class _Downloads:
    """Counts what is fetched, and shows a bar when it lasts and somebody is looking."""

    def __init__(self, *, visible: bool) -> None:
        self._visible = visible
        self._begin: float | None = None
        self._files = 0
        self._received = 0
        self._total: dict[str, int] = {}
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def take(self, event: Event) -> None:
        if self._begin is None:
            self._begin = time.monotonic()
        match event:
            case DownloadStarted(filename=filename, size=expected):
                self._total[filename] = expected or 0
            case DownloadAdvanced(received=received):
                self._received += received
            case DownloadFinished(filename=filename, size=got):
                self._files += 1
                self._total[filename] = got
            case _:
                pass
        if self._visible and time.monotonic() - self._begin > _PATIENCE:
            self._show()

    def _show(self) -> None:
        if self._progress is None:
            from rich.console import Console
            from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn

            self._progress = Progress(
                "Fetching",
                BarColumn(),
                DownloadColumn(binary_units=True),
                TransferSpeedColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._progress.start()
            self._task = self._progress.add_task("fetch", total=None)
        assert self._task is not None  # noqa: S101
        total = max(sum(self._total.values()), self._received)
        self._progress.update(self._task, total=total, completed=self._received)

    def finish(self) -> tuple[int, int, float] | None:
        """Take the bar away: files, bytes and seconds since the last call, None when nothing came."""
        if self._progress is not None:
            self._progress.stop()
        begin, files, received = self._begin, self._files, self._received
        self.__init__(visible=self._visible)  # type: ignore[misc]
        if begin is None or not files:
            return None
        return files, received, time.monotonic() - begin
