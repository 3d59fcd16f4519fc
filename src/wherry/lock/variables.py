"""Variables of the environment that a lock depends on."""

from __future__ import annotations

import re

from wherry.indexes.redact import redact

__all__ = ["deciding_variables"]

_NAMED = re.compile(r"\$\{(?P<name>\w+)\}|\$(?P<bare>[A-Za-z_]\w*)")


def deciding_variables(text: str) -> set[str]:
    """The names of the variables in a text whose values decide more than a user, a password or a query."""
    names = {found["name"] or found["bare"] for found in _NAMED.finditer(text)}
    return {name for name in names if _with(name, "wherry-one", text) != _with(name, "other", text)}


def _with(name: str, value: str, text: str) -> str:
    """The text with a value for one variable, without secrets."""
    return redact(re.sub(rf"\$\{{{name}\}}|\${name}\b", value, text))
