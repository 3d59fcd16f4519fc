"""One function as a stage describes it: the desired state: its layers and its configuration. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.aws.configuration import Configuration, Variable
from wherry.errors import SettingsError
from wherry.problems import Problems
from wherry.settings.references import Origin

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from wherry.pipeline.report import BuildReport, PackageReport
    from wherry.settings.model import StageFunction, StageSettings
    from wherry.settings.project import Project
    from wherry.settings.references import LayerReference

__all__ = ["configuration_of", "layers_of", "require_layers"]


def configuration_of(function: StageFunction) -> Configuration:
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


def layers_of(
    function: StageFunction,
    package: PackageReport,
    built: Container[str],
    layer_name: Callable[[str], str],
) -> tuple[str | LayerReference, ...]:
    """The layers of a function: those of the stage, else those with which it was built.

    Args:
        function: its settings in the stage.
        package: the function as it was built.
        built: the names of the layers that were built; one that came out empty was not.
        layer_name: the name on AWS of a layer of the settings.
    """
    listed = function.layers if isinstance(function.layers, tuple) else package.layers
    return tuple(
        layer_name(layer) if isinstance(layer, str) and layer in built else layer
        for layer in listed
        if not isinstance(layer, str) or layer in built or layer.startswith("arn:")
    )


def require_layers(project: Project, settings: StageSettings, report: BuildReport) -> None:
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
