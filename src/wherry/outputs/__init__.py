"""Where packages go: one narrow interface, and an output for each kind of place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from wherry.bundle.bundle import Bundle
    from wherry.bundle.writer import Written

__all__ = ["Output", "choose_output"]


class Output(Protocol):
    """Takes finished packages."""

    @property
    def root(self) -> Path:
        """The file or folder that everything is written to."""

    @property
    def takes_one(self) -> bool:
        """Whether there is room for one package only."""

    def path(self, name: str) -> Path:
        """Where the package of a function or layer lies."""

    def write(self, packages: Sequence[tuple[str, Bundle]]) -> list[Written]:
        """Write packages, given by name, and say what was written, in the same order.

        Raises:
            OutputError: a file cannot be written.
            ArchiveError: a file that goes into a package cannot be read.
        """


def choose_output(path: Path) -> Output:
    """The output for a path: a zip file where it ends in ``.zip``, else a folder of zip files."""
    from wherry.outputs.zip_files import ZipFiles

    return ZipFiles(root=path)
