"""Checks of a build before anything is written: those that are cheap, for what is certain to fail on Lambda.

A verdict that nothing fails is remembered by what it depends on: the files of dependencies, and the imports of the
project's own modules, with what they have of that, but not their text. So an edit of a function is checked without
reading a dependency.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.compose.model import own_owners
from wherry.errors import CheckError
from wherry.events import Warned
from wherry.pipeline.own_imports import imports_key
from wherry.sizes import first_lines
from wherry.store.memo import Memo, memo_key
from wherry.target.provided import knows_provided

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wherry.checks.model import Finding
    from wherry.compose.model import Composition, Package
    from wherry.context import Context
    from wherry.pipeline.request import BuildRequest

__all__ = ["preflight"]

_CODES = (
    "SYN001",
    "IMP001",
    "IMP003",
    "RT002",
    "CASE001",
    "ELF001",
    "ELF002",
    "ELF003",
    "ELF004",
    "ELF005",
)
# Verdicts by key: True where nothing was found.
_VERDICT: Memo[bool] = Memo("verdicts", encode=bool, decode=bool)
_SHOWN = 10


def preflight(composition: Composition, request: BuildRequest, context: Context) -> None:
    """Check the functions of a composition with their layers.

    Raises:
        CheckError: one fails on Lambda for certain, and the settings do not reduce this to a warning.
    """
    settings = request.settings.check
    if settings.level == "off":
        return
    findings: list[Finding] = []
    for package in composition.packages:
        if package.kind == "function":
            findings += _findings(composition.with_layers(package), request, context)
    if not findings:
        return
    if settings.level == "warn":
        for finding in findings:
            context.reporter.emit(Warned(text=_line(finding), hint=finding.hint))
        return
    raise CheckError(
        "the package would fail on AWS Lambda",
        where=first_lines([_line(finding) for finding in findings], _SHOWN),
        hint="\n".join(
            [
                *dict.fromkeys(finding.hint for finding in findings[:3]),
                '`wherry check` lists all findings; `check = "warn"` in the settings builds anyway',
            ]
        ),
    )


def _findings(
    packages: Sequence[Package], request: BuildRequest, context: Context
) -> tuple[Finding, ...]:
    """The errors of a function with its layers."""
    package, *layers = packages
    settings, label = request.settings.check, request.label(package.name)
    key = memo_key(imports_key(packages, label, context), settings.select, settings.ignore)
    if _VERDICT.recall(context.store, key):
        return ()
    from wherry.checks.model import Subject
    from wherry.checks.registry import chosen_codes, run_checks
    from wherry.contents.parts import part_of_package
    from wherry.contents.read import Contents, Options

    provided = (one.name for one in package.provided)
    subject = Subject(
        name=package.name,
        brief=True,
        contents=Contents(
            [part_of_package(each) for each in packages],
            context.target,
            Options(
                handler=package.handler,
                own=own_owners(packages),
                complete=len(layers) == len(package.layers)
                and knows_provided(provided, context.target),
                store=context.store,
                label=label,
            ),
        ),
    )
    codes = chosen_codes(settings.select, settings.ignore).intersection(_CODES)
    findings = run_checks(subject, codes)
    subject.contents.remember()
    errors = tuple(finding for finding in findings if finding.severity == "error")
    if not errors:
        _VERDICT.remember(context.store, key, True)  # noqa: FBT003
    return errors


def _line(finding: Finding) -> str:
    return f"{finding.code} `{finding.where}` of `{finding.owner}`: {finding.message}"
