"""Files of dependencies that no function reads: the folders of their tests, stubs and headers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.contents.model import OPT, TASK

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

__all__ = ["HEADERS", "STUBS", "paths_of_tests"]

STUBS = (".pyi",)
"""The endings of files that only type checkers read."""

HEADERS = (".h", ".hpp", ".hh", ".hxx", ".pxd")
"""The endings of files that only compilers read."""

_TESTS = ("test", "tests")


def _folder_of_tests(path: str) -> str | None:
    """The outermost folder of tests in which a file lies; None if it lies in none."""
    parts = path.split("/")[:-1]
    for number, part in enumerate(parts):
        if part in _TESTS:
            return "/".join(parts[: number + 1])
    return None


def paths_of_tests(paths: Iterable[str], reached: Collection[str], kind: str) -> set[str]:
    """The paths in folders of tests, of which nothing is imported.

    ``reached`` are the places on Lambda of modules that are imported, or may be; ``kind`` is that of the package.
    """
    folder = TASK if kind == "function" else OPT
    # A folder of which anything is imported, or may be, stays whole.
    used = {_folder_of_tests(place.removeprefix(f"{folder}/")) for place in reached}
    return {
        path
        for path in paths
        if (tests := _folder_of_tests(path)) is not None
        and tests not in used
        and ".dist-info/" not in path
    }
