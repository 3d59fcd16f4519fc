"""Variables of the environment that a lock depends on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wherry.errors import LockError
from wherry.indexes.redact import redact
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wherry.indexes.network import Network
    from wherry.lock.document import Table

__all__ = ["DeclaredTexts", "deciding_variables"]

_NAMED = re.compile(r"\$\{(?P<name>\w+)\}|\$(?P<bare>[A-Za-z_]\w*)")


class DeclaredTexts(Struct, frozen=True, kw_only=True):
    """The paths and addresses with variables in them that a project declares: a lock may not read any other variable.

    Attributes:
        texts: as the lock writes them.
        hint: what to do about a variable that the lock alone names.
    """

    texts: frozenset[str]
    file: str
    network: Network
    hint: str

    def expanded(self, text: str, table: Table, key: str) -> str:
        """The text of ``key`` in a lock with its variables expanded, if the project declares the same.

        Raises:
            LockError: the lock alone names a variable.
        """
        if text in self.texts:
            return self.network.expand(text)
        if (variable := re.search(r"\$\{\w+\}", text)) is not None:
            raise LockError(
                f"`{table.file}` names a variable that `{self.file}` does not",
                where=[
                    f"{table.at(key)}: {variable[0]} is expanded only where `{self.file}` has it"
                ],
                hint=self.hint,
            )
        return text

    def deciding(self, tables: Iterable[Table], keys: Iterable[str]) -> tuple[str, ...]:
        """The variables that decide where the entries of a lock come from, by these keys."""
        places = [table.data.get(key) for table in tables for key in keys]
        expanded = (text for text in places if isinstance(text, str) and text in self.texts)
        return tuple(sorted(set().union(*map(deciding_variables, expanded))))


def deciding_variables(text: str) -> set[str]:
    """The names of the variables in a text whose values decide more than a user, a password or a query."""
    names = {found["name"] or found["bare"] for found in _NAMED.finditer(text)}
    return {name for name in names if _with(name, "wherry-one", text) != _with(name, "other", text)}


def _with(name: str, value: str, text: str) -> str:
    """The text with a value for one variable, without secrets."""
    return redact(re.sub(rf"\$\{{{name}\}}|\${name}\b", value, text))
