"""Checks of built packages, or of any zip archives, in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from wherry.checks.registry import by_severity, chosen_codes, run_checks
from wherry.events import SILENT
from wherry.indexes.network import Network
from wherry.pipeline.options import CheckOptions
from wherry.pipeline.subjects import find_subjects
from wherry.problems import refuse_options
from wherry.store import Store
from wherry.structs import Struct

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.checks.model import Finding
    from wherry.events import Reporter
    from wherry.target import Target

__all__ = ["CheckReport", "check"]

SCHEMA = 1
"""Raised when a field changes its meaning or goes; new fields do not raise it."""


class CheckReport(Struct, frozen=True, kw_only=True):
    """The result of a check.

    Attributes:
        target: that packages were judged for.
        packages: the names of what was checked.
        findings: errors first.
    """

    target: Target
    packages: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def failed(self) -> bool:
        """Whether there are errors."""
        return any(finding.severity == "error" for finding in self.findings)

    def document(self) -> dict[str, Any]:
        """The JSON document."""
        return {"schema": SCHEMA, "findings": [finding.document() for finding in self.findings]}

    def sarif(self) -> dict[str, Any]:
        """The findings as a log of SARIF 2.1.0, which GitHub shows beside code."""
        from wherry.checks.sarif import sarif_log

        return sarif_log(self.findings)


def check(
    project: Path | str = ".",
    *,
    store: Store | None = None,
    reporter: Reporter = SILENT,
    **options: Unpack[CheckOptions],
) -> CheckReport:
    """Check a project's packages, which are built first, or zip archives of any tool.

    Args:
        project: the project's folder; not read where ``files`` are given.
        store: where files are kept, and what was found out is remembered; by default the user's.
        reporter: told what happens.
        options: what is asked, as ``wherry.CheckOptions`` and ``wherry.BuildOptions`` describe it.

    Raises:
        WherryError: a package cannot be built, or a file not be read. What is wrong with it is told by the result.
    """
    refuse_options(options, CheckOptions)
    store = store or Store.default()
    subjects = find_subjects(project, options, store, reporter)
    settings = subjects.settings
    codes = chosen_codes(
        options.get("select") or settings.select,
        [*options.get("ignore", ()), *settings.ignore],
    )
    findings: list[Finding] = []
    for subject in subjects.subjects:
        findings += run_checks(subject, codes)
        subject.contents.remember()
    if options.get("advisories"):
        from wherry.checks.advisories import find_advisories

        if "ADV001" in codes:
            findings += find_advisories(
                subjects.subjects,
                network=Network(offline=options.get("offline", False)),
                reporter=reporter,
            )
    return CheckReport(
        target=subjects.target,
        packages=tuple(subject.name for subject in subjects.subjects),
        # A layer is read with every function that takes it.
        findings=by_severity(dict.fromkeys(findings)),
    )
