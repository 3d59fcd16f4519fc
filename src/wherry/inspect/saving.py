"""Savings, as they are measured in files and remembered, and the lines of settings that bring them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from msgspec import field

from wherry.inspect.model import FileSize, Suggestion
from wherry.store.memo import Memo, memo_key
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from wherry.contents.model import File
    from wherry.store import Store

__all__ = ["SMALLEST", "Present", "header_size", "remembered", "suggestion", "toml_list"]

_MEMO: Memo[list[int]] = Memo("measured", encode=list, decode=list)

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


def remembered(
    rules: str, files: Sequence[File], store: Store | None, measure: Callable[[], Sequence[int]]
) -> Sequence[int]:
    """The figures of files; what was measured before of files of the same content is not measured again.

    ``rules`` are those of the measurement, and whatever else it depends on.
    """
    if store is None:
        return measure()
    facts = sorted((file.place, file.payload.crc, file.size, file.zipped) for file in files)
    key = memo_key(1, rules, repr(facts))
    known = _MEMO.recall(store, key)
    if known is not None and all(isinstance(each, int) for each in known):
        return known
    figures = list(measure())
    _MEMO.remember(store, key, figures)
    return figures


def header_size(path: str) -> int:
    """The bytes of the headers of a file in a zip archive (APPNOTE.TXT, 4.3.7 and 4.3.12), without extra fields."""
    return 30 + 46 + 2 * len(path.encode(errors="surrogateescape"))


def toml_list(key: str, values: Iterable[str]) -> str:
    """A line of TOML; its strings are written as JSON's are."""
    return f"{key} = {json.dumps(list(dict.fromkeys(values)), ensure_ascii=False)}"
