"""``diff`` for the configuration and the tags of a function. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.aws.actions import TagFunction, UpdateConfiguration
from wherry.aws.attached import parse_description
from wherry.aws.configuration import ValueChange, unreadable
from wherry.settings.model import MANAGEABLE
from wherry.target.quotas import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from wherry.aws.model import DesiredFunction, Observed, ObservedFunction, Snapshot
    from wherry.problems import Problems

__all__ = [
    "is_record",
    "require_small_environment",
    "set_tags",
    "unmanaged",
    "update_configuration",
]


def update_configuration(
    function: DesiredFunction, current: ObservedFunction, after: Snapshot
) -> UpdateConfiguration | None:
    """The one action for all that differs in layers, handler, runtime and configuration; None if nothing does."""
    latest = current.latest
    layers = after.layers if after.layers != latest.layers else None
    handler = after.handler if after.handler != latest.handler else None
    runtime = after.runtime if after.runtime != latest.runtime else None
    managed = function.managed
    changes = managed.value_changes(current.configuration)
    values = tuple(change for change in changes if not is_record(change))
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
    if changes and not why:
        why.append("the record of attached layers")
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


def is_record(change: ValueChange) -> bool:
    """Whether nothing differs but what is recorded at the end of a description."""
    texts = {parse_description(str(value))[0] for value in (change.before, change.after)}
    return change.name == "description" and len(texts) == 1


def require_small_environment(
    function: DesiredFunction, configuration: Mapping[str, Any], problems: Problems
) -> None:
    """Report variables that are more than AWS Lambda takes; ``configuration`` is empty if it is to be created."""
    wanted = function.managed if configuration else function.configuration
    variables = wanted.arguments(configuration).get("Environment", {}).get("Variables", {})
    size = sum(len(text.encode()) for pair in variables.items() for text in pair)
    if size > ENVIRONMENT:
        problems.add(
            f"function `{function.aws_name}` would have {size} bytes of variables, names and values together, and AWS "
            f"Lambda allows {ENVIRONMENT}",
            hint="let the function itself read the long values",
        )


def unmanaged(functions: Iterable[DesiredFunction], observed: Observed) -> Iterator[str]:
    """Warnings about configuration that the settings give, that differs on AWS, and that stays."""
    names: dict[tuple[str, str], list[str]] = {}
    for function in functions:
        current = observed.functions.get(function.aws_name)
        # A publication alone manages nothing.
        if current is None or not function.manage or unreadable(current.configuration) is not None:
            continue
        wanted = function.configuration.only(frozenset(MANAGEABLE) - function.manage)
        description, _ = parse_description(current.configuration.get("Description") or "")
        values = wanted.value_changes({**current.configuration, "Description": description})
        variables = [
            change.name
            for change in wanted.variable_changes(current.configuration)
            if change.change != "same"
        ]
        parts = [change.name.partition(".")[0] for change in values]
        parts += ["environment"] if variables else []
        if parts:
            differences = ", ".join([*map(str, values), *variables])
            quoted = ", ".join(f'"{part}"' for part in dict.fromkeys(parts))
            names.setdefault((differences, quoted), []).append(f"`{function.aws_name}`")
    for (differences, quoted), alike in names.items():
        several = len(alike) > 1
        yield (
            f"function{'s' if several else ''} {', '.join(alike)} stay{'' if several else 's'} other than the settings "
            f"say ({differences}): put {quoted} into `manage`, or remove it from the stage"
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
