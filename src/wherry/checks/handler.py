"""Checks of the handler: its module and the function in it, told from the text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.checks.model import Finding, Rule
from wherry.contents.modules import search_path
from wherry.contents.sources import source_of
from wherry.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wherry.checks.model import Subject
    from wherry.shims.package import Package

__all__ = ["RULES", "find"]

RULES = (
    Rule("HND001", "the module of the handler is not in the package"),
    Rule("HND002", "the module of the handler has no function that Lambda can call by that name"),
)


def find(subject: Subject) -> Iterator[Finding]:
    """Compare the handler with the modules of the package."""
    yield from _applications(subject)
    contents = subject.contents
    handler, module = contents.options.handler, contents.handler_module
    if handler is None or module is None:
        return
    from wherry.shims.reference import parse_handler
    from wherry.shims.shim import check_handler

    found = contents.modules.find(module) if module else None
    if found is None and not contents.options.complete:
        return
    code = "HND002" if found is not None else "HND001"
    try:
        parse_handler(handler)
        check_handler(handler, _package(subject))
    except SettingsError as error:
        yield Finding(
            code=code,
            severity="error",
            package=subject.name,
            where=found.file.path if found is not None and found.file is not None else "",
            message="; ".join([error.message, *_details(error)]),
            hint=error.hint or "name the function as `module.function`",
            owner=subject.name,
        )


def _applications(subject: Subject) -> Iterator[Finding]:
    """The applications that the handlers of frameworks do not find."""
    contents = subject.contents
    for each in contents.applications:
        if contents.options.complete and contents.modules.find(each.module) is None:
            yield subject.finding(
                "HND001",
                "error",
                f"it names the module `{each.module}`, which is not in the package",
                "name the module as it is imported from the root of the package",
                file=each.file,
            )


def _details(error: SettingsError) -> list[str]:
    # Where the setting is needs no mention.
    return [line for line in error.where if not line.startswith("handler = ")]


def _package(subject: Subject) -> Package:
    """The package as the readers of handlers take it."""
    from wherry.shims.package import Package

    contents = subject.contents
    folders = search_path(contents.target)

    def lookup(path: str) -> bytes | None:
        for folder in folders:
            file = contents.files.get(f"{folder}/{path}")
            if file is not None:
                source = source_of(file)
                return source if source is not None else b"exec('')"  # it may define anything
        return None

    def paths() -> list[str]:
        return [
            place[len(folder) + 1 :]
            for place in contents.files
            for folder in folders
            if place.startswith(f"{folder}/")
        ]

    return Package(lookup=lookup, paths=paths, complete=contents.options.complete)
