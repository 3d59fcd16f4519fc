"""The packages that checks and inspections look at: a project's, which are built first, or anybody's zip archives."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import field
from msgspec.structs import replace

from wherry.checks.model import Subject
from wherry.contents.guess import guess_target
from wherry.contents.parts import part_of_zip
from wherry.contents.read import Contents, Options
from wherry.context import Context
from wherry.errors import SettingsError
from wherry.events import Note
from wherry.indexes.network import Network
from wherry.pipeline.build import build_packages
from wherry.pipeline.options import build_options
from wherry.pipeline.present import present_settings
from wherry.pipeline.request import as_request, open_context
from wherry.pipeline.written import report_written
from wherry.settings.model import CheckSettings
from wherry.structs import Struct
from wherry.target import Target, find_architecture, find_runtime
from wherry.target.provided import knows_provided

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from wherry.contents.model import Part
    from wherry.events import Reporter
    from wherry.inspect.saving import Present
    from wherry.pipeline.options import CheckOptions
    from wherry.pipeline.report import BuildReport
    from wherry.pipeline.request import BuildRequest
    from wherry.store import Store

__all__ = ["Subjects", "find_subjects"]


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
    """The packages of a project, which are built first, or zip archives of whatever tool.

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
            Note(text=f"{doing} for {target}; say another with `--runtime` and `--architecture`")
        )
    return target


def _of_project(
    project: Path | str, options: CheckOptions, store: Store, reporter: Reporter, doing: str
) -> Subjects:
    """The subjects of a project: its functions with their layers, and layers that no function takes."""
    request = as_request(project, build_options(options))
    if options.get("no_build"):
        from wherry.pipeline.written import written_target

        request = written_target(request, store)
        report = report_written(_unchecked(request))
    else:
        # What a build would refuse is to be told as a finding.
        unchecked = _unchecked(request)
        report = build_packages(
            unchecked, open_context(unchecked, store=store, reporter=reporter, doing=doing)
        )
    return Subjects(
        target=report.target,
        subjects=tuple(
            _subjects(report, request, options, store, _fetched(options, store, reporter))
        ),
        settings=request.settings.check,
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
    from packaging.utils import canonicalize_name

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
    settings, target = request.settings, request.target
    own = [request.project.name, *(recipe.name for recipe in request.recipes)]
    # What settings leave out, or say that the runtime provides.
    excluded = [*settings.provided]
    for recipe in request.recipes:
        excluded += [*recipe.settings.exclude, *recipe.settings.provided]
    for package in report.packages:
        if package.kind == "layer" and package.name in taken:
            continue
        layers = [parts[layer] for layer in package.layers if layer in parts]
        known = Options(
            handler=package.handler,
            own=frozenset(map(canonicalize_name, filter(None, own))),
            complete=len(layers) == len(package.layers)
            and knows_provided([*settings.provided, *package.provided], target),
            store=store,
            label=request.label(package.name),
        )
        yield Subject(
            name=package.name,
            contents=Contents([parts[package.name], *layers], target, known),
            layers=package.layers if package.kind == "function" else (),
            quotas=settings.quotas,
            licenses=settings.licenses,
            excluded=frozenset(map(canonicalize_name, excluded)),
            strict=options.get("strict", False),
        )
