"""``diff`` for the configuration and the tags of a function. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.aws.actions import TagFunction, UpdateConfiguration
from wherry.aws.configuration import unreadable
from wherry.settings.model import MANAGEABLE
from wherry.target.quotas import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from wherry.aws.model import DesiredFunction, ObservedFunction, Snapshot
    from wherry.problems import Problems

__all__ = ["require_small_environment", "set_tags", "unmanaged", "update_configuration"]


def update_configuration(
    function: DesiredFunction, current: ObservedFunction, after: Snapshot
) -> UpdateConfiguration | None:
    """The one action for all that differs in layers, handler, runtime and managed configuration; None if nothing does.

    Args:
        function: as it should be.
        current: as it is.
        after: the state of ``$LATEST`` after the deployment.
    """
    latest = current.latest
    layers = after.layers if after.layers != latest.layers else None
    handler = after.handler if after.handler != latest.handler else None
    runtime = after.runtime if after.runtime != latest.runtime else None
    managed = function.managed
    values = managed.value_changes(current.configuration)
    variables = managed.variable_changes(current.configuration)
    why = []
    if layers is not None:
        why.append("layers")
    if handler is not None:
        why.append(f"handler {latest.handler} → {handler}")
    if runtime is not None:
        why.append(f"runtime {latest.runtime} → {runtime}")
    why.extend(map(str, values))
    if any(variable.change != "same" for variable in variables):
        why.append("environment")
    if not why:
        return None
    return UpdateConfiguration(
        why=tuple(why),
        layers=layers,
        layers_before=latest.layers,
        handler=handler,
        runtime=runtime,
        configuration=managed,
        values=values,
        variables=variables,
    )


def require_small_environment(
    function: DesiredFunction, configuration: Mapping[str, Any], problems: Problems
) -> None:
    """Report variables that are more than AWS Lambda takes.

    Args:
        function: as it should be.
        configuration: AWS's description of it; empty if it is to be created.
        problems: receives what is wrong.
    """
    wanted = function.managed if configuration else function.configuration
    variables = wanted.arguments(configuration).get("Environment", {}).get("Variables", {})
    size = sum(len(text.encode()) for pair in variables.items() for text in pair)
    if size > ENVIRONMENT:
        problems.add(
            f"function `{function.aws_name}` would have {size} bytes of variables, names and values together, and AWS "
            f"Lambda allows {ENVIRONMENT}",
            hint="let the function itself read the long values",
        )


def unmanaged(function: DesiredFunction, current: ObservedFunction) -> str | None:
    """A warning about the configuration that the settings give, that differs on AWS, and that stays."""
    if unreadable(current.configuration) is not None:
        return None
    wanted = function.configuration.only(frozenset(MANAGEABLE) - function.manage)
    differences = [*map(str, wanted.value_changes(current.configuration))]
    parts = [name.partition(" ")[0].partition(".")[0] for name in differences]
    for change in wanted.variable_changes(current.configuration):
        if change.change != "same":
            differences.append(change.name)
            parts.append("environment")
    if not differences:
        return None
    quoted = ", ".join(f'"{part}"' for part in dict.fromkeys(parts))
    return (
        f"function `{function.aws_name}` stays other than the settings say ({', '.join(differences)}): "
        f"put {quoted} into `manage`, or remove it from the stage"
    )


def set_tags(function: DesiredFunction, current: ObservedFunction) -> list[TagFunction]:
    """The action that sets managed tags; empty if none differs."""
    if current.tags is None or "tags" not in function.manage:
        return []
    tags = {key: text for key, text in function.tags.items() if current.tags.get(key) != text}
    if not tags:
        return []
    before = {key: current.tags.get(key) for key in tags}
    return [TagFunction(why=("tags",), arn=current.arn, tags=tags, before=before)]
