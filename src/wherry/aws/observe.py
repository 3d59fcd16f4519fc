"""Reading the state of functions and layers on AWS, with as few calls as possible. Nothing is changed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from wherry.aws.answers import understanding
from wherry.aws.attached import parse_description
from wherry.aws.configuration import rest_digest
from wherry.aws.errors import unless_missing
from wherry.aws.model import (
    Observed,
    ObservedAlias,
    ObservedFunction,
    ObservedLayer,
    ObservedVersion,
    Snapshot,
    layer_of_arn,
    version_of_arn,
)
from wherry.errors import AwsError
from wherry.untrusted import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mypy_boto3_lambda.type_defs import GetLayerVersionResponseTypeDef

    from wherry.aws.client import Client
    from wherry.aws.model import Desired

__all__ = [
    "latest_layer_version",
    "layer_version",
    "observe",
    "observe_alias",
    "observe_function",
    "observe_functions",
    "observe_layer",
    "principals_of",
    "snapshot_of",
]

_AT_ONCE = 16


def observe(desired: Desired, client: Client) -> Observed:
    """The functions and layers on AWS that are desired, as far as there are, read in parallel; each layer once."""
    layers = {layer.aws_name: bool(layer.share) for layer in desired.layers}
    return _read(layers, {one.aws_name: one.publish for one in desired.functions}, client)


def observe_functions(names: Iterable[str], client: Client) -> Observed:
    """These functions (names on AWS), as far as there are, with versions and aliases, read in parallel."""
    return _read({}, dict.fromkeys(names, True), client)


def _read(layers: Mapping[str, bool], functions: Mapping[str, bool], client: Client) -> Observed:
    """Layers, each with whether to read who may use it; functions, each with whether to read its versions."""
    # Created here once: otherwise every thread would look for credentials.
    _ = client.functions
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="observe") as pool:
        layers_read = pool.map(
            lambda layer: observe_layer(client, layer[0], shared=layer[1]), layers.items()
        )
        functions_read = pool.map(
            lambda function: observe_function(client, function[0], versions=function[1]),
            functions.items(),
        )
        return Observed(
            functions={one.aws_name: one for one in functions_read if one is not None},
            layers={one.aws_name: one for one in layers_read if one is not None},
        )


def observe_function(client: Client, name: str, *, versions: bool) -> ObservedFunction | None:
    """A function on AWS, by its name or ARN; None if there is none.

    ``versions`` reads published versions and aliases too, with two calls instead of one.
    """
    functions = client.functions

    def read() -> ObservedFunction | None:
        if not versions:
            return _function(name, functions.get_function_configuration(FunctionName=name))
        # One call returns both `$LATEST` and the versions.
        pages = functions.get_paginator("list_versions_by_function").paginate(FunctionName=name)
        configurations = {
            version["Version"]: version for page in pages for version in page["Versions"]
        }
        latest = configurations.get("$LATEST")
        if latest is None:
            return None
        # A function on managed instances has a `$LATEST.PUBLISHED` too.
        numbered = [one for version, one in configurations.items() if version.isdecimal()]
        alias_pages = functions.get_paginator("list_aliases").paginate(FunctionName=name)
        aliases = [alias for page in alias_pages for alias in page["Aliases"]]
        return _function(name, latest, versions=numbered, aliases=aliases)

    with understanding(doing := f"look at function `{name}`"):
        return unless_missing(doing, read)


def observe_alias(client: Client, function: str, name: str) -> ObservedAlias | None:
    """An alias of a function (name on AWS); None if there is none."""
    with understanding(doing := f"look at alias `{name}` of function `{function}`"):
        return unless_missing(
            doing, lambda: _alias(client.functions.get_alias(FunctionName=function, Name=name))
        )


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
        code_size=configuration.get("CodeSize") or 0,
        versions=tuple(
            map(_version, sorted(versions, key=lambda version: int(version["Version"])))
        ),
        aliases=tuple(map(_alias, aliases)),
        configuration=configuration,
    )


def _version(version: Mapping[str, Any]) -> ObservedVersion:
    description, attached = parse_description(version.get("Description") or "")
    return ObservedVersion(
        number=int(version["Version"]),
        snapshot=snapshot_of(version),
        description=description,
        modified=version.get("LastModified") or "",
        code_size=version.get("CodeSize") or 0,
        attached=attached,
    )


def _alias(alias: Mapping[str, Any]) -> ObservedAlias:
    version = alias["FunctionVersion"]
    weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    return ObservedAlias(
        name=alias["Name"],
        version=0 if version.startswith("$LATEST") else int(version),
        weights={int(number): float(weight) for number, weight in weights.items()},
        revision=alias.get("RevisionId"),
        description=alias.get("Description") or "",
    )


def snapshot_of(configuration: Mapping[str, Any]) -> Snapshot:
    """The code and configuration of a function or version, from AWS's answer."""
    return Snapshot(
        code_sha256=configuration.get("CodeSha256") or "",
        layers=tuple(layer["Arn"] for layer in configuration.get("Layers") or ()),
        runtime=configuration.get("Runtime") or None,
        handler=configuration.get("Handler") or None,
        architecture=(configuration.get("Architectures") or ["x86_64"])[0],
        rest=rest_digest(configuration),
    )


def observe_layer(client: Client, name: str, *, shared: bool) -> ObservedLayer | None:
    """The latest version of a layer; None if there is none. ``shared`` reads who may use it too, with one more call."""
    doing, functions = f"look at layer `{name}`", client.functions

    def read() -> ObservedLayer | None:
        version = latest_layer_version(client, name)
        if version is None:
            return None
        number, answer = version["Version"], None
        if shared:
            answer = unless_missing(
                doing,
                lambda: functions.get_layer_version_policy(LayerName=name, VersionNumber=number),
            )
        return ObservedLayer(
            aws_name=name,
            arn=version["LayerVersionArn"],
            code_sha256=version["Content"].get("CodeSha256", ""),
            runtimes=tuple(version.get("CompatibleRuntimes") or ()),
            architectures=tuple(version.get("CompatibleArchitectures") or ()),
            shared=principals_of(answer["Policy"]) if answer is not None else (),
        )

    with understanding(doing):
        return unless_missing(doing, read)


def latest_layer_version(client: Client, name: str) -> GetLayerVersionResponseTypeDef | None:
    """AWS's answer about the latest version of a layer; None if there is none."""
    latest = client.functions.list_layer_versions(LayerName=name, MaxItems=1).get("LayerVersions")
    if not latest:
        return None
    # The list has neither the digest nor the address of the content.
    return client.functions.get_layer_version(LayerName=name, VersionNumber=latest[0]["Version"])


def layer_version(client: Client, arn: str) -> GetLayerVersionResponseTypeDef | None:
    """AWS's answer about a version of a layer; None if it was deleted."""
    name, number = layer_of_arn(arn), version_of_arn(arn)
    return unless_missing(
        f"look at layer version `{arn}`",
        lambda: client.functions.get_layer_version(LayerName=name, VersionNumber=number),
    )


def principals_of(policy: str) -> tuple[str, ...]:
    """Accounts, organisations and ``*`` for everybody, from the policy of a layer version."""
    try:
        return tuple(map(_principal, parse_json(policy).get("Statement", ())))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise AwsError(
            "AWS's policy of a layer is none", where=[str(error) or type(error).__name__]
        ) from error


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
