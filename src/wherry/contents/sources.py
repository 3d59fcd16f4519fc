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

__all__ = ["source_facts"]

_FORMAT = 1
_UNKNOWN = ModuleFacts((), Flag.UNKNOWN)


def source_facts() -> Facts[ModuleFacts]:
    """The imports of source files, remembered."""
    return Facts("imports", f"{_FORMAT} {HOST}", _read_source, encode=_encode, decode=_decode)


def _read_source(file: File) -> ModuleFacts:
    try:
        return read_imports(file.read(most=LARGEST_SOURCE))
    except WherryError:
        return _UNKNOWN


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
