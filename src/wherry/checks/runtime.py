"""Checks of the runtime itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.checks.model import Rule
from wherry.target import is_deprecated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wherry.checks.model import Finding, Subject

__all__ = ["RULES", "find"]

RULES = (Rule("RT001", "AWS no longer patches the runtime"),)


def find(subject: Subject) -> Iterator[Finding]:
    """Compare the runtime's date of deprecation with the day on which Wherry's facts were gathered."""
    runtime = subject.contents.target.runtime
    if is_deprecated(runtime):
        yield subject.finding(
            "RT001",
            "warning",
            f"AWS has not patched {runtime.name} since {runtime.deprecation}, and ends updates of functions later",
            "take a newer runtime",
        )
