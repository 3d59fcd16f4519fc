"""The saving by leaving out files, and the line of settings that does it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from msgspec import field

from wherry.inspect.model import Suggestion
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wherry.inspect.model import FileSize

__all__ = ["SMALLEST", "Present", "header_size", "suggestion", "toml_list"]

SMALLEST = 20_000
"""Bytes zipped below which a suggestion is not worth reading."""


class Present(Struct, frozen=True, kw_only=True):
    """The settings that a package has already.

    Attributes:
        table: in which a line about the package belongs, such as ``tool.wherry.functions.api``; empty if not known.
        prefix: before the keys of settings that only functions and layers have, where ``table`` is the project's.
        lists: the values of settings that are lists, by key. A line of a suggestion has them, too.
        complete: whether all functions that take it are looked at.
    """

    table: str = ""
    prefix: str = ""
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    complete: bool = True

    def of(self, key: str) -> tuple[str, ...]:
        """The values of a list."""
        return self.lists.get(key, ())


def suggestion(text: str, files: Iterable[FileSize], setting: str) -> Suggestion:
    """The suggestion to leave out files."""
    counted = list(files)
    return Suggestion(
        text=text,
        size=sum(file.size + header_size(file.path) for file in counted),
        unzipped_size=sum(file.unzipped_size for file in counted),
        setting=setting,
    )


def header_size(path: str) -> int:
    """The bytes of the headers of a file in a zip archive (APPNOTE.TXT, 4.3.7 and 4.3.12), without extra fields."""
    return 30 + 46 + 2 * len(path.encode(errors="surrogateescape"))


def toml_list(key: str, values: Iterable[str]) -> str:
    """A line of TOML; its strings are written as JSON's are."""
    return f"{key} = {json.dumps(list(dict.fromkeys(values)), ensure_ascii=False)}"
