"""Findings as a log of SARIF 2.1.0 (OASIS), in the form that GitHub's code scanning takes.

GitHub reads a part of SARIF: texts of rules, one location of each result, and of the fingerprints only
``primaryLocationLineHash``, by which it tells whether an alert was there before.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Any

from wherry.checks.registry import rules
from wherry.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wherry.checks.model import Finding, Rule

__all__ = ["sarif_log"]

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_MOST = 25_000
"""The most results of a run that GitHub takes."""


def sarif_log(findings: Sequence[Finding]) -> dict[str, Any]:
    """The log of one run; GitHub requires a location for every result, so packages stand for missing ones."""
    known = sorted(rules())
    seen: Counter[str] = Counter()
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "wherry",
                        "semanticVersion": __version__,
                        "rules": [_rule(rules()[code]) for code in known],
                    }
                },
                "results": [
                    _result(finding, known.index(finding.code), seen)
                    for finding in findings[:_MOST]
                ],
            }
        ],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    title = f"{rule.title[0].upper()}{rule.title[1:]}."
    return {
        "id": rule.code,
        "shortDescription": {"text": title},
        "fullDescription": {"text": title},
        "help": {
            "text": f"See docs/reference/checks.md, {rule.code}, for an example and the remedy."
        },
    }


def _result(finding: Finding, rule: int, seen: Counter[str]) -> dict[str, Any]:
    path, _, line = finding.where.rpartition(":")
    if not line.isdecimal():
        path, line = finding.where, "1"
    # Lines move, and versions in messages change: what is left tells a finding from others.
    key = f"{finding.code}:{finding.package}:{path}:{finding.owner}"
    seen[key] += 1
    number = max(int(line), 1)
    return {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": finding.severity,
        "message": {"text": f"{finding.package}: {finding.message}. {finding.hint}."},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _uri(path or finding.package)},
                    "region": {
                        "startLine": number,
                        "startColumn": 1,
                        "endLine": number,
                        "endColumn": 2,
                    },
                }
            }
        ],
        "partialFingerprints": {
            "primaryLocationLineHash": f"{hashlib.sha256(key.encode()).hexdigest()[:16]}:{seen[key]}"
        },
    }


def _uri(path: str) -> str:
    """A relative reference to a path (RFC 3986)."""
    from urllib.parse import quote

    return quote(path.lstrip("/"), safe="/")
