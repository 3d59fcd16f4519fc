"""Checks of licences against those that the settings allow."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from wherry.checks.model import Rule, finding_about

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from packaging.metadata import RawMetadata

    from wherry.checks.model import Finding, Subject

__all__ = ["RULES", "find", "is_allowed"]

RULES = (Rule("LIC001", "a distribution has a licence that the settings do not allow"),)

# Classifiers of PyPI that stand for one licence of SPDX's list.
_CLASSIFIERS = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "GNU Affero General Public License v3": "AGPL-3.0-only",
    "GNU Affero General Public License v3 or later (AGPLv3+)": "AGPL-3.0-or-later",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0-only",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
    "Zope Public License": "ZPL-2.1",
}
_TOKEN = re.compile(r"\(|\)|[^\s()]+")
_LONGEST = 2000


def find(subject: Subject) -> Iterator[Finding]:
    """Compare the licence that each distribution's metadata names with those that are allowed."""
    if not subject.licenses:
        return
    for each in subject.contents.distributions:
        if each.name in subject.contents.own:
            continue
        expression = _expression(each.metadata)
        if expression is not None and is_allowed(expression, subject.licenses):
            continue
        named = f"`{expression}`" if expression else "not named"
        yield finding_about(
            each,
            "LIC001",
            "error",
            f"the licence of `{each.name}` is {named}, and the settings allow {', '.join(subject.licenses)}",
            f'allow it: [tool.wherry.licenses] allow = [..., "{expression or each.name}"]; or do without it',
        )


def is_allowed(expression: str, allowed: Sequence[str]) -> bool:
    """Whether an SPDX licence expression can be met by licences that match these patterns; nothing is nested by calls."""
    # Each level holds alternatives: whether the one that is being read holds so far, and whether one has held.
    levels: list[tuple[bool, bool]] = [(True, False)]
    skipped = False
    for part in _TOKEN.findall(expression[:_LONGEST]):
        holds, held = levels[-1]
        word = part.upper()
        if part == "(":
            levels.append((True, False))
        elif part == ")":
            if len(levels) > 1:
                inner = levels.pop()
                outer = levels.pop()
                levels.append((outer[0] and (inner[0] or inner[1]), outer[1]))
        elif word == "OR":
            levels[-1] = (True, held or holds)
        elif word == "WITH":
            skipped = True
            continue
        elif word != "AND" and not skipped:
            fits = any(fnmatchcase(part.lower(), pattern.lower()) for pattern in allowed)
            levels[-1] = (holds and fits, held)
        skipped = False
    return len(levels) == 1 and any(levels[0])


def _expression(metadata: RawMetadata) -> str | None:
    """The licence of a distribution as an SPDX expression, as far as its metadata tells."""
    if expression := metadata.get("license_expression"):
        return expression
    classified = [
        _CLASSIFIERS[name]
        for classifier in metadata.get("classifiers", ())
        if (name := classifier.rpartition(" :: ")[2]) in _CLASSIFIERS
        and classifier.startswith("License ::")
    ]
    if classified:
        return " OR ".join(classified)
    text = (metadata.get("license") or "").strip()
    return text if text and len(text) <= 60 and "\n" not in text else None
