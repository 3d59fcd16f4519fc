"""Checks of permissions: files that the user whom functions run as cannot read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.checks.model import Rule
from wherry.sizes import count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wherry.checks.model import Finding, Subject

__all__ = ["RULES", "find"]

RULES = (Rule("PERM001", "a file cannot be read by others than its owner"),)

_OTHERS_READ = 0o004


def find(subject: Subject) -> Iterator[Finding]:
    """Look at the modes that the archive records; archives made on Windows have none."""
    contents = subject.contents
    files = [file for file in contents.files.values() if file.mode and not file.mode & _OTHERS_READ]
    if not files:
        return
    loaded = {
        each.module.file.place for each in contents.init_graph.reached.values() if each.module.file
    }
    # One finding: whoever zips with the wrong umask gets all files wrong.
    first = next((file for file in files if file.place in loaded), files[0])
    certain = first.place in loaded and contents.is_certain
    more = f", and {count(len(files) - 1, 'more file')}" if len(files) > 1 else ""
    yield subject.finding(
        "PERM001",
        "error" if certain else "warning",
        f"its mode is {first.mode:04o}, and Lambda runs functions as another user{more}",
        "zip files with mode 0644, or 0755 for programs",
        file=first,
    )
