"""Checks of AWS's answers, to notice answers of something else, such as a proxy."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from wherry.aws.errors import not_aws
from wherry.errors import AwsError
from wherry.untrusted import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["require_complete", "require_digest", "require_shape", "understanding"]

_FUNCTION = ("FunctionArn", "CodeSha256", "Version")
_REQUIRED = {
    "CompleteMultipartUpload": ("ETag",),
    "CreateAlias": ("FunctionVersion",),
    "CreateFunction": _FUNCTION,
    "FilterLogEvents": ("events",),
    "GetAlias": ("Name", "FunctionVersion"),
    "GetFunction": ("Configuration", "Code"),
    "GetFunctionConfiguration": _FUNCTION,
    "GetLayerVersion": ("LayerVersionArn", "Version", "Content"),
    "GetLayerVersionPolicy": ("Policy",),
    "GetMetricData": ("MetricDataResults",),
    "GetParameters": ("Parameters",),
    "GetSecretValue": ("ARN",),
    "HeadObject": ("ContentLength",),
    "ListAliases": ("Aliases",),
    "ListEventSourceMappings": ("EventSourceMappings",),
    "ListFunctions": ("Functions",),
    "ListLayerVersions": ("LayerVersions",),
    "ListMultipartUploads": ("Bucket",),
    "ListObjectVersions": ("Name",),
    "ListProvisionedConcurrencyConfigs": ("ProvisionedConcurrencyConfigs",),
    "ListVersionsByFunction": ("Versions",),
    "PublishLayerVersion": ("LayerVersionArn", "Content"),
    "PublishVersion": _FUNCTION,
    "PutObject": ("ETag",),
    "StartSigningJob": ("jobId",),
    "UpdateAlias": ("FunctionVersion",),
    "UpdateFunctionCode": _FUNCTION,
    "UpdateFunctionConfiguration": _FUNCTION,
}
"""By operation, the members that Wherry reads, or that tell AWS from others; those of what is in them follow."""
_OF_ITEMS = {
    "Aliases": ("Name", "FunctionVersion"),
    "Configuration": _FUNCTION,
    "Content": ("CodeSha256", "CodeSize"),
    "EventSourceMappings": ("UUID",),
    "Functions": ("FunctionName", "FunctionArn"),
    "LayerVersions": ("LayerVersionArn", "Version"),
    "Parameters": ("Name", "Value"),
    "ProvisionedConcurrencyConfigs": ("FunctionArn",),
    "Versions": _FUNCTION,
    "events": ("timestamp", "eventId", "message"),
}


def require_shape(response_dict: Any, operation_model: Any, **_rest: Any) -> None:
    """Require that a body in JSON has the shape that botocore's parser expects; a handler of its event ``before-parse``.

    Raises:
        ResponseParserError: a value has another type, or is nested too deeply.
    """
    from botocore.parsers import ResponseParserError

    if operation_model.has_streaming_output:
        # The answer of a function, which may be anything.
        return
    succeeded = response_dict.get("status_code", 200) < 300
    try:
        # Strictly, as botocore's parser: `json` alone lets surrogates through.
        body = parse_json((response_dict.get("body") or b"{}").decode())
    except json.JSONDecodeError as error:
        if succeeded:
            # Such as a page, of which the parser makes an answer without members.
            raise ResponseParserError("the answer is not JSON") from error
        return
    except ValueError as error:
        raise ResponseParserError(f"the answer cannot be read: {error}") from error
    if not isinstance(body, dict):
        raise ResponseParserError("the answer is not a JSON object")
    shape = operation_model.output_shape
    if shape is not None and succeeded:
        for name, member in shape.members.items():
            key = member.serialization.get("name", name)
            if "location" not in member.serialization and not _has_shape(body.get(key), member):
                raise ResponseParserError(f"{key} of the answer is no {member.type_name}")


def _has_shape(value: Any, shape: Any) -> bool:
    if value is None:
        return True
    match shape.type_name:
        case "structure":
            return isinstance(value, dict) and all(
                _has_shape(value.get(member.serialization.get("name", name)), member)
                for name, member in shape.members.items()
            )
        case "list":
            return isinstance(value, list) and all(_has_shape(one, shape.member) for one in value)
        case "map":
            return isinstance(value, dict) and all(
                _has_shape(one, shape.value) for one in value.values()
            )
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "float" | "double":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "integer" | "long":
            return isinstance(value, int) and abs(value) < 1 << 63
        case _:
            return isinstance(value, str | int | float)


def require_complete(parsed: Any, model: Any, **_rest: Any) -> None:
    """Require that an answer holds what is read of it; a handler of botocore's event ``after-call``.

    Raises:
        ResponseParserError: something is missing, as if the answer could not be parsed at all.
    """
    from botocore.parsers import ResponseParserError

    status = parsed.get("ResponseMetadata", {}).get("HTTPStatusCode", 200)
    if status >= 300:
        return
    for name in _REQUIRED.get(model.name, ()):
        if parsed.get(name) is None:
            raise ResponseParserError(f"the answer to {model.name} has no {name}")
        value = parsed[name]
        for item in value if isinstance(value, list) else (value,):
            for key in _OF_ITEMS.get(name, ()):
                if not isinstance(item, dict) or item.get(key) is None:
                    raise ResponseParserError(f"{name} in the answer to {model.name} has no {key}")


@contextmanager
def understanding(doing: str) -> Iterator[None]:
    """Turn what cannot be understood in an answer into an error.

    ``doing`` follows "cannot".

    Raises:
        AwsError: the inner block could not read the answer.
    """
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise not_aws(doing, type(error).__name__) from error


def require_digest(what: str, answered: object, sent: str) -> None:
    """Require that AWS stored the bytes that were sent; both digests in base64. ``what`` is the function or layer.

    Raises:
        AwsError: the digests differ.
    """
    if answered != sent:
        raise AwsError(
            f"AWS has stored other bytes for {what} than were sent",
            where=[f"it reports the digest {answered}", f"the package has {sent}"],
            hint="see whether a proxy or a signing configuration changes packages, then run the same command again",
        )
