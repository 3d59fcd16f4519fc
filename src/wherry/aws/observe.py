"""What is on AWS: everything that a plan looks at, asked with as few calls as will do. Nothing is changed."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from wherry.aws.model import (
    Observed,
    ObservedAlias,
    ObservedFunction,
    ObservedLayer,
    ObservedVersion,
    Snapshot,
)
from wherry.aws.refusal import code_of, refusing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wherry.aws.cloud import Cloud
    from wherry.aws.model import Desired

__all__ = [
    "observe",
    "observe_function",
    "observe_functions",
    "observe_layer",
    "principals_of",
    "snapshot_of",
]

_AT_ONCE = 16

_FROZEN = (
    "Role",
    "Timeout",
    "MemorySize",
    "VpcConfig",
    "DeadLetterConfig",
    "Environment",
    "KMSKeyArn",
    "TracingConfig",
    "FileSystemConfigs",
    "EphemeralStorage",
    "LoggingConfig",
)
"""What a version freezes besides what Wherry looks after."""


def observe(desired: Desired, cloud: Cloud) -> Observed:
    """What there is of all that is desired, asked side by side; each layer is asked for once.

    Raises:
        AwsError: AWS refused, or could not be reached. What is merely missing is no error.
    """
    # Made here once: the first look at credentials would otherwise be taken by every thread.
    _ = cloud.functions
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="observe") as pool:
        layers = {
            layer.aws_name: pool.submit(
                observe_layer, cloud, layer.aws_name, shared=bool(layer.share)
            )
            for layer in desired.layers
        }
        functions = {
            function.aws_name: pool.submit(
                observe_function, cloud, function.aws_name, versions=function.publish
            )
            for function in desired.functions
        }
        found_layers = {name: each.result() for name, each in layers.items()}
        found_functions = {name: each.result() for name, each in functions.items()}
    return Observed(
        functions={name: one for name, one in found_functions.items() if one is not None},
        layers={name: one for name, one in found_layers.items() if one is not None},
    )


def observe_functions(names: Iterable[str], cloud: Cloud) -> Observed:
    """What there is of these functions (AWS's names), with versions and aliases, asked side by side.

    Raises:
        AwsError: AWS refused, or could not be reached. What is merely missing is no error.
    """
    _ = cloud.functions
    wanted = tuple(names)
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="observe") as pool:
        found = pool.map(lambda name: observe_function(cloud, name, versions=True), wanted)
        there = dict(zip(wanted, found, strict=True))
    return Observed(functions={name: one for name, one in there.items() if one is not None})


def observe_function(cloud: Cloud, name: str, *, versions: bool) -> ObservedFunction | None:
    """A function as it is; None when there is none.

    Args:
        cloud: the way to AWS.
        name: AWS's name or the ARN.
        versions: whether published versions and aliases are wanted too. That takes two calls; it is one
            without.

    Raises:
        AwsError: AWS refused, or could not be reached.
    """
    from botocore.exceptions import ClientError

    with refusing(f"look at function `{name}`"):
        try:
            if not versions:
                return _function(
                    name, cloud.functions.get_function_configuration(FunctionName=name)
                )
            # One call tells `$LATEST` and the versions alike.
            pages = cloud.functions.get_paginator("list_versions_by_function").paginate(
                FunctionName=name
            )
            configurations = [one for page in pages for one in page["Versions"]]
            latest = [one for one in configurations if one["Version"] == "$LATEST"]
            if not latest:
                return None
            aliases = [
                one
                for page in cloud.functions.get_paginator("list_aliases").paginate(
                    FunctionName=name
                )
                for one in page["Aliases"]
            ]
        except ClientError as error:
            if code_of(error) == "ResourceNotFoundException":
                return None
            raise
    return _function(
        name,
        latest[0],
        versions=[one for one in configurations if one["Version"] != "$LATEST"],
        aliases=aliases,
    )


def _function(
    name: str,
    configuration: Mapping[str, Any],
    *,
    versions: list[Any] | None = None,
    aliases: list[Any] | None = None,
) -> ObservedFunction:
    return ObservedFunction(
        aws_name=name,
        arn=":".join(configuration["FunctionArn"].split(":")[:7]),
        latest=snapshot_of(configuration),
        package_type=configuration.get("PackageType") or "Zip",
        revision=configuration.get("RevisionId"),
        code_size=configuration.get("CodeSize") or 0,
        versions=tuple(sorted(map(_version, versions or ()), key=lambda one: one.number)),
        aliases=tuple(map(_alias, aliases or ())),
    )


def _version(configuration: Mapping[str, Any]) -> ObservedVersion:
    return ObservedVersion(
        number=int(configuration["Version"]),
        snapshot=snapshot_of(configuration),
        description=configuration.get("Description") or "",
        modified=configuration.get("LastModified") or "",
        code_size=configuration.get("CodeSize") or 0,
    )


def _alias(alias: Mapping[str, Any]) -> ObservedAlias:
    version = alias["FunctionVersion"]
    weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    return ObservedAlias(
        name=alias["Name"],
        version=0 if version == "$LATEST" else int(version),
        weights={int(number): float(weight) for number, weight in weights.items()},
        revision=alias.get("RevisionId"),
        description=alias.get("Description") or "",
    )


def snapshot_of(configuration: Mapping[str, Any]) -> Snapshot:
    """What a function or version runs, out of its configuration as AWS tells it."""
    rest = {key: _plain(configuration.get(key)) for key in _FROZEN}
    vpc = rest["VpcConfig"]
    if isinstance(vpc, dict):
        vpc.pop("VpcId", None)
    rest["SnapStart"] = (configuration.get("SnapStart") or {}).get("ApplyOn") or "None"
    told = {key: value for key, value in rest.items() if value}
    return Snapshot(
        code_sha256=configuration.get("CodeSha256") or "",
        layers=tuple(layer["Arn"] for layer in configuration.get("Layers") or ()),
        runtime=configuration.get("Runtime") or None,
        handler=configuration.get("Handler") or None,
        architecture=(configuration.get("Architectures") or ["x86_64"])[0],
        rest=hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest(),
    )


def _plain(value: Any) -> Any:
    """Without what is empty: AWS tells it sometimes, and sometimes not."""
    if isinstance(value, dict):
        inner = {key: _plain(each) for key, each in value.items()}
        return {key: each for key, each in inner.items() if each not in (None, "", [], {}, False)}
    if isinstance(value, list):
        return sorted((_plain(each) for each in value), key=str)
    return value


def observe_layer(cloud: Cloud, name: str, *, shared: bool) -> ObservedLayer | None:
    """The latest version of a layer; None when there is none.

    Args:
        cloud: the way to AWS.
        name: AWS's name of the layer.
        shared: whether it is wanted who may use it, which takes a call more.

    Raises:
        AwsError: AWS refused, or could not be reached.
    """
    from botocore.exceptions import ClientError

    with refusing(f"look at layer `{name}`"):
        try:
            found = cloud.functions.list_layer_versions(LayerName=name, MaxItems=1)
            if not found.get("LayerVersions"):
                return None
            number = found["LayerVersions"][0]["Version"]
            # The list tells all but the digest.
            version = cloud.functions.get_layer_version(LayerName=name, VersionNumber=number)
        except ClientError as error:
            if code_of(error) == "ResourceNotFoundException":
                return None
            raise
        return ObservedLayer(
            aws_name=name,
            arn=version["LayerVersionArn"],
            code_sha256=version["Content"].get("CodeSha256", ""),
            runtimes=tuple(version.get("CompatibleRuntimes") or ()),
            architectures=tuple(version.get("CompatibleArchitectures") or ()),
            shared=_shared(cloud, name, number) if shared else (),
            code_size=version["Content"].get("CodeSize", 0),
        )


def _shared(cloud: Cloud, name: str, number: int) -> tuple[str, ...]:
    """Accounts and organisations that may use a version of a layer."""
    from botocore.exceptions import ClientError

    try:
        answer = cloud.functions.get_layer_version_policy(LayerName=name, VersionNumber=number)
    except ClientError as error:
        if code_of(error) == "ResourceNotFoundException":
            return ()
        raise
    return principals_of(answer["Policy"])


def principals_of(policy: str) -> tuple[str, ...]:
    """Accounts, organisations and ``*`` for everybody, out of the policy of a layer version."""
    return tuple(_principal(statement) for statement in json.loads(policy).get("Statement", ()))


def _principal(statement: Mapping[str, Any]) -> str:
    for keys in (statement.get("Condition") or {}).values():
        if organisation := keys.get("aws:PrincipalOrgID"):
            return str(organisation)
    principal = statement.get("Principal")
    if isinstance(principal, dict):
        principal = principal.get("AWS", "")
    # AWS tells an account as the ARN of its root.
    text = str(principal)
    return text.split(":")[4] if text.startswith("arn:") else text
