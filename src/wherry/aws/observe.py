"""Reading the state of functions and layers on AWS, with as few calls as possible. Nothing is changed."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from wherry.aws.errors import code_of, refusing
from wherry.aws.model import (
    Observed,
    ObservedAlias,
    ObservedFunction,
    ObservedLayer,
    ObservedVersion,
    Snapshot,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wherry.aws.client import Client
    from wherry.aws.model import Desired

__all__ = [
    "observe",
    "observe_alias",
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
"""The configuration that a version contains and that Wherry does not manage."""


def observe(desired: Desired, client: Client) -> Observed:
    """The functions and layers on AWS that are desired, read in parallel; each layer is read once.

    Raises:
        AwsError: AWS refused, or could not be reached. A missing function or layer is no error.
    """
    # Created here once: otherwise every thread would look for credentials.
    _ = client.functions
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="observe") as pool:
        layers = {
            layer.aws_name: pool.submit(
                observe_layer, client, layer.aws_name, shared=bool(layer.share)
            )
            for layer in desired.layers
        }
        functions = {
            function.aws_name: pool.submit(
                observe_function, client, function.aws_name, versions=function.publish
            )
            for function in desired.functions
        }
        return Observed(
            functions={
                name: function
                for name, future in functions.items()
                if (function := future.result()) is not None
            },
            layers={
                name: layer
                for name, future in layers.items()
                if (layer := future.result()) is not None
            },
        )


def observe_functions(names: Iterable[str], client: Client) -> Observed:
    """These functions (names on AWS), with versions and aliases, read in parallel.

    Raises:
        AwsError: AWS refused, or could not be reached. A missing function is no error.
    """
    _ = client.functions
    names = tuple(names)
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="observe") as pool:
        functions = pool.map(lambda name: observe_function(client, name, versions=True), names)
        return Observed(
            functions={
                name: function
                for name, function in zip(names, functions, strict=True)
                if function is not None
            }
        )


def observe_function(client: Client, name: str, *, versions: bool) -> ObservedFunction | None:
    """A function on AWS; None if there is none.

    Args:
        client: of the stage.
        name: on AWS, or the ARN.
        versions: whether to read published versions and aliases too. That takes two calls instead of one.

    Raises:
        AwsError: AWS refused, or could not be reached.
    """
    from botocore.exceptions import ClientError

    with refusing(f"look at function `{name}`"):
        try:
            if not versions:
                return _function(
                    name, client.functions.get_function_configuration(FunctionName=name)
                )
            # One call returns both `$LATEST` and the versions.
            pages = client.functions.get_paginator("list_versions_by_function").paginate(
                FunctionName=name
            )
            configurations = {
                version["Version"]: version for page in pages for version in page["Versions"]
            }
            latest = configurations.pop("$LATEST", None)
            if latest is None:
                return None
            aliases = [
                alias
                for page in client.functions.get_paginator("list_aliases").paginate(
                    FunctionName=name
                )
                for alias in page["Aliases"]
            ]
        except ClientError as error:
            if code_of(error) == "ResourceNotFoundException":
                return None
            raise
    return _function(name, latest, versions=configurations.values(), aliases=aliases)


def observe_alias(client: Client, function: str, name: str) -> ObservedAlias | None:
    """An alias of a function (name on AWS); None if there is none.

    Raises:
        AwsError: AWS refused, or could not be reached.
    """
    from botocore.exceptions import ClientError

    with refusing(f"look at alias `{name}` of function `{function}`"):
        try:
            return _alias(client.functions.get_alias(FunctionName=function, Name=name))
        except ClientError as error:
            if code_of(error) == "ResourceNotFoundException":
                return None
            raise


def _function(
    name: str,
    configuration: Mapping[str, Any],
    *,
    versions: Iterable[Any] = (),
    aliases: Iterable[Any] = (),
) -> ObservedFunction:
    return ObservedFunction(
        aws_name=name,
        arn=":".join(configuration["FunctionArn"].split(":")[:7]),
        latest=snapshot_of(configuration),
        package_type=configuration.get("PackageType") or "Zip",
        revision=configuration.get("RevisionId"),
        code_size=configuration.get("CodeSize") or 0,
        versions=tuple(sorted(map(_version, versions), key=lambda version: version.number)),
        aliases=tuple(map(_alias, aliases)),
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
    """The code and configuration of a function or version, from AWS's answer."""
    rest = {key: _without_empty(configuration.get(key)) for key in _FROZEN}
    vpc = rest["VpcConfig"]
    if isinstance(vpc, dict):
        vpc.pop("VpcId", None)
    rest["SnapStart"] = (configuration.get("SnapStart") or {}).get("ApplyOn") or "None"
    rest = {key: value for key, value in rest.items() if value}
    return Snapshot(
        code_sha256=configuration.get("CodeSha256") or "",
        layers=tuple(layer["Arn"] for layer in configuration.get("Layers") or ()),
        runtime=configuration.get("Runtime") or None,
        handler=configuration.get("Handler") or None,
        architecture=(configuration.get("Architectures") or ["x86_64"])[0],
        rest=hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest(),
    )


def _without_empty(value: Any) -> Any:
    """The value without empty parts, which AWS sometimes returns and sometimes omits."""
    if isinstance(value, dict):
        inner = {key: _without_empty(item) for key, item in value.items()}
        return {key: item for key, item in inner.items() if item not in (None, "", [], {}, False)}
    if isinstance(value, list):
        return sorted((_without_empty(item) for item in value), key=str)
    return value


def observe_layer(client: Client, name: str, *, shared: bool) -> ObservedLayer | None:
    """The latest version of a layer; None if there is none.

    Args:
        client: of the stage.
        name: of the layer on AWS.
        shared: whether to read who may use it too. That takes one more call.

    Raises:
        AwsError: AWS refused, or could not be reached.
    """
    from botocore.exceptions import ClientError

    with refusing(f"look at layer `{name}`"):
        try:
            latest = client.functions.list_layer_versions(LayerName=name, MaxItems=1)
            if not latest.get("LayerVersions"):
                return None
            number = latest["LayerVersions"][0]["Version"]
            # The list contains all but the digest.
            version = client.functions.get_layer_version(LayerName=name, VersionNumber=number)
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
            shared=_shared(client, name, number) if shared else (),
            code_size=version["Content"].get("CodeSize", 0),
        )


def _shared(client: Client, name: str, number: int) -> tuple[str, ...]:
    """Accounts and organisations that may use a version of a layer."""
    from botocore.exceptions import ClientError

    try:
        answer = client.functions.get_layer_version_policy(LayerName=name, VersionNumber=number)
    except ClientError as error:
        if code_of(error) == "ResourceNotFoundException":
            return ()
        raise
    return principals_of(answer["Policy"])


def principals_of(policy: str) -> tuple[str, ...]:
    """Accounts, organisations and ``*`` for everybody, from the policy of a layer version."""
    return tuple(_principal(statement) for statement in json.loads(policy).get("Statement", ()))


def _principal(statement: Mapping[str, Any]) -> str:
    for keys in (statement.get("Condition") or {}).values():
        if organisation := keys.get("aws:PrincipalOrgID"):
            return str(organisation)
    principal = statement.get("Principal")
    if isinstance(principal, dict):
        principal = principal.get("AWS", "")
    # AWS returns an account as the ARN of its root.
    text = str(principal)
    return text.split(":")[4] if text.startswith("arn:") else text
