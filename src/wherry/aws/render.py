"""A plan for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wherry.aws.model import (
    CreateAlias,
    CreateFunction,
    MoveAlias,
    NewVersion,
    PublishLayer,
    PublishVersion,
    ShareLayer,
    UpdateCode,
    UpdateConfiguration,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from wherry.aws.difference import Difference
    from wherry.aws.model import Action, FunctionPlan, LayerPlan, LayerRef, Plan

__all__ = ["plan_document", "plan_lines", "size_text"]

SCHEMA = 1
"""Raised when a field changes its meaning or goes; new fields do not raise it."""


def plan_lines(plan: Plan, differences: Mapping[str, Difference] | None = None) -> Iterator[str]:
    """A plan, line by line.

    Args:
        plan: of ``diff``.
        differences: what would change inside of packages, by the names of functions and layers in the settings.
    """
    found = differences or {}
    for layer in plan.layers:
        yield from _part(f"layer {layer.name}", layer, found)
    for function in plan.functions:
        yield from _part(f"function {function.name}", function, found)
    number = len(plan.actions)
    if number == 0:
        yield f"Stage {plan.stage} is as it should be"
    else:
        yield f"Stage {plan.stage}: {number} change{'' if number == 1 else 's'}"


def _part(
    title: str, part: LayerPlan | FunctionPlan, differences: Mapping[str, Difference]
) -> Iterator[str]:
    called = "" if part.aws_name == part.name else f" ({part.aws_name})"
    if not part.actions:
        yield f"{title}{called}: as it should be"
        return
    yield f"{title}{called}"
    for action in part.actions:
        for number, line in enumerate(_action(action, part)):
            yield f"  {line}" if number == 0 else f"      {line}"
        if isinstance(action, PublishLayer | UpdateCode | CreateFunction):
            difference = differences.get(part.name)
            if difference is not None:
                yield f"      {difference.summary()}"


def _action(action: Action, part: LayerPlan | FunctionPlan) -> Iterator[str]:
    match action:
        case PublishLayer(layer=layer, why=why):
            yield f"publish a version, {size_text(layer.size)}: {', '.join(why)}"
        case ShareLayer(principal=principal):
            yield f"share it with {'everybody' if principal == '*' else principal}"
        case CreateFunction(function=function, layers=layers):
            yield f"create it, {size_text(function.size)}: {function.runtime} on {function.architecture}"
            for taken in layers:
                yield f"+ {_layer(taken)}"
        case UpdateCode(function=function, why=why):
            yield f"update the code, {size_text(function.size)}: {', '.join(why)}"
        case UpdateConfiguration(why=why, layers=layers):
            yield f"update the configuration: {', '.join(why)}"
            if layers is not None:
                yield from _layers(layers, part)
        case PublishVersion():
            yield "publish a version"
        case CreateAlias(alias=alias, version=version):
            yield f"create alias {alias} at {_version(version)}"
        case MoveAlias(alias=alias, version=version, was=was, canary=None):
            yield f"move alias {alias}: {_version(was)} → {_version(version)}"
        case MoveAlias(alias=alias, version=version, canary=canary) if canary is not None:
            yield f"give {_version(version)} {canary:.0%} of the calls of alias {alias}"
        case _:
            raise AssertionError(action)


def _layers(layers: tuple[LayerRef, ...], part: LayerPlan | FunctionPlan) -> Iterator[str]:
    before: tuple[LayerRef, ...] = ()
    observed = getattr(part, "observed", None)
    if observed is not None:
        before = observed.latest.layers
    for layer in before:
        if layer not in layers:
            yield f"- {_layer(layer)}"
    for layer in layers:
        yield f"{' ' if layer in before else '+'} {_layer(layer)}"


def _layer(layer: LayerRef) -> str:
    return f"the new version of {layer.layer}" if isinstance(layer, NewVersion) else layer


def _version(number: int | None) -> str:
    if number is None:
        return "the new version"
    return "$LATEST" if number == 0 else f"version {number}"


def size_text(number: int) -> str:
    """Bytes, for people: ``1.8 KiB``."""
    if number < 1024:
        return f"{number} B"
    return f"{number / 1024:,.1f} KiB" if number < 2**20 else f"{number / 2**20:,.1f} MiB"


def plan_document(
    plan: Plan, differences: Mapping[str, Difference] | None = None
) -> dict[str, Any]:
    """The JSON document of a plan. The arguments are those of ``plan_lines``."""
    found = differences or {}

    def inside(name: str) -> dict[str, Any] | None:
        return found[name].document() if name in found else None

    return {
        "schema": SCHEMA,
        "stage": plan.stage,
        "changes": len(plan.actions),
        "layers": [
            {
                "name": layer.name,
                "aws_name": layer.aws_name,
                "arn": layer.version if isinstance(layer.version, str) else None,
                "actions": [_action_document(action) for action in layer.actions],
                "difference": inside(layer.name),
            }
            for layer in plan.layers
        ],
        "functions": [
            {
                "name": function.name,
                "aws_name": function.aws_name,
                "arn": function.observed.arn if function.observed is not None else None,
                "actions": [_action_document(action) for action in function.actions],
                "difference": inside(function.name),
            }
            for function in plan.functions
        ],
        "warnings": list(plan.warnings),
    }


def _action_document(action: Action) -> dict[str, Any]:
    document: dict[str, Any] = {"action": _KINDS[type(action)], "why": list(action.why)}
    match action:
        case PublishLayer(layer=layer):
            document |= {"size": layer.size, "code_sha256": layer.code_sha256}
        case ShareLayer(principal=principal):
            document |= {"principal": principal}
        case CreateFunction(function=function, layers=layers):
            document |= {
                "size": function.size,
                "code_sha256": function.code_sha256,
                "layers": [_ref(layer) for layer in layers],
            }
        case UpdateCode(function=function, architecture=architecture):
            document |= {
                "size": function.size,
                "code_sha256": function.code_sha256,
                "architecture": architecture,
            }
        case UpdateConfiguration(layers=layers, handler=handler, runtime=runtime):
            document |= {
                "layers": None if layers is None else [_ref(layer) for layer in layers],
                "handler": handler,
                "runtime": runtime,
            }
        case PublishVersion(description=description):
            document |= {"description": description}
        case CreateAlias(alias=alias, version=version):
            document |= {"alias": alias, "version": version}
        case MoveAlias(alias=alias, version=version, was=was, canary=canary):
            document |= {"alias": alias, "version": version, "was": was, "canary": canary}
        case _:
            raise AssertionError(action)
    return document


def _ref(layer: LayerRef) -> dict[str, str]:
    """A version that is there has an ARN; one that is to be published has the name of its layer."""
    return {"arn": layer} if isinstance(layer, str) else {"new_version_of": layer.layer}


_KINDS: dict[type[Action], str] = {
    PublishLayer: "publish-layer",
    ShareLayer: "share-layer",
    CreateFunction: "create-function",
    UpdateCode: "update-code",
    UpdateConfiguration: "update-configuration",
    PublishVersion: "publish-version",
    CreateAlias: "create-alias",
    MoveAlias: "move-alias",
}
