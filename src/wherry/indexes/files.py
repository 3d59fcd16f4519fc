"""The question that an index is asked: which files a project has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["FindFiles", "IndexedFile"]


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexedFile:
    """A file of a project, as an index offers it.

    Attributes:
        filename: its name.
        url: its address.
        hashes: hexadecimal digests by algorithm, those that the index states.
        size: in bytes, where the index states it.
        yanked: why it was yanked, which may be empty; None when it was not (PEP 592).
        requires_python: a version specifier, unparsed.
    """

    filename: str
    url: str
    hashes: Mapping[str, str]
    size: int | None
    yanked: str | None
    requires_python: str | None


class FindFiles(Protocol):
    """Finds the files that an index has of a project.

    Needed by the locks that record hashes without file names: ``Pipfile.lock``, and Poetry's oldest.
    """

    def __call__(self, index: str | None, project: str, /) -> Sequence[IndexedFile]:
        """The files of ``project``, a normalized name, on ``index``; None is the default index.

        Called from several threads. The address may hold a password.

        Raises:
            FetchError: the index cannot be reached, or does not know the project.
        """
        ...
