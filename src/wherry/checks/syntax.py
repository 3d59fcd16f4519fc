"""A check of the text of modules: code that is not valid for the runtime's Python fails when it is imported.

Wherry's own Python reads it, as that of the runtime's version where it is newer. An older one cannot tell a mistake from
what came later, and nothing is found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.checks.model import Finding, Rule
from wherry.contents.imports import LARGEST_SOURCE, When, is_too_large
from wherry.errors import WherryError
from wherry.syntax import syntax_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wherry.checks.model import Subject
    from wherry.contents.model import File

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
        error = _error(file, contents.target.runtime.python)
        if error is not None:
            yield Finding(
                code="SYN001",
                severity="error" if contents.is_certain else "warning",
                package=file.part,
                where=f"{file.path}:{error.lineno or 1}",
                message=f"`{module.name}` is not valid Python for {contents.target.runtime.name}: {error.msg}",
                hint="fix it, or choose a runtime that understands it",
                owner=subject.owner(file.place),
            )


def _error(file: File, python: tuple[int, int]) -> SyntaxError | None:
    try:
        source = file.read(most=LARGEST_SOURCE)
    except WherryError:
        return None
    return None if is_too_large(source) else syntax_error(source, python)
