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
    read_imports,
)
from wherry.errors import WherryError

if TYPE_CHECKING:
    from wherry.contents.model import File
    from wherry.target import Runtime

__all__ = ["source_facts"]

_FORMAT = 3
_UNKNOWN = ModuleFacts((), Flag.UNKNOWN)


def source_facts(runtime: Runtime) -> Facts[ModuleFacts]:
    """The imports of source files as a runtime executes them, remembered."""

    def find(file: File) -> ModuleFacts:
        try:
            return read_imports(file.read(most=LARGEST_SOURCE), runtime.python)
        except WherryError:
            return _UNKNOWN

    variant = f"{_FORMAT} {HOST} {runtime.python_version}"
    return Facts("imports", variant, find, encode=_encode, decode=_decode)


def _encode(facts: ModuleFacts) -> object:
    return [[list(each) for each in facts.imports], facts.flags]


def _decode(document: Any) -> ModuleFacts:
    imports, flags = document
    return ModuleFacts(
        tuple(
            Import(When(when), level, module, tuple(names), line)
            for when, level, module, names, line in imports
        ),
        int(flags),
    )
