"""Naming the project, of several in one repository, that an error or a remark is about."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wherry.errors import WherryError
from wherry.events import Note, Warned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wherry.context import Context
    from wherry.events import Event, Reporter

__all__ = ["naming"]


@dataclass(frozen=True, slots=True)
class _Naming:
    """Passes events on, remarks with the name of a folder before them."""

    reporter: Reporter
    folder: str

    def emit(self, event: Event) -> None:
        if isinstance(event, Note | Warned):
            event = replace(event, text=f"{self.folder}: {event.text}")
        self.reporter.emit(event)


@contextmanager
def naming(folder: str, context: Context) -> Iterator[Context]:
    """A context whose remarks name a folder, as do the errors of the block; the context itself for ``.``.

    Args:
        folder: of the project, relative to that of the settings.
        context: of the run.
    """
    if folder == ".":
        yield context
        return
    try:
        yield replace(context, reporter=_Naming(context.reporter, folder))
    except WherryError as error:
        error.where = (f"in the project `{folder}`", *error.where)
        raise
