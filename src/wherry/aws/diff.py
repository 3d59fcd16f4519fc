"""``diff``: the actions that lead from the observed to the desired state. Pure; equal states give no action."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from wherry.aws.actions import (
    CreateAlias,
    CreateFunction,
    MoveAlias,
    PublishLayer,
    PublishVersion,
    ShareLayer,
    UpdateCode,
)
from wherry.aws.attached import (
    arrange_layers,
    attached_by_settings,
    others_of,
    record_layers,
    recording,
)
from wherry.aws.configuration import rest_digest
from wherry.aws.diff_configuration import (
    is_record,
    require_small_environment,
    set_tags,
    unmanaged,
    update_configuration,
)
from wherry.aws.model import NewVersion, Snapshot, layer_text, same_handler
from wherry.aws.plan import FunctionPlan, LayerPlan, Plan
from wherry.errors import DeployError
from wherry.problems import Problems
from wherry.sizes import format_size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wherry.aws.actions import Action
    from wherry.aws.model import (
        Desired,
        DesiredFunction,
        DesiredLayer,
        LayerRef,
        Observed,
        ObservedFunction,
        ObservedLayer,
    )

__all__ = ["diff"]


def diff(desired: Desired, observed: Observed) -> Plan:
    """The actions that lead from the observed to the desired state; an empty plan if both are equal.

    Raises:
        DeployError: something cannot be done, such as deploying a package for one architecture to a function of
            the other. All problems are reported at once.
    """
    problems = Problems(DeployError, f"stage `{desired.stage}` cannot be deployed")
    layers = tuple(_layer(layer, observed.layers.get(layer.aws_name)) for layer in desired.layers)
    versions = {layer.aws_name: layer.version for layer in layers}
    warnings: list[str] = []
    functions = tuple(
        plan
        for function in desired.functions
        if (plan := _function(function, desired, observed, versions, problems, warnings))
    )
    for layer, layer_plan in zip(desired.layers, layers, strict=True):
        if any(isinstance(action, PublishLayer) for action in layer_plan.actions):
            _require_bucket(f"layer `{layer.name}`", layer.size, desired, problems)
    warnings.extend(unmanaged(desired.functions, observed))
    problems.raise_all()
    return Plan(stage=desired.stage, layers=layers, functions=functions, warnings=tuple(warnings))


def _require_bucket(what: str, size: int, desired: Desired, problems: Problems) -> None:
    if desired.direct_upload is not None and size > desired.direct_upload:
        problems.add(
            f"{what} is {format_size(size)} zipped, and a direct upload takes "
            f"{format_size(desired.direct_upload)}",
            hint='give the stage a bucket, so that packages go through S3: bucket = "s3://…"',
        )


def _layer(layer: DesiredLayer, latest: ObservedLayer | None) -> LayerPlan:
    why = ["there is no version"] if latest is None else layer.differences(latest)
    version: LayerRef = NewVersion(layer=layer.aws_name)
    actions: list[Action] = []
    shared: tuple[str, ...] = ()
    if latest is not None and not why:
        version, shared = latest.arn, latest.shared
    else:
        actions.append(PublishLayer(why=tuple(why), package=layer))
    actions.extend(
        ShareLayer(version=version, principal=principal)
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


def _function(
    function: DesiredFunction,
    desired: Desired,
    observed: Observed,
    versions: Mapping[str, LayerRef],
    problems: Problems,
    warnings: list[str],
) -> FunctionPlan | None:
    layers = tuple(
        versions.get(layer, layer) for layer in function.layers if isinstance(layer, str)
    )
    current = observed.functions.get(function.aws_name)
    if current is None:
        return _create(function, layers, desired, problems)
    if not _fits(function, current, problems, warnings):
        return None
    after = _after(function, current, layers)
    function = recording(function, current)
    if len(after.layers) > desired.layer_quota and after.layers != current.latest.layers:
        problems.add(
            f"function `{function.aws_name}` would have {len(after.layers)} layers, and AWS Lambda allows "
            f"{desired.layer_quota}: {', '.join(map(layer_text, after.layers))}",
            hint="combine layers, or detach those that are not needed",
        )
    actions: list[Action] = []
    code = _code(function, current.latest, after)
    if code is not None:
        _require_bucket(f"function `{function.name}`", function.size, desired, problems)
    configuration = update_configuration(function, current, after)
    require_small_environment(function, current.configuration, problems)
    # Code and configuration are two calls, and between them `$LATEST` runs new code with old layers or the reverse.
    # A layer must be added before the code that uses it, and removed after: so layers come before the code, unless
    # layers are only removed. Callers that use an alias see neither.
    only_removed = set(after.layers) <= set(current.latest.layers)
    if after.layers == current.latest.layers and configuration is not None:
        only_removed = not configuration.adds
    pair = (code, configuration) if only_removed else (configuration, code)
    actions.extend(action for action in pair if action is not None)
    actions.extend(set_tags(function, current))
    version = _same_version(function, current, after)
    actions.extend(_publish(function, current, after, version))
    if actions and function.alias is None and current.configuration.get("CapacityProviderConfig"):
        warnings.append(
            f"function `{function.aws_name}` runs on managed instances, and its callers get $LATEST.PUBLISHED, which a "
            'deployment leaves as it is: give the stage an alias, alias = "live", and let callers use it'
        )
    alias = current.alias(function.alias)
    if function.canary is not None and alias is not None and alias.version == 0:
        problems.add(
            f"alias `{alias.name}` of function `{function.aws_name}` stands at $LATEST, which shares its calls with "
            "no version",
            hint="deploy once without --canary: the alias then stands at a version",
        )
    return FunctionPlan(
        name=function.name,
        aws_name=function.aws_name,
        observed=current,
        after=after,
        actions=tuple(actions),
        version=version,
        alias=function.alias,
    )


def _create(
    function: DesiredFunction,
    layers: tuple[LayerRef, ...],
    desired: Desired,
    problems: Problems,
) -> FunctionPlan | None:
    if function.role is None:
        problems.add(
            f"there is no function `{function.aws_name}`",
            hint="check that the stage's region, profile and names match AWS; to have a missing "
            f'function created, give it a role: functions.{function.name} = {{role = "arn:…"}}',
        )
        return None
    if function.handler is None:
        problems.add(
            f"function `{function.aws_name}` cannot be created without a handler",
            hint=f'set it: [tool.wherry.functions.{function.name}] handler = "module.function"',
        )
        return None
    _require_bucket(f"function `{function.name}`", function.size, desired, problems)
    require_small_environment(function, {}, problems)
    function = recording(function, None)
    actions: list[Action] = [
        CreateFunction(
            why=("it is missing",),
            package=function,
            layers=layers,
            values=tuple(
                change
                for change in function.configuration.value_changes({})
                if not is_record(change)
            ),
            variables=function.configuration.variable_changes({}),
        )
    ]
    if function.publish:
        actions.append(_new_version(function))
    if function.alias is not None:
        actions.append(CreateAlias(alias=function.alias))
    after = Snapshot(
        code_sha256=function.code_sha256,
        layers=layers,
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
    current: ObservedFunction,
    problems: Problems,
    warnings: list[str],
) -> bool:
    """Whether the package can be deployed to this function."""
    name, latest = function.aws_name, current.latest
    if current.package_type != "Zip":
        problems.add(
            f"function `{name}` runs a container image",
            hint="a function cannot change from an image to a zip: create another one, and name it in the stage",
        )
        return False
    if not function.manage & {"code", "layers"}:
        return True
    if latest.architecture != function.architecture and "architecture" not in function.manage:
        problems.add(
            f"function `{name}` is {latest.architecture}, and the package was built for {function.architecture}",
            hint=f'build for {latest.architecture} (`architecture` of the settings), or let Wherry change it: "architecture" '
            "in `manage`",
        )
        return False
    if latest.runtime != function.runtime and "runtime" not in function.manage:
        problems.add(
            f"function `{name}` runs {latest.runtime}, and the package was built for {function.runtime}",
            hint=f'build for {latest.runtime} (`runtime` of the settings), or let Wherry change it: "runtime" in `manage`'
            if (latest.runtime or "").startswith("python")
            else "it is a function of another language: check the stage's region, profile and names",
        )
        return False
    if (
        "handler" not in function.manage
        and function.handler is not None
        and not same_handler(function.handler, latest.handler)
    ):
        warnings.append(
            f"function `{name}` has the handler {latest.handler}, and the package's is {function.handler}: "
            'put "handler" into `manage`, or change it where the function is described'
        )
    return True


def _after(
    function: DesiredFunction, current: ObservedFunction, layers: tuple[LayerRef, ...]
) -> Snapshot:
    """The state of ``$LATEST`` after the deployment."""
    after, manage = current.latest, function.manage
    if "code" in manage:
        after = replace(after, code_sha256=function.code_sha256)
        if "architecture" in manage:
            after = replace(after, architecture=function.architecture)
    if "layers" in manage:
        arns = [arn for arn in current.latest.layers if isinstance(arn, str)]
        arranged = arrange_layers(
            arns,
            layers,
            owned=function.owns,
            account=current.account,
            region=current.region,
            attached=attached_by_settings(current),
        )
        after = replace(after, layers=layers if function.exclusive else arranged)
    if "runtime" in manage:
        after = replace(after, runtime=function.runtime)
    if (
        "handler" in manage
        and function.handler is not None
        and not same_handler(function.handler, after.handler)
    ):
        after = replace(after, handler=function.handler)
    if not function.managed.holds(current.configuration):
        after = replace(after, rest=rest_digest(function.managed.after(current.configuration)))
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
        why=tuple(why),
        package=function,
        architecture=after.architecture if after.architecture != latest.architecture else None,
    )


def _new_version(function: DesiredFunction, code_sha256: str | None = None) -> PublishVersion:
    return PublishVersion(
        code_sha256=code_sha256 or function.code_sha256,
        description=record_layers(function.version_description, others_of(function)),
    )


def _same_version(
    function: DesiredFunction, current: ObservedFunction, after: Snapshot
) -> int | None:
    """The version that runs the same already, even an old one; None if one is to be published, or none is desired."""
    if not function.publish:
        return None
    same = current.versions_running(after)
    alias = current.alias(function.alias)
    if alias is not None and alias.version in same:
        return alias.version
    if alias is not None and function.canary is not None:
        # A weight of an older version is a move under way, so a canary is always a newer one.
        same = [number for number in same if number > alias.version]
    return same[-1] if same else None


def _publish(
    function: DesiredFunction, current: ObservedFunction, after: Snapshot, target: int | None
) -> list[Action]:
    if not function.publish:
        return []
    actions: list[Action] = [] if target else [_new_version(function, after.code_sha256)]
    if function.alias is None:
        return actions
    alias = current.alias(function.alias)
    if alias is None:
        return [*actions, CreateAlias(alias=function.alias, version=target)]
    # A canary is pointless if all calls reach the version already.
    canary = function.canary if alias.version not in (0, target) else None
    as_desired = (
        alias.weights == {target: canary}
        if canary is not None
        else (alias.version == target and not alias.canaries)
    )
    if target is None or not as_desired:
        actions.append(MoveAlias.of(alias, target, canary=canary))
    return actions
