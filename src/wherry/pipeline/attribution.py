"""Errors and remarks name the project, of several in one repository, that they are about."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec import field
from msgspec.structs import replace

from wherry.errors import WherryError
from wherry.events import Note, Warned
from wherry.sizes import first
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    from wherry.context import Context
    from wherry.events import Event, Reporter

__all__ = ["Attribution", "about"]

_NAMED = 3
"""Folders that a remark about several names."""


class _Remarks(Struct, frozen=True):
    """Keeps the remarks about each folder, and tells those that are alike once. For several threads."""

    reporter: Reporter
    _folders: dict[Note | Warned, list[str]] = field(default_factory=dict)

    def add(self, remark: Note | Warned, folder: str) -> None:
        self._folders.setdefault(remark, []).append(folder)

    def tell(self) -> None:
        for remark, folders in self._folders.items():
            names = first(sorted(set(folders)), _NAMED)
            self.reporter.emit(replace(remark, text=f"{names}: {remark.text}"))


class _NamingReporter(Struct, frozen=True):
    """Passes events on, but for remarks."""

    remarks: _Remarks
    folder: str

    def emit(self, event: Event) -> None:
        if isinstance(event, Note | Warned):
            self.remarks.add(event, self.folder)
        else:
            self.remarks.reporter.emit(event)


class Attribution:
    """Contexts for work on several projects, whose remarks are reported at the end, with the folders that they are about."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._remarks = _Remarks(context.reporter)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._remarks.tell()

    @contextmanager
    def project(self, folder: str) -> Iterator[Context]:
        """The context for a project; the errors of the block name its folder.

        Args:
            folder: of the project, relative to that of the settings; ``.`` is not named.
        """
        if folder == ".":
            yield self._context
            return
        with about(folder):
            yield replace(self._context, reporter=_NamingReporter(self._remarks, folder))


@contextmanager
def about(folder: str) -> Iterator[None]:
    """Let the errors of the block name a folder of the settings."""
    try:
        yield
    except WherryError as error:
        error.where = (f"in the project `{folder}`", *error.where)
        raise
