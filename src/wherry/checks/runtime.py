"""Checks of the runtime itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.checks.model import Finding, Rule
from wherry.target import is_deprecated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wherry.checks.model import Subject

__all__ = ["RULES", "find"]

RULES = (Rule("RT001", "AWS no longer patches the runtime"),)


def find(subject: Subject) -> Iterator[Finding]:
    """Compare the runtime's date of deprecation with the day on which Wherry's facts were gathered."""
    runtime = subject.contents.target.runtime
    if is_deprecated(runtime):
        yield Finding(
            code="RT001",
            severity="warning",
            package=subject.name,
            where="",
            message=f"AWS has not patched {runtime.name} since {runtime.deprecation}, and ends updates of functions later",
            hint="take a newer runtime",
            owner=subject.name,
        )
