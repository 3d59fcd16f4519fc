"""The desired state of a stage, from the settings and the packages that were built. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.aws.configuration import Configuration, Variable
from wherry.aws.model import Desired, DesiredFunction, DesiredLayer
from wherry.aws.stage import find_stage
from wherry.errors import DeployError, SettingsError
from wherry.problems import Problems
from wherry.settings.references import LayerReference, Origin
from wherry.target.quotas import DESCRIPTION

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable

    from wherry.pipeline.report import BuildReport, PackageReport
    from wherry.settings.model import StageFunction, StageSettings
    from wherry.settings.project import Project

__all__ = ["describe", "desire"]


def desire(
    project: Project, report: BuildReport, stage: str, *, canary: float | None = None
) -> Desired:
    """The desired state of a stage: of the packages of the report alone.

    ``canary`` is the share of calls, between 0 and 1, that new versions get at first.

    Raises:
        SettingsError: there is no such stage.
        DeployError: two functions or layers would have one name on AWS, or a canary has no alias.
    """
    settings = find_stage(project, stage)
    built = frozenset(package.name for package in report.packages if package.kind == "layer")

    def layer_name(name: str) -> str:
        return settings.layer_on_aws(name, project=project.name, stage=stage)

    owned = frozenset(map(layer_name, {*project.settings.layers, *built}))

    own_layers = settings.layer_pattern(project=project.name, stage=stage)

    def desired_layer(package: PackageReport) -> DesiredLayer:
        own = settings.layer(package.name)
        return DesiredLayer(
            name=package.name,
            aws_name=layer_name(package.name),
            path=package.path,
            code_sha256=package.code_sha256,
            size=package.size,
            runtimes=package.runtimes,
            architectures=package.architectures,
            description=own.description or describe(project),
            license=own.license,
            share=own.share,
        )

    def desired_function(package: PackageReport) -> DesiredFunction:
        own = settings.function(package.name)
        alias = own.alias or settings.alias
        publish = own.publish if own.publish is not None else settings.publish
        return DesiredFunction(
            name=package.name,
            aws_name=settings.function_on_aws(package.name, project=project.name, stage=stage),
            path=package.path,
            code_sha256=package.code_sha256,
            size=package.size,
            runtime=package.runtimes[0],
            architecture=package.architectures[0],
            handler=package.handler,
            layers=_layers_of(own, package, built, layer_name),
            owned=owned,
            own_layers=own_layers,
            exclusive=own.exclusive_layers or own.layers == "exclusive",
            manage=frozenset(own.manage if own.manage is not None else settings.manage),
            # An alias stands at a published version, even if the stage publishes none otherwise.
            publish=alias is not None or bool(publish),
            alias=alias,
            canary=canary,
            version_description=describe(project),
            role=own.role,
            configuration=_configuration_of(own),
            tags={**settings.tags, **own.tags},
        )

    _require_layers(project, settings, report)
    functions = tuple(desired_function(one) for one in report.packages if one.kind == "function")
    layers = tuple(desired_layer(one) for one in report.packages if one.kind == "layer")
    _require_different_names("functions", functions)
    _require_different_names("layers", layers)
    _require_short_names(functions, layers)
    if canary is not None:
        problems = Problems(DeployError, "a canary needs an alias, which shares the calls")
        for function in functions:
            if function.alias is None:
                problems.add(
                    f"function `{function.name}` has none in stage `{stage}`",
                    hint='give the stage one: alias = "live"',
                )
        problems.raise_all()
    return Desired(
        stage=stage,
        layers=layers,
        functions=functions,
        direct_upload=None if settings.bucket else project.settings.quotas.direct_upload,
        layer_quota=project.settings.quotas.layers,
    )


def describe(project: Project) -> str:
    """The project and its version, as a description of versions of functions and layers."""
    return " ".join(filter(None, (project.name, project.version)))[:DESCRIPTION]


def _require_short_names(
    functions: Iterable[DesiredFunction], layers: Iterable[DesiredLayer]
) -> None:
    """Refuse names that a pattern made longer than AWS allows."""
    problems = Problems(DeployError, "AWS allows no names that long")
    for kind, parts, longest in (("function", functions, 64), ("layer", layers, 140)):
        for part in parts:
            name = part.aws_name.rpartition(":")[2]
            if len(name) > longest:
                problems.add(
                    f"{kind} `{part.name}` would be called `{name}`, {len(name)} characters of {longest}",
                    hint=f'set another `{kind}-name` of the stage, or {kind}s.{part.name} = {{ name = "…" }}',
                )
    problems.raise_all()


def _require_different_names(kind: str, parts: Iterable[DesiredFunction | DesiredLayer]) -> None:
    names: dict[str, list[str]] = {}
    for part in parts:
        names.setdefault(part.aws_name, []).append(f"`{part.name}`")
    problems = Problems(DeployError, f"several {kind} would have one name on AWS")
    for aws_name, own in names.items():
        if len(own) > 1:
            problems.add(
                f"`{aws_name}`", ", ".join(own), hint="give each a name of its own in the stage"
            )
    problems.raise_all()


def _configuration_of(function: StageFunction) -> Configuration:
    """The configuration that the stage gives a function."""
    values: dict[str, int | str | None] = {
        "memory": function.memory,
        "timeout": function.timeout,
        "ephemeral-storage": function.ephemeral_storage,
        "tracing": function.tracing,
        "description": function.description,
        **{f"logging.{key}": value for key, value in function.logging.items()},
    }
    if function.snap_start is not None:
        values["snap-start"] = "PublishedVersions" if function.snap_start else "None"
    return Configuration(
        values={key: value for key, value in values.items() if value is not None},
        variables={
            name: Variable(
                setting=setting, value=setting.text if setting.origin is Origin.PLAIN else None
            )
            for name, setting in function.environment.items()
        },
    )


def _layers_of(
    function: StageFunction,
    package: PackageReport,
    built: Container[str],
    layer_name: Callable[[str], str],
) -> tuple[str | LayerReference, ...]:
    """The layers of a function: those of the stage, else those it was built with; an empty one was not built."""
    listed = function.layers if isinstance(function.layers, tuple) else package.layers
    return tuple(
        layer_name(layer) if isinstance(layer, str) and layer in built else layer
        for layer in listed
        if not isinstance(layer, str) or layer in built or layer.startswith("arn:")
    )


def _require_layers(project: Project, settings: StageSettings, report: BuildReport) -> None:
    """Require that the layers which a stage lists for a function are those with which it was built.

    Layers of others may be more, fewer or in another order.

    Raises:
        SettingsError: a layer of the project is missing, or listed in vain.
    """
    problems = Problems(
        SettingsError, "a stage lists other layers than the functions were built with"
    )
    for package in report.packages:
        listed = settings.function(package.name).layers
        if package.kind != "function" or not isinstance(listed, tuple):
            continue
        own = {layer for layer in listed if isinstance(layer, str) and not layer.startswith("arn:")}
        with_it = {layer for layer in package.layers if not layer.startswith("arn:")}
        for layer in sorted(with_it - own):
            problems.add(
                f"functions.{package.name}.layers",
                f"`{layer}` is missing, and the function was built without what is in it",
            )
        described = project.settings.functions.get(package.name)
        # A layer that came out empty is not built.
        for layer in sorted(own - with_it - {*(described.layers if described else ())}):
            known = layer in project.settings.layers
            problems.add(
                f"functions.{package.name}.layers",
                f"the function was built without layer `{layer}`"
                if known
                else f"there is no layer `{layer}`",
                hint=f'put it into [tool.wherry.functions.{package.name}] layers = ["{layer}"]'
                if known
                else None,
            )
            problems.suggest(layer, project.settings.layers)
    problems.raise_all()
