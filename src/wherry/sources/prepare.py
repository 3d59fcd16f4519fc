"""Preparing the build of a project while something else is done, as long as it can be undone."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec import field
from msgspec.structs import replace

from wherry.errors import WherryError
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from wherry.context import Context
    from wherry.events import Event
    from wherry.sources.project import TreeOptions

__all__ = ["preparing"]


class _Recorder(Struct, frozen=True):
    """A reporter that keeps events for later."""

    events: list[Event] = field(default_factory=list)

    def emit(self, event: Event) -> None:
        self.events.append(event)


@contextmanager
def preparing(roots: Iterable[Path], options: TreeOptions, context: Context) -> Iterator[None]:
    """Build projects in a thread while the block runs: their wheels, or only the environments of their backends.

    A backend that runs code of the project is not started before ``project_bundle`` asks for it, in the main thread,
    where Ctrl-C ends it. ``project_bundle`` finds what is ready, and waits for what is not. A failure here is
    silent, as it is met there again. The thread ends before the block is left, whatever happens in it; the events of the
    build are reported then.
    """
    if context.builders.only_in_container:
        yield
        return
    recorder = _Recorder()
    recording = replace(context, reporter=recorder)
    folders = [root.absolute() for root in roots]

    def prepare() -> None:
        for folder in folders:
            _prepare(folder, options, recording, recorder)

    thread = threading.Thread(target=prepare, name="wherry-prepare")
    thread.start()
    try:
        yield
    finally:
        thread.join()
    for event in recorder.events:
        context.reporter.emit(event)


def _prepare(root: Path, options: TreeOptions, context: Context, recorder: _Recorder) -> None:
    from wherry.sources.environment import make_environment

    before = len(recorder.events)
    try:
        declaration = options.declaration(root, context)
        if declaration.backend is None:
            return
        from wherry.sources.project_build import read_project

        build = read_project(declaration, options.skip, context)
        if context.builders.key(build.source()) is not None:
            return
        if build.hermeticity.reason is not None:
            make_environment(declaration.requires, declaration, context, virtual=True)
        elif build.recall(context) is None:
            build.build(context)
    except (WherryError, OSError):
        # The main thread meets it again, and tells the user.
        del recorder.events[before:]
