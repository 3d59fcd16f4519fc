"""The environment variables of functions, for local runs: those of the file, but for secrets and what only AWS knows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["environment_setting"]

_MOST = 200
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_SECRET = re.compile(
    r"(?i)(?:^|_)(?:\w*key|\w*secrets?|\w*token|pass|passwd|\w*password|pwd|credentials?|dsn|auth)(?:_|$)"
)
_LOGIN = re.compile(r"://[^/\s]*:[^/\s]*@")


def environment_setting(
    *tables: Mapping[str, object], value: Callable[[object], object] = lambda given: given
) -> dict[str, dict[str, str | bool]]:
    """The setting ``environment`` of a function, or nothing if it has no variables.

    A variable whose value may be a secret, or is known only to AWS, is ``true``: a local run takes the value that it
    has on the user's machine. A later table has precedence, and ``value`` gives the value that an expression of the
    tool stands for.
    """
    named = {name: given for table in tables for name, given in table.items()}
    variables = {
        name: _local(name, value(given))
        for name, given in list(named.items())[:_MOST]
        if _NAME.fullmatch(name)
    }
    return {"environment": variables} if variables else {}


def _local(name: str, value: object) -> str | bool:
    if isinstance(value, bool):
        value = str(value).lower()
    elif isinstance(value, int | float):
        value = str(value)
    if not isinstance(value, str) or _SECRET.search(name) or _LOGIN.search(value):
        return True
    return value
