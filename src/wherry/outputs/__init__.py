"""Where packages go: one narrow interface, and an output for each kind of place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from wherry.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from wherry.bundle.bundle import Bundle
    from wherry.bundle.writer import Written
    from wherry.compose.recipe import Recipe

__all__ = ["Output", "choose_output"]


class Output(Protocol):
    """Takes finished packages."""

    @property
    def root(self) -> Path:
        """The file or folder that everything is written to."""

    @property
    def takes_one(self) -> bool:
        """Whether there is room for one package only."""

    @property
    def key(self) -> object:
        """The key of what decides, beside the place, which packages are written; as JSON can hold it."""

    def takes(self, name: str) -> bool:
        """Whether this package is written."""

    def path(self, name: str) -> Path:
        """Where the package of a function or layer lies."""

    def write(self, packages: Sequence[tuple[str, Bundle]]) -> list[Written]:
        """Write packages, given by name, and say what was written, in the same order.

        Raises:
            OutputError: a file cannot be written.
            ArchiveError: a file that goes into a package cannot be read.
        """


def choose_output(
    path: Path | None,
    unpacked: Path | None,
    *,
    default: Path,
    names: Sequence[str],
    recipes: Sequence[Recipe],
) -> Output:
    """The output for a path: a zip file where it ends in ``.zip``, else a folder of zip files.

    ``unpacked`` is a folder for the files of one package in place of that; ``names`` are the packages that were asked
    for, and ``recipes`` all that are made. A path is reported as it was given.

    Raises:
        SettingsError: there are several packages, and room for one; or both outputs were asked for.
    """
    from wherry.outputs.unpacked import UnpackedFolder
    from wherry.outputs.zip_files import ZipFiles

    if path is not None and unpacked is not None:
        raise SettingsError(
            "`--output` and `--unpacked` both say where the package goes, and it is written once",
            where=[f"`{path}` would get a zip file, `{unpacked}` the files of one"],
            hint="leave out one of them; where both are needed, build twice: the second build composes nothing anew",
        )
    path = path or default
    output: Output = ZipFiles(root=path)
    hint = "name a folder: --output DIR"
    if unpacked is not None:
        if len(names) == 1 or len(recipes) == 1:
            return UnpackedFolder(root=unpacked, only=names[0] if len(names) == 1 else None)
        path, output, hint = (
            unpacked,
            UnpackedFolder(unpacked),
            "name one: wherry build NAME --unpacked DIR",
        )
    if output.takes_one and len(recipes) > 1:
        raise SettingsError(
            f"`{path}` has room for one package, and there are {len(recipes)}",
            where=[f"{recipe.kind} `{recipe.name}`" for recipe in recipes],
            hint=hint,
        )
    return output
