"""What a stage should be: the settings, the stage and what was built. Pure."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from wherry.aws.model import Desired, DesiredFunction, DesiredLayer
from wherry.errors import DeployError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wherry.project import Project
    from wherry.report import BuildReport, PackageReport
    from wherry.settings.stages import StageSettings

__all__ = ["describe", "desire", "find_stage"]

_DESCRIPTION = 256
"""Characters that AWS takes as a description."""


def find_stage(project: Project, name: str) -> StageSettings:
    """The stage of that name.

    Raises:
        SettingsError: there is none, or it is about functions or layers that the settings do not have; the
            nearest is named.
    """
    settings = project.settings
    if name not in settings.stages:
        known = ", ".join(f"`{one}`" for one in settings.stages)
        raise SettingsError(
            f"there is no stage `{name}`",
            where=[f"the settings have {known}" if known else "the settings have no stages"],
            hint=_nearest([name], settings.stages)
            or (None if known else f"write one: [tool.wherry.stages.{name}]"),
        )
    stage = settings.stages[name]
    functions = [*settings.functions] or [project.name]
    wrong: list[str] = []
    hints: list[str | None] = []
    for kind, said, there in (
        ("function", stage.functions, functions),
        ("layer", stage.layers, [*settings.layers]),
    ):
        missing = [one for one in said if one not in there]
        wrong += [f"stages.{name}.{kind}s.{one}: there is no {kind} `{one}`" for one in missing]
        hints.append(_nearest(missing, there))
    if wrong:
        raise SettingsError(
            f"stage `{name}` is about what the project does not have",
            where=wrong,
            hint="\n".join(filter(None, hints)) or None,
        )
    return stage


def desire(
    project: Project, report: BuildReport, stage: str, *, canary: float | None = None
) -> Desired:
    """What the stage should be, once what was built is there.

    Args:
        project: with the settings.
        report: of the build: only what it tells of is deployed.
        stage: the stage's name.
        canary: the share of calls, between 0 and 1, that new versions get at first.

    Raises:
        SettingsError: there is no such stage.
        DeployError: two functions or layers would have one name on AWS, or a canary has no alias.
    """
    settings, said = project.settings, find_stage(project, stage)
    built = {package.name for package in report.packages if package.kind == "layer"}
    owned = frozenset(
        said.layer_on_aws(name, project=project.name, stage=stage)
        for name in {*settings.layers, *built}
    )
    functions = tuple(
        _function(package, project, said, stage, built=built, owned=owned, canary=canary)
        for package in report.packages
        if package.kind == "function"
    )
    layers = tuple(
        _layer(package, project, said, stage)
        for package in report.packages
        if package.kind == "layer"
    )
    _require_apart("functions", functions)
    _require_apart("layers", layers)
    if canary is not None and (bare := [one.name for one in functions if one.alias is None]):
        raise DeployError(
            "a canary wants an alias, which shares the calls out",
            where=[f"function `{name}` has none in stage `{stage}`" for name in bare],
            hint='give the stage one: alias = "live"',
        )
    return Desired(
        stage=stage,
        layers=layers,
        functions=functions,
        direct_upload=None if said.bucket else settings.quotas.direct_upload,
        layer_quota=settings.quotas.layers,
    )


def describe(project: Project) -> str:
    """The project and its version, as versions of functions and layers are described."""
    return " ".join(filter(None, (project.name, project.version)))[:_DESCRIPTION]


def _layer(
    package: PackageReport, project: Project, stage: StageSettings, name: str
) -> DesiredLayer:
    own = stage.layer(package.name)
    return DesiredLayer(
        name=package.name,
        aws_name=stage.layer_on_aws(package.name, project=project.name, stage=name),
        path=package.path,
        code_sha256=package.code_sha256,
        size=package.size,
        runtimes=package.runtimes,
        architectures=package.architectures,
        description=own.description or describe(project),
        license=own.license,
        share=own.share,
    )


def _function(
    package: PackageReport,
    project: Project,
    stage: StageSettings,
    name: str,
    *,
    built: set[str],
    owned: frozenset[str],
    canary: float | None,
) -> DesiredFunction:
    own = stage.function(package.name)
    alias = own.alias or stage.alias
    said = own.publish if own.publish is not None else stage.publish
    return DesiredFunction(
        name=package.name,
        aws_name=stage.function_on_aws(package.name, project=project.name, stage=name),
        path=package.path,
        code_sha256=package.code_sha256,
        size=package.size,
        runtime=package.runtimes[0],
        architecture=package.architectures[0],
        handler=package.handler,
        layers=tuple(
            stage.layer_on_aws(layer, project=project.name, stage=name) if layer in built else layer
            for layer in package.layers
            if layer in built or layer.startswith("arn:")
        ),
        owned=owned,
        manage=frozenset(own.manage if own.manage is not None else stage.manage),
        # An alias stands at a published version, whatever the stage says of all functions.
        publish=alias is not None or bool(said),
        alias=alias,
        canary=canary,
        version_description=describe(project),
        role=own.role,
        description=own.description,
        memory=own.memory,
        timeout=own.timeout,
        tags=stage.tags,
    )


def _require_apart(kind: str, parts: Iterable[DesiredFunction | DesiredLayer]) -> None:
    names: dict[str, list[str]] = {}
    for part in parts:
        names.setdefault(part.aws_name, []).append(part.name)
    if double := {name: own for name, own in names.items() if len(own) > 1}:
        raise DeployError(
            f"several {kind} would have one name on AWS",
            where=[
                f"`{name}`: {', '.join(f'`{one}`' for one in own)}" for name, own in double.items()
            ],
            hint="give each a name of its own in the stage",
        )


def _nearest(names: Iterable[str], known: Iterable[str]) -> str | None:
    candidates = list(known)
    found = [one for name in names for one in get_close_matches(name, candidates, n=1)]
    return f"did you mean {', '.join(f'`{one}`' for one in found)}?" if found else None
