"""A stage of a project, with the names of its functions and layers on AWS. Nothing is built."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

from msgspec.structs import replace

from wherry.aws.client import Client
from wherry.aws.observe import observe_functions
from wherry.errors import SettingsError
from wherry.events import SILENT, Reporter
from wherry.problems import Problems, did_you_mean, refuse_options
from wherry.settings.model import StageSettings, plain_stage
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wherry.aws.model import ObservedAlias, ObservedFunction
    from wherry.settings.project import Project

__all__ = [
    "ProjectStage",
    "StageOptions",
    "deploy_first",
    "find_stage",
    "legacy_stage",
    "observe_stage",
    "read_stage",
    "regions_of",
]


class StageOptions(TypedDict, total=False):
    """The options of every function that reads a stage and builds nothing.

    ``names`` are the functions and layers, all by default; ``name`` the function's name, if the settings name none;
    ``config`` a file with the settings, instead of the project's; ``reporter`` receives the events.
    """

    names: Sequence[str]
    name: str | None
    config: Path | str | None
    reporter: Reporter


class ProjectStage(Struct, frozen=True, kw_only=True):
    """A stage, with the functions and layers that were asked for: names on AWS by those of the settings."""

    project: Project
    settings: StageSettings
    client: Client
    functions: Mapping[str, str]
    layers: Mapping[str, str]
    reporter: Reporter

    def alias_of(self, function: str) -> str | None:
        """The alias that callers of a function (name in the settings) use; None if they use ``$LATEST``."""
        return self.settings.function(function).alias or self.settings.alias


def find_stage(project: Project, name: str) -> StageSettings:
    """The settings of a stage, or, for ``STAGE@REGION``, of that stage in one of its regions.

    Raises:
        SettingsError: there is no such stage or region, or it names functions or layers that the settings do not have; the
            nearest is suggested.
    """
    settings = project.settings
    name, at, region = name.partition("@")
    if name not in settings.stages:
        known = ", ".join(f"`{stage}`" for stage in settings.stages)
        raise SettingsError(
            f"there is no stage `{name}`" if name else "no stage was named",
            where=[f"the settings have {known}" if known else "the settings have no stages"],
            hint=did_you_mean(name, known=settings.stages)
            or (None if known else f"write one: [tool.wherry.stages.{name}]"),
        )
    stage = settings.stages[name]
    functions = [*settings.functions] or [project.name]
    problems: list[str] = []
    hints: list[str | None] = []
    for kind, configured, existing in (
        ("function", stage.functions, functions),
        ("layer", stage.layers, [*settings.layers]),
    ):
        missing = [part for part in configured if part not in existing]
        problems += [
            f"stages.{name}.{kind}s.{part}: there is no {kind} `{part}`" for part in missing
        ]
        hints.append(did_you_mean(*missing, known=existing))
    if problems:
        raise SettingsError(
            f"stage `{name}` names functions or layers that the project does not have",
            where=problems,
            hint="\n".join(filter(None, hints)) or None,
        )
    return _in_region(stage, name, region if at else None)


def legacy_stage(config: Path | str | None, stage: str) -> str | None:
    """The stage as readers of a ``drover.yml`` are told it, whose stages build different packages; None for other settings."""
    from wherry.settings.legacy.read import is_legacy

    return plain_stage(stage) if config is not None and is_legacy(Path(config)) else None


def read_stage(project: Path | str, stage: str, **options: Unpack[StageOptions]) -> ProjectStage:
    """Read a stage of a project.

    Raises:
        ProjectError: there is no project.
        SettingsError: the settings are wrong, or have no such stage, function or layer.
    """
    from wherry.compose.recipe import recipes
    from wherry.settings.project import read_project

    refuse_options(options, StageOptions)
    names, config = options.get("names") or (), options.get("config")
    path, legacy = None if config is None else Path(config), legacy_stage(config, stage)
    read = read_project(Path(project), config=path, stage=legacy, name=options.get("name"))
    settings = find_stage(read, stage)
    functions: dict[str, str] = {}
    layers: dict[str, str] = {}
    for recipe in recipes(read.settings, name=read.name, names=names):
        # Layers that a named function needs are not asked for themselves.
        if names and recipe.name not in names:
            continue
        if recipe.kind == "function":
            functions[recipe.name] = settings.function_on_aws(
                recipe.name, project=read.name, stage=stage
            )
        else:
            layers[recipe.name] = settings.layer_on_aws(recipe.name, project=read.name, stage=stage)
    return ProjectStage(
        project=read,
        settings=settings,
        client=Client(settings, name=stage),
        functions=functions,
        layers=layers,
        reporter=options.get("reporter", SILENT),
    )


def regions_of(stage: StageSettings) -> tuple[str, ...]:
    """The regions of a stage, its ``region`` first; empty if the settings name none."""
    first = (stage.region,) if stage.region is not None else ()
    return tuple(dict.fromkeys((*first, *stage.regions)))


def _in_region(stage: StageSettings, name: str, region: str | None) -> StageSettings:
    """The settings of a stage in one region, by default its first, with ``{region}`` of its bucket replaced.

    Raises:
        SettingsError: the stage does not have that region.
    """
    known = regions_of(stage)
    if region is not None and region not in known:
        raise SettingsError(
            f"stage `{name}` is not in {region}" if region else "`@` is followed by no region",
            where=[
                f"its regions are {', '.join(known)}" if known else "its settings name no region"
            ],
            hint=did_you_mean(region, known=known)
            or f'add it: [tool.wherry.stages.{name}] regions = ["{region or "eu-west-1"}"]',
        )
    chosen = region or next(iter(known), None)
    bucket = stage.bucket
    if bucket is not None and chosen is not None:
        bucket = bucket.replace("{region}", chosen)
    return replace(stage, region=chosen, bucket=bucket)


def observe_stage(
    stage: ProjectStage, problems: Problems
) -> dict[str, tuple[ObservedFunction, ObservedAlias | None]]:
    """The functions by their names in the settings, with their aliases; None for callers that use ``$LATEST``."""
    observed = observe_functions(stage.functions.values(), stage.client)
    found: dict[str, tuple[ObservedFunction, ObservedAlias | None]] = {}
    for name, aws_name in stage.functions.items():
        function, alias = observed.functions.get(aws_name), stage.alias_of(name)
        if function is None:
            problems.add(f"there is no function `{aws_name}`", hint=deploy_first(stage))
            continue
        stands = function.alias(alias)
        if alias is not None and stands is None:
            problems.add(f"function `{aws_name}` has no alias `{alias}`", hint=deploy_first(stage))
        else:
            found[name] = function, stands
    return found


def deploy_first(stage: ProjectStage) -> str:
    """The hint for what a stage does not have."""
    return f"deploy it first: wherry deploy {stage.client.name}"
