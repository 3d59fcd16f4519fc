"""A check of the text of modules: code that is not valid for the runtime's Python fails when it is imported.

Wherry's own Python reads it, as that of the runtime's version where it is newer. An older one cannot tell a mistake from
what came later, and nothing is found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.checks.model import Rule
from wherry.contents.imports import When, is_too_large
from wherry.contents.sources import source_of
from wherry.syntax import syntax_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wherry.checks.model import Finding, Subject

__all__ = ["RULES", "find"]

RULES = (Rule("SYN001", "a module that is imported when the function starts is not valid Python"),)


def find(subject: Subject) -> Iterator[Finding]:
    """Look at the modules that are loaded for certain and that could not be parsed."""
    contents = subject.contents
    for reached in contents.init_graph.reached.values():
        module = reached.module
        file = module.file
        if reached.when is not When.INIT or module.kind != "source" or file is None:
            continue
        if subject.brief and contents.owner_of(file.place) is not None:
            continue
        if contents.parses(module):
            continue
        source = source_of(file)
        if source is None or is_too_large(source):
            continue
        error = syntax_error(source, contents.target.runtime.python)
        if error is not None:
            yield subject.finding(
                "SYN001",
                "error" if contents.is_certain else "warning",
                f"`{module.name}` is not valid Python for {contents.target.runtime.name}: {error.msg}",
                "fix it, or choose a runtime that understands it",
                file=file,
                line=error.lineno or 1,
            )
