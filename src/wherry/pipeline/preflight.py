"""Checks of a build before anything is written: those that are cheap, for what is certain to fail on Lambda.

A verdict that nothing fails is remembered by what it depends on: the files of dependencies, and the imports, but not
the text, of the project's own modules. So an edit of a function is checked without reading a dependency.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.compose.model import EXTRA_PATHS, HOOKS
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

_CODES = ("SYN001", "IMP001", "RT002", "CASE001", "ELF001", "ELF002", "ELF003", "ELF004", "ELF005")
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
            layers = [
                other
                for layer in package.layers
                for other in composition.packages
                if other.name == layer and other.kind == "layer"
            ]
            findings += _Preflight([package, *layers], request, context).findings()
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


class _Preflight:
    """The check of one function with its layers."""

    def __init__(
        self, packages: Sequence[Package], request: BuildRequest, context: Context
    ) -> None:
        self._packages, self._request, self._context = packages, request, context
        own = (one.name for package in packages for one in package.distributions if one.own)
        self._own = frozenset([*own, EXTRA_PATHS, HOOKS])
        self._label = f"{request.root.absolute()} {packages[0].name}"

    def findings(self) -> tuple[Finding, ...]:
        store, key = self._context.store, self._key()
        if _VERDICT.recall(store, key):
            return ()
        findings = self._look()
        if not findings:
            _VERDICT.remember(store, key, True)  # noqa: FBT003
        return findings

    def _key(self) -> str:
        """The key of the verdict: nothing of dependencies is read, and of own modules only their imports."""
        settings = self._request.settings.check
        return memo_key(
            imports_key(self._packages, self._own, self._label, self._context),
            settings.select,
            settings.ignore,
        )

    def _look(self) -> tuple[Finding, ...]:
        from wherry.checks.model import Subject
        from wherry.checks.registry import chosen_codes, run_checks
        from wherry.contents.parts import part_of_package
        from wherry.contents.read import Contents, Options

        package, *layers = self._packages
        settings = self._request.settings.check
        subject = Subject(
            name=package.name,
            brief=True,
            contents=Contents(
                [part_of_package(each) for each in self._packages],
                self._context.target,
                Options(
                    handler=package.handler,
                    own=self._own,
                    complete=len(layers) == len(package.layers)
                    and knows_provided(
                        (one.name for one in package.provided), self._context.target
                    ),
                    store=self._context.store,
                    label=self._label,
                ),
            ),
        )
        codes = chosen_codes(settings.select, settings.ignore).intersection(_CODES)
        findings = run_checks(subject, codes)
        subject.contents.remember()
        return tuple(finding for finding in findings if finding.severity == "error")


def _line(finding: Finding) -> str:
    return f"{finding.code} `{finding.where}` of `{finding.owner}`: {finding.message}"
