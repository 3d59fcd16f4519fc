"""Zip files, in a folder or one by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from wherry.bundle.bundle import Bundle
    from wherry.bundle.writer import Written

__all__ = ["ZipFiles"]


class ZipFiles(Struct, frozen=True):
    """As ``wherry.outputs.Output``: ``root`` is a folder, or the one file where it ends in ``.zip``."""

    root: Path

    @property
    def takes_one(self) -> bool:
        """Whether the root is a file."""
        return self.root.suffix == ".zip"

    @property
    def key(self) -> object:
        """Nothing but the place decides."""
        return None

    def takes(self, name: str) -> bool:  # noqa: ARG002
        """Whether this package is written: each is."""
        return True

    def path(self, name: str) -> Path:
        """The zip file of a package."""
        return self.root if self.takes_one else self.root / f"{name}.zip"

    def write(self, packages: Sequence[tuple[str, Bundle]]) -> list[Written]:
        """Write the packages side by side, as hashing and copying release Python's lock."""
        from wherry.bundle.writer import copy_package, write_package

        if len(packages) < 2:
            return [write_package(bundle, self.path(name)) for name, bundle in packages]
        from concurrent.futures import ThreadPoolExecutor

        # Packages with the very same bundle are written once and then copied.
        firsts: dict[int, tuple[Bundle, Path]] = {}
        for name, bundle in packages:
            firsts.setdefault(id(bundle), (bundle, self.path(name)))
        # The first creates the folder while no other thread depends on the umask.
        first, *others = firsts
        written = {first: write_package(*firsts[first])}

        def copy(package: tuple[str, Bundle]) -> Written:
            original, path = written[id(package[1])], self.path(package[0])
            return original if original.path == path else copy_package(original, path)

        with ThreadPoolExecutor() as pool:
            written.update(
                zip(others, pool.map(lambda key: write_package(*firsts[key]), others), strict=True)
            )
            return list(pool.map(copy, packages))
