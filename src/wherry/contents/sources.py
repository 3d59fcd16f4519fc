"""Facts of source files: their imports, parsed once and remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wherry.contents.facts import HOST, Facts
from wherry.contents.imports import (
    LARGEST_SOURCE,
    Flag,
    Import,
    ModuleFacts,
    When,
    parse_source,
    read_imports,
)
from wherry.contents.services import ServiceUse, service_uses
from wherry.errors import WherryError

if TYPE_CHECKING:
    from collections.abc import Callable

    from wherry.contents.model import File
    from wherry.target import Runtime

__all__ = ["service_facts", "source_facts", "source_of", "syntax_facts"]

_FORMAT = 5
_UNKNOWN = ModuleFacts((), Flag.UNKNOWN)


def source_of(file: File) -> bytes | None:
    """The text of a source file; None for one that cannot be read, or is too large to be parsed."""
    try:
        return file.read(most=LARGEST_SOURCE)
    except WherryError:
        return None


def source_facts(runtime: Runtime, is_own: Callable[[File], bool]) -> Facts[ModuleFacts]:
    """The imports of source files as a runtime executes them, remembered.

    All text of the project's own code is parsed, so that a mistake is known.
    """

    def find(file: File) -> ModuleFacts:
        if file.size > LARGEST_SOURCE:
            return _UNKNOWN
        return read_imports(file.read(), runtime.python, whole=is_own(file))

    return Facts("imports", _variant(runtime), find, encode=_encode, decode=_decode)


def syntax_facts(runtime: Runtime) -> Facts[bool]:
    """Whether all of the text of a source file can be parsed, as far as this Python knows the runtime's; remembered."""

    def find(file: File) -> bool:
        return file.size <= LARGEST_SOURCE and parse_source(file.read(), runtime.python) is not None

    return Facts("syntax", _variant(runtime), find, encode=bool, decode=bool)


def service_facts() -> Facts[tuple[ServiceUse, ...]]:
    """The clients of services of AWS that source files make, remembered."""

    def find(file: File) -> tuple[ServiceUse, ...]:
        return service_uses(file.read()) if file.size <= LARGEST_SOURCE else ()

    return Facts(
        "services",
        f"{_FORMAT} {HOST}",
        find,
        encode=lambda uses: [list(use) for use in uses],
        decode=lambda document: tuple(ServiceUse(*use) for use in document),
    )


def _variant(runtime: Runtime) -> str:
    return f"{_FORMAT} {HOST} {runtime.python_version}"


def _encode(facts: ModuleFacts) -> object:
    return [[list(each) for each in facts.imports], facts.flags]


def _decode(document: Any) -> ModuleFacts:
    imports, flags = document
    return ModuleFacts(
        tuple(
            Import(When(when), level, module, tuple(names), line, instead)
            for when, level, module, names, line, instead in imports
        ),
        int(flags),
    )
