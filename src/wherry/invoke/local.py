"""A function with all that a local run gives it: its settings for that, options, and the layers that ARNs name."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypedDict

from msgspec.structs import replace

from wherry.invoke.runnable import Limits, choose_function, find_runnable
from wherry.invoke.variables import passed_values
from wherry.settings.model import FunctionSettings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from wherry.bundle.bundle import Bundle
    from wherry.context import Context
    from wherry.invoke.runnable import Runnable
    from wherry.pipeline.report import BuildReport
    from wherry.pipeline.request import BuildRequest

__all__ = ["LocalOptions", "function_settings", "local_runnable"]


class LocalOptions(TypedDict, total=False):
    """The options of a local run: those that the settings of a function have, too, and those of this machine.

    Attributes:
        environment: environment variables of the function, besides those of its settings.
        timeout: seconds that the function may take for an event, 1 to 900; by default those of its settings, else 30.
        memory: in MB, 128 to 10,240; by default that of its settings. A function that uses more is ended as on
            Lambda. If neither sets it, the function is told 128, and there is only a warning.
        ephemeral_storage: the size of ``/tmp`` in MB, 512 to 10,240; by default that of its settings, else 512.
        boto3: whether a function that has no boto3 finds one, as on Lambda; by default as its settings say, else yes.
        skip_arn_layers: leave out layers that are named by ARN, instead of fetching them.
        snap_start: start the function as for SnapStart, with the hooks that it registers.
    """

    environment: Mapping[str, str]
    timeout: float | None
    memory: int | None
    ephemeral_storage: int | None
    boto3: bool | None
    skip_arn_layers: bool
    snap_start: bool


def local_runnable(
    report: BuildReport,
    name: str | None,
    settings: Mapping[str, FunctionSettings],
    options: LocalOptions,
    *,
    runtime_bundle: Bundle | None,
    context: Context,
) -> Runnable:
    """A function that was built, just now or before, as it is to run here.

    Without a name it is the only one. Options have precedence over settings.

    Raises:
        InvokeError: there is no such function, it has no handler, or a limit is not one of AWS's.
        AwsError, FetchError: a layer cannot be fetched.
    """
    functions = {package.name: package for package in report.packages if package.kind == "function"}
    chosen = functions[choose_function(list(functions), name)]
    arns = [layer for layer in chosen.layers if layer.startswith("arn:")]
    fetched: Mapping[str, Path] = {}
    if arns and not options.get("skip_arn_layers"):
        from wherry.pipeline.arn_layers import fetch_layers

        fetched = fetch_layers(arns, context)
    own, boto3 = settings.get(chosen.name, FunctionSettings()), options.get("boto3")
    runnable = find_runnable(
        report,
        chosen.name,
        environment={
            **passed_values(own.environment, os.environ),
            **options.get("environment", {}),
        },
        runtime_bundle=runtime_bundle,
        fetched=fetched,
        reporter=context.reporter,
    )
    return replace(
        runnable,
        limits=_limits(own, options),
        boto3=own.boto3 if boto3 is None else boto3,
        snap_start=options.get("snap_start", False),
    )


def function_settings(request: BuildRequest) -> Mapping[str, FunctionSettings]:
    """The settings of the functions that are asked for, by their names."""
    return {
        recipe.name: recipe.settings
        for recipe in request.recipes
        if isinstance(recipe.settings, FunctionSettings)
    }


def _limits(settings: FunctionSettings, options: LocalOptions) -> Limits:
    default = Limits()

    def first(*values: float | None) -> float:
        return next(value for value in values if value is not None)

    memory = options.get("memory")
    memory = settings.memory if memory is None else memory
    storage = first(
        options.get("ephemeral_storage"), settings.ephemeral_storage, default.ephemeral_storage
    )
    return Limits(
        timeout=first(options.get("timeout"), settings.timeout, default.timeout),
        memory=default.memory if memory is None else memory,
        memory_ends=memory is not None,
        ephemeral_storage=int(storage),
    )
