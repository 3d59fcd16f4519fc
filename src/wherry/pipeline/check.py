"""Checks of built packages, or of any zip archives, in one call."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from msgspec import field
from msgspec.structs import replace

from wherry.checks.model import Limits, Subject
from wherry.checks.registry import chosen_codes, run_checks
from wherry.contents.guess import guess_target
from wherry.contents.parts import part_of_zip
from wherry.contents.read import Contents, Options
from wherry.context import Context
from wherry.errors import SettingsError
from wherry.events import SILENT, Note
from wherry.indexes.network import Network
from wherry.pipeline.build import build_packages
from wherry.pipeline.options import BuildOptions, build_options
from wherry.pipeline.present import present_settings
from wherry.pipeline.request import as_request, open_context
from wherry.pipeline.written import report_written
from wherry.problems import refuse_options
from wherry.settings.model import CheckSettings
from wherry.store import Store
from wherry.structs import Struct
from wherry.target import Target, find_architecture, find_runtime
from wherry.target.provided import knows_provided

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from wherry.checks.model import Finding
    from wherry.contents.model import Part
    from wherry.events import Reporter
    from wherry.inspect.saving import Present
    from wherry.pipeline.report import BuildReport, PackageReport
    from wherry.pipeline.request import BuildRequest

__all__ = ["CheckOptions", "CheckReport", "Subjects", "check", "find_subjects"]

SCHEMA = 1
"""Raised when a field changes its meaning or goes; new fields do not raise it."""


class CheckOptions(BuildOptions, total=False):
    """The options of a check, besides those of the build before it.

    Attributes:
        files: zip archives of any tool to check, instead of a project's packages.
        layer_files: zip archives or ARNs of the layers of each of ``files``, in the order in which Lambda unpacks them; in
            a project, ARNs that functions name. What has an ARN is fetched once from AWS.
        select: codes, or beginnings of codes, to look for; all by default.
        ignore: codes, or beginnings of codes, to leave out.
        strict: also tell what may be meant, or may never be used.
        advisories: ask for known vulnerabilities, by the network.
        no_build: check what is written, without building first.
    """

    files: Sequence[Path | str]
    layer_files: Sequence[Path | str]
    select: Sequence[str]
    ignore: Sequence[str]
    strict: bool
    advisories: bool
    no_build: bool


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
    codes = _codes(options, subjects.settings)
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
        findings=_unique(findings),
    )


class Subjects(Struct, frozen=True, kw_only=True):
    """The packages that are looked at.

    Attributes:
        target: that they are for.
        subjects: functions with their layers, and layers by themselves.
        settings: of checks, as the project has them.
        project_name: None where zip archives are looked at.
        present: the settings that packages of a project have, as far as suggestions are about them, by name.
    """

    target: Target
    subjects: tuple[Subject, ...]
    settings: CheckSettings
    project_name: str | None = None
    present: Mapping[str, Present] = field(default_factory=dict)


def find_subjects(
    project: Path | str,
    options: CheckOptions,
    store: Store,
    reporter: Reporter,
    *,
    doing: str = "checking",
) -> Subjects:
    """The packages of a project, which are built first, or zip archives of any tool.

    Args:
        project: the project's folder; not read where ``files`` are given.
        options: what is asked.
        store: where files are kept, and what was found out is remembered.
        reporter: told what happens.
        doing: a word for what is done with them, for messages.

    Raises:
        WherryError: a package cannot be built, or a file not be read.
    """
    if options.get("files"):
        return _of_files(options, store, reporter, doing)
    if any(not _is_arn(layer) for layer in options.get("layer_files", ())):
        verb = doing.removesuffix("ing")
        raise SettingsError(
            f"a layer is {verb}ed with the function that takes it",
            hint=f"name the function's zip archive, too: wherry {verb} FUNCTION.zip --layer LAYER.zip",
        )
    return _of_project(project, options, store, reporter, doing)


def _codes(options: CheckOptions, settings: CheckSettings) -> frozenset[str]:
    return chosen_codes(
        options.get("select") or settings.select,
        [*options.get("ignore", ()), *settings.ignore],
    )


def _unique(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    order = ("error", "warning", "note")
    return tuple(sorted(dict.fromkeys(findings), key=lambda each: order.index(each.severity)))


def _of_files(options: CheckOptions, store: Store, reporter: Reporter, doing: str) -> Subjects:
    """The subjects of zip archives: each with the same layers."""
    paths = [Path(path) for path in options.get("files", ())]
    fetched = _fetched(options, store, reporter)
    layers = [
        fetched.get(str(path)) or part_of_zip(Path(path), kind="layer")
        for path in options.get("layer_files", ())
    ]
    functions = [part_of_zip(path, kind="function" if layers else "") for path in paths]
    target = _target([*functions, *layers], options, reporter, doing)
    return Subjects(
        target=target,
        settings=CheckSettings(),
        subjects=tuple(
            Subject(
                name=function.name,
                contents=Contents(
                    [function, *layers],
                    target,
                    Options(
                        handler=options.get("handler"), store=store, label=str(path.absolute())
                    ),
                ),
                layers=tuple(layer.name for layer in layers),
                strict=options.get("strict", False),
            )
            for path, function in zip(paths, functions, strict=True)
        ),
    )


def _is_arn(layer: Path | str) -> bool:
    return str(layer).startswith("arn:")


def _fetched(options: CheckOptions, store: Store, reporter: Reporter) -> Mapping[str, Part]:
    """The layers that are named by ARN, each under it."""
    arns = [str(layer) for layer in options.get("layer_files", ()) if _is_arn(layer)]
    if not arns:
        return {}
    from wherry.pipeline.arn_layers import fetch_layers

    context = Context(
        # Any will do: a layer is fetched as it is.
        target=guess_target(()),
        store=store,
        network=Network(offline=options.get("offline", False)),
        reporter=reporter,
    )
    paths = fetch_layers(arns, context, run=False)
    return {arn: part_of_zip(path, name=arn, kind="layer") for arn, path in paths.items()}


def _target(parts: Sequence[Part], options: CheckOptions, reporter: Reporter, doing: str) -> Target:
    """The target that was asked for; what was not is guessed by the compiled files."""
    runtime, architecture = options.get("runtime"), options.get("architecture")
    guessed = guess_target(parts)
    target = Target(
        runtime=find_runtime(runtime) if runtime else guessed.runtime,
        architecture=find_architecture(architecture) if architecture else guessed.architecture,
    )
    if not runtime or not architecture:
        reporter.emit(
            Note(text=f"{doing} for {target}; choose another with `--runtime` and `--architecture`")
        )
    return target


def _of_project(
    project: Path | str, options: CheckOptions, store: Store, reporter: Reporter, doing: str
) -> Subjects:
    """The subjects of a project: its functions with their layers, and layers that no function takes."""
    request = as_request(project, build_options(options))
    checked = request.settings.check
    if options.get("no_build"):
        from wherry.pipeline.target import written_target

        request = written_target(request, store)
        report = report_written(_unchecked(request))
    else:
        # Report as a finding what a build would refuse.
        unchecked = _unchecked(request)
        report = build_packages(
            unchecked, open_context(unchecked, store=store, reporter=reporter, doing=doing)
        )
    return Subjects(
        target=report.target,
        subjects=tuple(
            _subjects(report, request, options, store, _fetched(options, store, reporter))
        ),
        settings=checked,
        project_name=request.project.name,
        present=present_settings(request),
    )


def _unchecked(request: BuildRequest) -> BuildRequest:
    project = request.project
    quotas = replace(project.settings.quotas, unzipped=sys.maxsize)
    settings = replace(project.settings, check=CheckSettings(level="off"), quotas=quotas)
    return replace(request, project=replace(project, settings=settings))


def _subjects(
    report: BuildReport,
    request: BuildRequest,
    options: CheckOptions,
    store: Store,
    fetched: Mapping[str, Part],
) -> Iterable[Subject]:
    parts = {
        package.name: part_of_zip(package.path, name=package.name, kind=package.kind)
        for package in report.packages
    }
    parts.update(fetched)
    taken = {layer for package in report.packages for layer in package.layers}
    for arn in fetched:
        if arn not in taken:
            raise SettingsError(
                f"no function takes the layer `{arn}`",
                hint=f"name it in the settings of a function: layers = [{arn!r}]".replace("'", '"'),
            )
    excluded = _excluded(request)
    for package in report.packages:
        if package.kind == "layer" and package.name in taken:
            continue
        yield _subject(package, parts, request, Options(
            handler=package.handler,
            own=_own(request),
            complete=all(layer in parts for layer in package.layers)
            and knows_provided([*request.settings.provided, *package.provided], request.target),
            store=store,
            label=f"{request.root.absolute()} {package.name}",
        ), strict=options.get("strict", False), excluded=excluded)  # fmt: skip


def _subject(
    package: PackageReport,
    parts: Mapping[str, Part],
    request: BuildRequest,
    known: Options,
    *,
    strict: bool,
    excluded: frozenset[str],
) -> Subject:
    quotas = request.settings.quotas
    layers = [parts[layer] for layer in package.layers if layer in parts]
    target = request.target
    return Subject(
        name=package.name,
        contents=Contents([parts[package.name], *layers], target, known),
        layers=package.layers if package.kind == "function" else (),
        limits=Limits(
            unzipped=quotas.unzipped, direct_upload=quotas.direct_upload, layers=quotas.layers
        ),
        licenses=request.settings.licenses,
        excluded=excluded,
        strict=strict,
    )


def _own(request: BuildRequest) -> frozenset[str]:
    """The names of distributions that are code of the project."""
    from packaging.utils import canonicalize_name

    roots = [recipe.name for recipe in request.recipes]
    return frozenset(canonicalize_name(name) for name in (request.project.name, *roots) if name)


def _excluded(request: BuildRequest) -> frozenset[str]:
    """The names that settings leave out, or say that the runtime provides."""
    from packaging.utils import canonicalize_name

    names = [*request.settings.provided]
    for recipe in request.recipes:
        names += [*recipe.settings.exclude, *recipe.settings.provided]
    return frozenset(canonicalize_name(name) for name in names)
