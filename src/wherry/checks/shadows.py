"""Checks of names: modules that hide others of the same name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.checks.model import Finding, Rule
from wherry.target.standard_library import standard_library

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wherry.checks.model import Subject
    from wherry.contents.distributions import Installed

__all__ = ["RULES", "find"]

RULES = (
    Rule("BIG001", "a module hides one of the standard library"),
    Rule("BIG002", "a distribution is there twice, in different versions"),
)

# Nobody imports these of the standard library.
_HARMLESS = {"antigravity", "idlelib", "test", "this", "turtledemo"}


def find(subject: Subject) -> Iterator[Finding]:
    """Compare top-level modules with the standard library, and distributions with each other."""
    contents = subject.contents
    names = standard_library(contents.target.runtime) - _HARMLESS
    for name in sorted(names):
        module = contents.modules.find(name)
        # A folder without code hides nothing.
        if module is None or module.file is None:
            continue
        owner = subject.owner(module.file.place)
        yield subject.finding(
            "BIG001",
            "warning",
            f"`import {name}` gives this file in place of Python's own module, or the other way round, as one "
            "or the other was loaded first",
            "give the module another name"
            if owner == subject.name
            else f"leave `{owner}` out: Python has the module itself",
            file=module.file,
        )
    first: dict[str, Installed] = {}
    for each in contents.distributions:
        other = first.setdefault(each.name, each)
        if other.version != each.version:
            file = next(iter(each.info.values()))
            message = (
                f"`{each.name}` {each.version} is hidden by {other.version} of `{other.part}`, which comes first on "
                "the search path"
            )
            if other.folder == each.folder:
                message = (
                    f"`{each.name}` is recorded as {other.version} and as {each.version} in one folder, so that its "
                    "files are a mixture, or one record is out of date"
                )
            yield Finding(
                code="BIG002",
                severity="warning",
                package=each.part,
                where=file.path.rpartition("/")[0],
                message=message,
                hint="ship it once; `pip install --target` leaves the older one in a folder that is not empty",
                owner=each.name,
            )
