"""Findings as a log of SARIF 2.1.0 (OASIS), in the form that GitHub's code scanning takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wherry.checks.registry import rules
from wherry.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wherry.checks.model import Finding

__all__ = ["sarif_log"]

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif_log(findings: Sequence[Finding]) -> dict[str, Any]:
    """The log of one run; GitHub requires a location for every result, so packages stand for missing ones."""
    known = sorted(rules())
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "wherry",
                        "semanticVersion": __version__,
                        "rules": [
                            {
                                "id": code,
                                "shortDescription": {"text": rules()[code].title},
                                "help": {"text": f"See docs/reference/checks.md, {code}."},
                            }
                            for code in known
                        ],
                    }
                },
                "results": [_result(finding, known.index(finding.code)) for finding in findings],
            }
        ],
    }


def _result(finding: Finding, rule: int) -> dict[str, Any]:
    path, _, line = finding.where.rpartition(":")
    if not line.isdecimal():
        path, line = finding.where, "1"
    return {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": finding.severity,
        "message": {"text": f"{finding.package}: {finding.message}. {finding.hint}"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _uri(path or finding.package)},
                    "region": {"startLine": max(int(line), 1)},
                }
            }
        ],
        "partialFingerprints": {
            "wherry/v1": f"{finding.code}:{finding.package}:{path}:{finding.owner}"
        },
    }


def _uri(path: str) -> str:
    """A relative reference to a path (RFC 3986)."""
    from urllib.parse import quote

    return quote(path, safe="/")
