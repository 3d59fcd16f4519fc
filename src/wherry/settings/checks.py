"""Reading the settings of checks: ``check`` and ``licenses``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.settings import values
from wherry.settings.model import CheckSettings
from wherry.settings.reader import read_table

if TYPE_CHECKING:
    from wherry.problems import Problems
    from wherry.settings.reader import Readers

__all__ = ["CHECK_READERS", "LICENSE_READERS", "read_check", "read_licenses"]

_LEVELS = ("error", "warn", "off")
_codes = values.all_matching(
    r"[A-Z]{2,5}\d{0,3}", "is not the code of a check, or its beginning, such as ELF003 or ELF"
)

CHECK_READERS: Readers = {
    "level": values.choice(*_LEVELS),
    "select": _codes,
    "ignore": _codes,
}
"""The keys of ``[tool.wherry.check]``."""

LICENSE_READERS: Readers = {"allow": values.strings}


def read_check(value: object, problems: Problems) -> CheckSettings:
    """The settings of checks, or the level alone: ``check = "warn"``."""
    if isinstance(value, str):
        value = {"level": value}
    if not isinstance(value, dict):
        problems.add("check", f"expected one of {', '.join(_LEVELS)}, or a table")
        return CheckSettings()
    return CheckSettings(**read_table(value, CHECK_READERS, problems, prefix="check."))


def read_licenses(value: object, problems: Problems) -> tuple[str, ...]:
    """Patterns of the licences that are allowed."""
    if not isinstance(value, dict):
        problems.add("licenses", "expected a table: allow")
        return ()
    allow: tuple[str, ...] = read_table(value, LICENSE_READERS, problems, prefix="licenses.").get(
        "allow", ()
    )
    return allow
