"""Building a project again after each edit, while it is served."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from wherry.errors import InvokeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from wherry.pipeline.watched import Watched

__all__ = ["Reloader"]

_STEP = 40
"""Milliseconds of quiet after which an edit is taken to be whole."""
_DEBOUNCE = 400
_TURN = 100
"""Milliseconds after which a watcher looks whether it is to end."""
_SETTLE = 0.15
"""Seconds in which the system still reports what a build has written."""
_REPEATED = 2


class Reloader:
    """Watches the inputs of a build, and builds when one has changed.

    What the build writes itself must not make it begin again and again. That can only be what commands of its hooks
    write: files that change during three builds in a row, and at no other time, are taken to be theirs.
    """

    def __init__(
        self,
        rebuild: Callable[[], Watched],
        watched: Watched,
        on_failed: Callable[[InvokeError], None],
    ) -> None:
        """Take a function that builds, tells of errors itself, and returns what is to be watched from then on."""
        self._rebuild, self._watched, self._on_failed = rebuild, watched, on_failed
        self._stop = threading.Event()
        self._changed = threading.Condition()
        self._paths: set[Path] = set()
        self._watchers: list[_Watcher] = []
        self._places: tuple[frozenset[Path], frozenset[Path]] = (frozenset(), frozenset())
        self._restart = threading.Event()
        self._thread = threading.Thread(target=self._run, name="wherry-reload", daemon=True)

    def start(self, load: Callable[[], Watched]) -> None:
        """Watch, build for the first time with ``load``, and go on from there.

        Raises:
            InvokeError: files cannot be watched here.
        """
        self._watch()
        self._follow(load())
        self._thread.start()

    def close(self) -> None:
        """End, after the build that may be under way."""
        self._stop.set()
        with self._changed:
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout=5)
        # From now on nobody starts another.
        _end(self._watchers, self._restart)

    def _run(self) -> None:
        """Build whenever something has changed."""
        own: set[Path] = set()
        repeated = 0
        while not self._stop.is_set():
            with self._changed:
                self._changed.wait_for(lambda: self._paths or self._stop.is_set())
                self._paths.clear()
            if self._stop.is_set():
                return
            watched = self._rebuild()
            if watched.has_hooks:
                end = time.time()
                time.sleep(_SETTLE)
                with self._changed:
                    during = set(self._paths)
                    repeated = repeated + 1 if during and during <= own else 0
                    own = during
                    if repeated >= _REPEATED and not any(_is_newer(path, end) for path in during):
                        self._paths.clear()
            try:
                self._follow(watched)
            except InvokeError as error:
                self._on_failed(error)

    def _follow(self, watched: Watched) -> None:
        """Watch what decides the result from now on."""
        if self._stop.is_set():
            return
        self._watched = watched
        if self._places != watched.places():
            self._watch()
            # Something may have changed in a folder before it was watched.
            with self._changed:
                self._paths.add(watched.folders[0])

    def _watch(self) -> None:
        """Watch what decides the result now, in place of what did before.

        Raises:
            InvokeError: the system does not let these files be watched.
        """
        # The new ones first, so that no change is missed.
        before, stop_before = self._watchers, self._restart
        self._watchers, self._restart = [], threading.Event()
        self._places = self._watched.places()
        for folders, recursive in zip(self._places, (True, False), strict=True):
            if folders:
                watcher = _Watcher(
                    folders, self._take, self._on_failed, recursive=recursive, stop=self._restart
                )
                watcher.start()
                self._watchers.append(watcher)
        _end(before, stop_before)

    def _take(self, paths: set[Path]) -> None:
        found = {path for path in paths if self._watched.matters(path)}
        if found:
            with self._changed:
                self._paths |= found
                self._changed.notify_all()


def _end(watchers: Iterable[_Watcher], stop: threading.Event) -> None:
    """Have watchers end, and wait for it."""
    stop.set()
    for watcher in watchers:
        watcher.join(timeout=5)


def _is_newer(path: Path, moment: float) -> bool:
    """Whether a file was written to after a moment."""
    try:
        return path.stat().st_mtime > moment
    except OSError:
        return False


class _Watcher(threading.Thread):
    """Tells of the files that change in some folders."""

    def __init__(
        self,
        folders: Iterable[Path],
        tell: Callable[[set[Path]], None],
        on_failed: Callable[[InvokeError], None],
        *,
        recursive: bool,
        stop: threading.Event,
    ) -> None:
        super().__init__(name="wherry-watch", daemon=True)
        self._folders, self._tell, self._on_failed = tuple(folders), tell, on_failed
        self._recursive, self._stop_event = recursive, stop
        self._ready = threading.Event()
        self._error: InvokeError | None = None

    def start(self) -> None:
        """Begin, and return when no change is missed any more.

        Raises:
            InvokeError: the system does not let these files be watched.
        """
        super().start()
        self._ready.wait()
        if self._error is not None:
            raise self._error

    def run(self) -> None:
        """Tell of changes until the end."""
        from watchfiles import watch

        try:
            for changes in watch(
                *self._folders,
                watch_filter=None,
                debounce=_DEBOUNCE,
                step=_STEP,
                stop_event=self._stop_event,
                rust_timeout=_TURN,
                yield_on_timeout=True,
                raise_interrupt=False,
                recursive=self._recursive,
                ignore_permission_denied=True,
            ):
                # The first turn comes when the system knows all folders.
                self._ready.set()
                if changes:
                    self._tell({Path(path) for _, path in changes})
        except Exception as error:  # noqa: BLE001  whatever the library raises, here nobody sees it
            failure = InvokeError(
                "the project's files cannot be watched",
                where=[str(error)],
                hint="set WATCHFILES_FORCE_POLLING=1 to have them read again and again instead",
            )
            if self._ready.is_set():
                self._on_failed(failure)
            self._error = failure
        finally:
            self._ready.set()
