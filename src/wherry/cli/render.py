"""Output for people: errors as chains, events as lines, numbers and times as text."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import TYPE_CHECKING

import click

from wherry.events import Event, Note, Reporter, Warned
from wherry.sizes import count, format_size, seconds
from wherry.structs import Struct
from wherry.visible import Lines, visible

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from typing import Any, Self

    from rich.progress import Progress, TaskID

    from wherry.errors import WherryError
    from wherry.pipeline.inspect import InspectReport

__all__ = ["Terminal", "error_text", "json_line", "print_error", "print_result", "write_page"]

_BAR_DELAY = 0.4
"""Seconds of downloading before a progress bar appears."""


def _for_stderr() -> bool:
    """Whether to write colours to stderr (https://no-color.org; FORCE_COLOR)."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return sys.stderr.isatty()


def print_result(document: dict[str, Any], lines: Iterable[object], *, as_json: bool) -> None:
    """Print the result of a command on stdout: as one JSON document, or as lines.

    Control characters of text are shown; paths are for other programs, and stay as they are.
    """
    if as_json:
        import json

        click.echo(json.dumps(document))
        return
    for line in lines:
        click.echo(visible(line) if isinstance(line, str) else line)


def json_line(document: object) -> str:
    """A JSON document as one line of text, in which half of a character, as functions return and log it, is escaped."""
    import json

    return json.dumps(document, ensure_ascii=False).encode("utf-8", "backslashreplace").decode()


def write_page(path: Path, report: InspectReport, terminal: Terminal) -> None:
    """Write the page of a report, and say so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(report.html().encode())
    terminal.line(f"Wrote {path.as_posix()}")


def error_text(error: WherryError, *, color: bool) -> str:
    """An error as a chain of causes."""

    def paint(text: str, **style: object) -> str:
        return click.style(text, **style) if color else text  # type: ignore[arg-type]

    lines = [f"{paint('error:', fg='red', bold=True)} {visible(error.message)}"]
    for number, cause in enumerate(error.where, start=1):
        arrow = "╰─▶" if number == len(error.where) else "├─▶"
        first, *rest = visible(cause).split("\n")
        lines.append(f"  {paint(arrow, fg='red')} {first}")
        bar = " " if number == len(error.where) else paint("│", fg="red")
        lines.extend(f"  {bar}   {line}" for line in rest)
    if error.hint:
        first, *rest = visible(Lines(error.hint)).split("\n")
        lines.append(f"{paint('hint:', fg='cyan', bold=True)} {first}")
        lines.extend(f"      {line}" for line in rest)
    return "\n".join(lines)


def print_error(error: WherryError) -> None:
    """Print an error on stderr."""
    color = _for_stderr()
    click.echo(error_text(error, color=color), err=True, color=color)


class Terminal:
    """Renders events on stderr. As a context manager it removes the progress bar at the end."""

    def __init__(self, *, quiet: bool = False, verbose: bool = False) -> None:
        self._quiet = quiet
        self.verbose = verbose
        self._color = _for_stderr()
        self._lock = threading.Lock()
        self._begin = time.perf_counter()
        self._in_line = False
        self._downloads = _Downloads(visible=sys.stderr.isatty() and not quiet)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._lock:
            self._finish_downloads(report=kind is None)
            self._end_line()

    @property
    def took(self) -> str:
        """The time since the beginning."""
        return seconds(time.perf_counter() - self._begin)

    @property
    def brief(self) -> Reporter:
        """Renders the events that matter to commands for which building is only a step; if verbose, all events."""
        return self if self.verbose else _Brief(self)

    def emit(self, event: Event) -> None:
        """Render an event, from any thread."""
        with self._lock:
            if not isinstance(event, Note | Warned) and self._downloads.take(event):
                return
            self._finish_downloads(report=True)
            self._render(event)

    def line(self, text: str) -> None:
        """Print a line on stderr, unless quiet; control characters in it are shown."""
        with self._lock:
            self._finish_downloads(report=True)
            self._print(visible(text))

    def output(self, piece: bytes) -> None:
        """Write output of a function or program to stderr as it comes, from any thread."""
        with self._lock:
            self._finish_downloads(report=True)
            stream = sys.stderr.buffer
            stream.write(piece)
            stream.flush()
            self._in_line = not piece.endswith(b"\n") if piece else self._in_line

    def end_line(self) -> None:
        """Begin a new line on stderr if output has left one without its end."""
        with self._lock:
            self._finish_downloads(report=True)
            self._end_line()

    def warn(self, text: str, *, hint: str | None = None) -> None:
        """Print a warning."""
        self.emit(Warned(text=text, hint=hint))

    def _render(self, event: Event) -> None:
        match event:
            case Warned(text=text, hint=hint):
                self._print(f"{_label('warning', 'yellow')} {visible(text)}", always=True)
                if hint:
                    self._print(f"{_label('hint', 'cyan')} {visible(Lines(hint))}", always=True)
            case Note(text=text):
                self._print(f"{click.style('note:', bold=True)} {visible(text)}")
            case _:
                text = str(event)
                if text and (self.verbose or not event.verbose):
                    self._print(visible(text))

    def _print(self, text: str, *, always: bool = False) -> None:
        if always or not self._quiet:
            self._end_line()
            click.echo(text, err=True, color=self._color)

    def _end_line(self) -> None:
        if self._in_line:
            self._in_line = False
            sys.stderr.buffer.write(b"\n")
            sys.stderr.buffer.flush()

    def _finish_downloads(self, *, report: bool) -> None:
        finished = self._downloads.finish()
        if finished is not None and report:
            files, received, took = finished
            self._print(
                f"Fetched {count(files, 'file')} ({format_size(received)}) in {seconds(took)}"
            )


class _Brief(Struct, frozen=True):
    terminal: Terminal

    def emit(self, event: Event) -> None:
        from wherry.events.build import LockRead

        if not isinstance(event, LockRead) and not (isinstance(event, Note) and not event.brief):
            self.terminal.emit(event)


def _label(word: str, color: str) -> str:
    return click.style(f"{word}:", fg=color, bold=True)


class _Downloads:
    """Counts downloads, and shows a progress bar on a terminal if they take long."""

    def __init__(self, *, visible: bool) -> None:
        self._visible = visible
        self._begin: float | None = None
        self._files = 0
        self._received = 0
        self._total: dict[str, int] = {}
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def take(self, event: Event) -> bool:
        """Count an event, if it is one of a download."""
        from wherry.events.build import DownloadAdvanced, DownloadFinished, DownloadStarted

        match event:
            case DownloadStarted(filename=filename, size=expected):
                self._total[filename] = expected or 0
            case DownloadAdvanced(received=received):
                self._received += received
            case DownloadFinished(filename=filename, size=got):
                self._files += 1
                self._total[filename] = got
            case _:
                return False
        if self._begin is None:
            self._begin = time.monotonic()
        if self._visible and time.monotonic() - self._begin > _BAR_DELAY:
            self._show()
        return True

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
        """Remove the bar; return files, bytes and seconds since the last call, None without files."""
        if self._progress is not None:
            self._progress.stop()
        begin, files, received = self._begin, self._files, self._received
        self.__init__(visible=self._visible)  # type: ignore[misc]
        if begin is None or not files:
            return None
        return files, received, time.monotonic() - begin
