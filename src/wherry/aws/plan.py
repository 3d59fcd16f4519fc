"""``diff``: from what is to what should be, as a list of actions. Pure; what is already so gives none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wherry.aws.model import (
    Action,
    CreateAlias,
    CreateFunction,
    FunctionPlan,
    LayerPlan,
    MoveAlias,
    NewVersion,
    Plan,
    PublishLayer,
    PublishVersion,
    ShareLayer,
    Snapshot,
    UpdateCode,
    UpdateConfiguration,
    layer_of_arn,
)
from wherry.aws.render import size_text
from wherry.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wherry.aws.model import (
        Desired,
        DesiredFunction,
        DesiredLayer,
        LayerRef,
        Observed,
        ObservedFunction,
        ObservedLayer,
    )

__all__ = ["diff", "place_layers", "plan_promotion"]


def diff(desired: Desired, observed: Observed) -> Plan:
    """What is to be done; an empty plan when all is as it should be.

    Raises:
        DeployError: something cannot be done, such as bringing a package for one architecture to a function of
            the other. All of it is told at once, and nothing of the plan should be done.
    """
    refusals = _Refusals()
    layers = tuple(_layer(layer, observed.layers.get(layer.aws_name)) for layer in desired.layers)
    versions = {layer.aws_name: layer.version for layer in layers}
    warnings: list[str] = []
    functions = tuple(
        plan
        for function in desired.functions
        if (plan := _function(function, desired, observed, versions, refusals, warnings))
    )
    for layer, made in zip(desired.layers, layers, strict=True):
        if any(isinstance(action, PublishLayer) for action in made.actions):
            _require_bucket(f"layer `{layer.name}`", layer.size, desired, refusals)
    refusals.finish(desired.stage)
    return Plan(stage=desired.stage, layers=layers, functions=functions, warnings=tuple(warnings))


class _Refusals:
    """Why a plan cannot be, collected so that the user mends it in one go."""

    def __init__(self) -> None:
        self._found: list[str] = []
        self._hints: list[str] = []

    def add(self, what: str, hint: str) -> None:
        self._found.append(what)
        self._hints.append(hint)

    def finish(self, stage: str) -> None:
        if self._found:
            hints = list(dict.fromkeys(self._hints))
            raise DeployError(
                f"stage `{stage}` cannot be deployed", where=self._found, hint="\n".join(hints)
            )


def _require_bucket(what: str, size: int, desired: Desired, refusals: _Refusals) -> None:
    if desired.direct_upload is not None and size > desired.direct_upload:
        refusals.add(
            f"{what} is {size_text(size)} zipped, and a direct upload takes "
            f"{size_text(desired.direct_upload)}",
            'give the stage a bucket, so that packages go through S3: bucket = "s3://…"',
        )


def _layer(layer: DesiredLayer, latest: ObservedLayer | None) -> LayerPlan:
    why = []
    if latest is None:
        why.append("there is no version")
    else:
        if latest.code_sha256 != layer.code_sha256:
            why.append("content")
        if set(latest.runtimes) != set(layer.runtimes):
            why.append("runtimes")
        if set(latest.architectures) != set(layer.architectures):
            why.append("architectures")
    version: LayerRef = NewVersion(layer=layer.aws_name)
    actions: list[Action] = []
    shared: tuple[str, ...] = ()
    if latest is not None and not why:
        version, shared = latest.arn, latest.shared
    else:
        actions.append(
            PublishLayer(name=layer.name, aws_name=layer.aws_name, why=tuple(why), layer=layer)
        )
    actions.extend(
        ShareLayer(name=layer.name, aws_name=layer.aws_name, version=version, principal=principal)
        for principal in layer.share
        if principal not in shared
    )
    return LayerPlan(
        name=layer.name,
        aws_name=layer.aws_name,
        version=version,
        code_sha256=layer.code_sha256,
        actions=tuple(actions),
    )


def place_layers(
    current: Sequence[str],
    wanted: Sequence[LayerRef],
    *,
    owned: frozenset[str],
    account: str,
    region: str,
) -> tuple[LayerRef, ...]:
    """The layers of a function: those wanted, among those that are somebody else's.

    What is somebody else's keeps its place. The places of ours (versions of layers that are wanted, or that the
    project owns) are filled with what is wanted, in its order; what is left over follows the last of them; where
    there was none it comes last. Lambda unpacks layers in order, so a later one wins.

    Args:
        current: ARNs of the layer versions that the function has.
        wanted: what it should have.
        owned: names of the project's layers, in the function's account and region.
        account: of the function.
        region: of the function.
    """
    identities = {layer_of_arn(one) for one in wanted if isinstance(one, str)}
    names = owned | {one.layer for one in wanted if isinstance(one, NewVersion)}

    def is_ours(arn: str) -> bool:
        layer = layer_of_arn(arn)
        parts = layer.split(":")
        return layer in identities or (parts[3:5] == [region, account] and parts[-1] in names)

    places = [number for number, arn in enumerate(current) if is_ours(arn)]
    if not places:
        return (*current, *wanted)
    rest = list(wanted)
    result: list[LayerRef] = []
    for number, arn in enumerate(current):
        if number == places[-1]:
            result.extend(rest)
        elif number in places:
            if rest:
                result.append(rest.pop(0))
        else:
            result.append(arn)
    return tuple(result)


def _function(
    function: DesiredFunction,
    desired: Desired,
    observed: Observed,
    versions: Mapping[str, LayerRef],
    refusals: _Refusals,
    warnings: list[str],
) -> FunctionPlan | None:
    wanted = tuple(versions.get(layer, layer) for layer in function.layers)
    there = observed.functions.get(function.aws_name)
    if there is None:
        return _create(function, wanted, desired, refusals)
    if not _fits(function, there, refusals, warnings):
        return None
    after = _after(function, there, wanted)
    if len(after.layers) > desired.layer_quota and after.layers != there.latest.layers:
        refusals.add(
            f"function `{function.aws_name}` would have {len(after.layers)} layers, and AWS Lambda allows "
            f"{desired.layer_quota}: {', '.join(map(_told, after.layers))}",
            "put several layers into one, or detach what is not needed",
        )
    actions: list[Action] = []
    code = _code(function, there.latest, after)
    if code is not None:
        _require_bucket(f"function `{function.name}`", function.size, desired, refusals)
    configuration = _configuration(function, there.latest, after)
    # Code and configuration are two calls, and between them `$LATEST` runs the new of one with the old of the
    # other. What is added must be there before it is used, and what goes must go after: so layers come before the
    # code, but where layers are only taken away, the code comes first. Calls by way of an alias see neither.
    taken_away = set(after.layers) <= set(there.latest.layers)
    pair = (code, configuration) if taken_away else (configuration, code)
    actions.extend(action for action in pair if action is not None)
    version = _standing(function, there, after)
    actions.extend(_publish(function, there, after, version))
    return FunctionPlan(
        name=function.name,
        aws_name=function.aws_name,
        observed=there,
        after=after,
        actions=tuple(actions),
        version=version,
        alias=function.alias,
    )


def _create(
    function: DesiredFunction,
    wanted: tuple[LayerRef, ...],
    desired: Desired,
    refusals: _Refusals,
) -> FunctionPlan | None:
    if function.role is None:
        refusals.add(
            f"there is no function `{function.aws_name}`",
            "see that the stage's region, profile and names are those of what is on AWS; to have a missing "
            f'function created, give it a role: functions.{function.name} = {{role = "arn:…"}}',
        )
        return None
    if function.handler is None:
        refusals.add(
            f"function `{function.aws_name}` cannot be created without a handler",
            f'say it: [tool.wherry.functions.{function.name}] handler = "module.function"',
        )
        return None
    _require_bucket(f"function `{function.name}`", function.size, desired, refusals)
    actions: list[Action] = [
        CreateFunction(
            name=function.name,
            aws_name=function.aws_name,
            why=("it is missing",),
            function=function,
            layers=wanted,
        )
    ]
    if function.publish:
        actions.append(_new_version(function))
    if function.alias is not None:
        actions.append(
            CreateAlias(name=function.name, aws_name=function.aws_name, alias=function.alias)
        )
    after = Snapshot(
        code_sha256=function.code_sha256,
        layers=wanted,
        runtime=function.runtime,
        handler=function.handler,
        architecture=function.architecture,
    )
    return FunctionPlan(
        name=function.name,
        aws_name=function.aws_name,
        observed=None,
        after=after,
        actions=tuple(actions),
        alias=function.alias,
    )


def _fits(
    function: DesiredFunction,
    there: ObservedFunction,
    refusals: _Refusals,
    warnings: list[str],
) -> bool:
    """Whether the package can go to this function."""
    name, latest = function.aws_name, there.latest
    if there.package_type != "Zip":
        refusals.add(
            f"function `{name}` is made of a container image",
            "a function cannot change from an image to a zip: make another one, and name it in the stage",
        )
        return False
    if not function.manage & {"code", "layers"}:
        return True
    if latest.architecture != function.architecture and "architecture" not in function.manage:
        refusals.add(
            f"function `{name}` is {latest.architecture}, and the package was built for {function.architecture}",
            f'build for {latest.architecture} (`architecture` of the settings), or let Wherry change it: "architecture" '
            "in `manage`",
        )
        return False
    if latest.runtime != function.runtime and "runtime" not in function.manage:
        warnings.append(
            f"function `{name}` runs {latest.runtime}, and the package was built for {function.runtime}: build "
            'for the same, or put "runtime" into `manage`'
        )
    if (
        function.handler is not None
        and latest.handler != function.handler
        and "handler" not in function.manage
    ):
        warnings.append(
            f"function `{name}` has the handler {latest.handler}, and the package's is {function.handler}: "
            'put "handler" into `manage`, or change it where the function is described'
        )
    return True


def _after(
    function: DesiredFunction, there: ObservedFunction, wanted: tuple[LayerRef, ...]
) -> Snapshot:
    """What ``$LATEST`` will be."""
    after, manage = there.latest, function.manage
    if "code" in manage:
        after = replace(after, code_sha256=function.code_sha256)
        if "architecture" in manage:
            after = replace(after, architecture=function.architecture)
    if "layers" in manage:
        current = tuple(arn for arn in there.latest.layers if isinstance(arn, str))
        layers = place_layers(
            current, wanted, owned=function.owned, account=there.account, region=there.region
        )
        after = replace(after, layers=layers)
    if "runtime" in manage:
        after = replace(after, runtime=function.runtime)
    if "handler" in manage and function.handler is not None:
        after = replace(after, handler=function.handler)
    return after


def _code(function: DesiredFunction, latest: Snapshot, after: Snapshot) -> UpdateCode | None:
    why = []
    if after.code_sha256 != latest.code_sha256:
        why.append("code")
    if after.architecture != latest.architecture:
        why.append(f"{latest.architecture} → {after.architecture}")
    if not why:
        return None
    return UpdateCode(
        name=function.name,
        aws_name=function.aws_name,
        why=tuple(why),
        function=function,
        architecture=after.architecture if after.architecture != latest.architecture else None,
    )


def _configuration(
    function: DesiredFunction, latest: Snapshot, after: Snapshot
) -> UpdateConfiguration | None:
    layers = after.layers if after.layers != latest.layers else None
    handler = after.handler if after.handler != latest.handler else None
    runtime = after.runtime if after.runtime != latest.runtime else None
    why = []
    if layers is not None:
        why.append("layers")
    if handler is not None:
        why.append(f"handler {latest.handler} → {handler}")
    if runtime is not None:
        why.append(f"runtime {latest.runtime} → {runtime}")
    if not why:
        return None
    return UpdateConfiguration(
        name=function.name,
        aws_name=function.aws_name,
        why=tuple(why),
        layers=layers,
        handler=handler,
        runtime=runtime,
    )


def _new_version(function: DesiredFunction, code_sha256: str | None = None) -> PublishVersion:
    return PublishVersion(
        name=function.name,
        aws_name=function.aws_name,
        code_sha256=code_sha256 or function.code_sha256,
        description=function.version_description,
    )


def _standing(function: DesiredFunction, there: ObservedFunction, after: Snapshot) -> int | None:
    """The version that runs the same already, be it an old one; None where one is to be published, or none is wanted."""
    if not function.publish:
        return None
    same = [one.number for one in there.versions if one.snapshot == after]
    alias = there.alias(function.alias) if function.alias is not None else None
    if alias is not None and alias.version in same:
        return alias.version
    return same[-1] if same else None


def _publish(
    function: DesiredFunction, there: ObservedFunction, after: Snapshot, target: int | None
) -> list[Action]:
    if not function.publish:
        return []
    actions: list[Action] = [] if target else [_new_version(function, after.code_sha256)]
    if function.alias is None:
        return actions
    alias = there.alias(function.alias)
    if alias is None:
        create = CreateAlias(
            name=function.name, aws_name=function.aws_name, alias=function.alias, version=target
        )
        return [*actions, create]
    # There is nothing to share out when all calls come to the version already.
    canary = function.canary if alias.version not in (0, target) else None
    as_it_should = (
        alias.weights == {target: canary}
        if canary is not None
        else (alias.version == target and not alias.weights)
    )
    if target is None or not as_it_should:
        actions.append(
            MoveAlias(
                name=function.name,
                aws_name=function.aws_name,
                alias=alias.name,
                version=target,
                was=alias.version,
                canary=canary,
                revision=alias.revision,
            )
        )
    return actions


def plan_promotion(
    stage: str,
    functions: Mapping[str, str],
    aliases: Mapping[str, str],
    observed: Observed,
) -> Plan:
    """Let every alias that sends a share of its calls to a canary stand at that canary.

    Code, layers and configuration stay as they are.

    Args:
        stage: its name.
        functions: AWS's names by those of the settings.
        aliases: by AWS's names of the functions.
        observed: what there is of the functions.

    Raises:
        DeployError: a function is missing.
    """
    refusals = _Refusals()
    plans = []
    for name, aws_name in functions.items():
        there = observed.functions.get(aws_name)
        if there is None:
            refusals.add(f"there is no function `{aws_name}`", "deploy it first")
            continue
        alias = there.alias(aliases[aws_name])
        actions: tuple[Action, ...] = ()
        if alias is not None and alias.weights:
            actions = (
                MoveAlias(
                    name=name,
                    aws_name=aws_name,
                    alias=alias.name,
                    version=max(alias.weights),
                    was=alias.version,
                    revision=alias.revision,
                ),
            )
        plans.append(
            FunctionPlan(
                name=name,
                aws_name=aws_name,
                observed=there,
                after=there.latest,
                actions=actions,
                version=alias.version if alias is not None else None,
                alias=aliases[aws_name],
            )
        )
    refusals.finish(stage)
    return Plan(stage=stage, functions=tuple(plans))


def _told(layer: LayerRef) -> str:
    return layer if isinstance(layer, str) else f"the new version of {layer.layer}"
