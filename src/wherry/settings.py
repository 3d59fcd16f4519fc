"""Wherry's settings: what ``[tool.wherry]`` may hold, checked as a whole.

All that is wrong is reported at once, each finding with the key where it stands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from wherry.errors import SettingsError
from wherry.target import RUNTIMES, Runtime

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["READERS", "RUNTIME_KEYS", "Settings", "read_settings"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """``[tool.wherry]``, checked. What is None or empty was not said."""

    runtime: str | None = None
    architecture: str | None = None
    name: str | None = None
    lock: str | None = None
    output: str | None = None
    groups: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    conflicts: Mapping[str, str] = field(default_factory=dict)
    runtimes: Mapping[str, Runtime] = field(default_factory=dict)


class _Findings:
    """Collects what is wrong, so that the user mends it in one go."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.found: list[str] = []
        self.nearest: list[str] = []

    def add(self, key: str, what: str) -> None:
        self.found.append(f"{key}: {what}")

    def unknown(self, key: str, known: Mapping[str, Any], prefix: str = "") -> None:
        self.add(f"{prefix}{key}", "there is no such setting")
        if nearest := get_close_matches(key, known, n=1):
            self.nearest.append(f"`{prefix}{nearest[0]}`")

    def finish(self) -> None:
        if self.found:
            raise SettingsError(
                f"the settings in {self.where} are wrong",
                where=self.found,
                hint=f"did you mean {', '.join(self.nearest)}?" if self.nearest else None,
            )


def _string(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a text is wanted")
    return value


def _strings(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise ValueError("a list of texts is wanted")
    return tuple(value)


def _conflicts(value: object) -> Mapping[str, str]:
    from packaging.utils import canonicalize_name

    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise ValueError("a table of paths and the distributions that win them is wanted")
    return {path: canonicalize_name(owner) for path, owner in value.items()}


READERS: Mapping[str, Callable[[object], Any]] = {
    "runtime": _string,
    "architecture": _string,
    "name": _string,
    "lock": _string,
    "output": _string,
    "groups": _strings,
    "extras": _strings,
    "include": _strings,
    "exclude": _strings,
    "conflicts": _conflicts,
}


def read_settings(table: object, where: str) -> Settings:
    """The settings in a table.

    Args:
        table: ``[tool.wherry]`` as TOML has it.
        where: what messages call its place.

    Raises:
        SettingsError: they are wrong; every finding is told, with the nearest known key.
    """
    findings = _Findings(where)
    if not isinstance(table, dict):
        raise SettingsError(f"{where} is not a table")
    values: dict[str, Any] = {}
    known = {**READERS, "runtimes": None}
    for key, value in table.items():
        if key == "runtimes":
            values["runtimes"] = _runtimes(value, findings)
        elif key not in READERS:
            findings.unknown(key, known)
        else:
            try:
                values[key] = READERS[key](value)
            except ValueError as error:
                findings.add(key, str(error))
    findings.finish()
    return Settings(**values)


RUNTIME_KEYS = {"glibc": None, "patch": None, "system": None}


def _runtimes(value: object, findings: _Findings) -> Mapping[str, Runtime]:
    """Facts about runtimes that are newer than this Wherry: ``[tool.wherry.runtimes."python3.15"]``."""
    if not isinstance(value, dict):
        findings.add("runtimes", "a table for each runtime is wanted")
        return {}
    runtimes: dict[str, Runtime] = {}
    for name, facts in value.items():
        key = f'runtimes."{name}"'
        match = re.fullmatch(r"python(\d+)\.(\d+)", name)
        if match is None or not isinstance(facts, dict):
            findings.add(key, "a table named as AWS names runtimes (`python3.15`) is wanted")
            continue
        for fact in facts.keys() - RUNTIME_KEYS.keys():
            findings.unknown(fact, RUNTIME_KEYS, prefix=f"{key}.")
        known = RUNTIMES.get(name)
        glibc = facts.get("glibc", None if known is None else ".".join(map(str, known.glibc)))
        patch = facts.get("patch", known.patch if known else 0)
        parsed = re.fullmatch(r"(\d+)\.(\d+)", glibc) if isinstance(glibc, str) else None
        if parsed is None:
            findings.add(f"{key}.glibc", 'the version of the C library is wanted, such as "2.34"')
        elif not isinstance(patch, int) or isinstance(patch, bool) or patch < 0:
            findings.add(f"{key}.patch", "a number is wanted")
        else:
            runtimes[name] = Runtime(
                name=name,
                python=(int(match[1]), int(match[2])),
                patch=patch,
                system=str(facts.get("system", known.system if known else "unknown")),
                glibc=(int(parsed[1]), int(parsed[2])),
                deprecation=known.deprecation if known else None,
            )
    return runtimes
