"""The families of checks: one module for each, loaded when a check is made."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from wherry.errors import SettingsError
from wherry.problems import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from wherry.checks.model import Finding, Rule, Subject

__all__ = ["FAMILIES", "by_severity", "chosen_codes", "rules", "run_checks"]

FAMILIES = (
    "handler",
    "imports",
    "syntax",
    "requirements",
    "compiled",
    "sizes",
    "leaks",
    "paths",
    "bytecode",
    "permissions",
    "shadows",
    "runtime",
    "licenses",
    "services",
)
"""The modules of ``wherry.checks`` with checks of a package, in the order of their findings."""

_SEVERITIES = ("error", "warning", "note")


class Family(Protocol):
    """A module with the checks of one family."""

    RULES: Sequence[Rule]

    def find(self, subject: Subject) -> Iterator[Finding]:
        """The findings of the family."""
        ...


@cache
def rules() -> Mapping[str, Rule]:
    """All rules by code."""
    from wherry.checks.advisories import RULES

    every = [rule for name in FAMILIES for rule in _family(name).RULES]
    return {rule.code: rule for rule in (*every, *RULES)}


def chosen_codes(select: Iterable[str], ignore: Iterable[str]) -> frozenset[str]:
    """The codes to look for.

    Both name codes, or beginnings of codes such as ``ELF``; an empty ``select`` is all of them.

    Raises:
        SettingsError: no rule has a code that begins so.
    """
    known = rules()
    chosen = _matching(select, known) or set(known)
    return frozenset(chosen - _matching(ignore, known))


def run_checks(subject: Subject, codes: Iterable[str] | None = None) -> tuple[Finding, ...]:
    """The findings in a package, errors first."""
    wanted = set(rules() if codes is None else codes)
    findings = [
        finding
        for name in FAMILIES
        if wanted.intersection(rule.code for rule in _family(name).RULES)
        for finding in _family(name).find(subject)
        if finding.code in wanted and (subject.strict or finding.severity != "note")
    ]
    return by_severity(findings)


def by_severity(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings, errors first."""
    return tuple(sorted(findings, key=lambda each: _SEVERITIES.index(each.severity)))


def _family(name: str) -> Family:
    return cast("Family", import_module(f"wherry.checks.{name}"))


def _matching(texts: Iterable[str], known: Iterable[str]) -> set[str]:
    matching: set[str] = set()
    for text in texts:
        codes = {code for code in known if text and code.startswith(text.upper())}
        if not codes:
            raise SettingsError(
                f"no check has the code `{text}`",
                where=[f"the checks are {', '.join(sorted(known))}"],
                hint=did_you_mean(text.upper(), known=known),
            )
        matching |= codes
    return matching
