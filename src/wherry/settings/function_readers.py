"""Readers of what a stage says of one function: its layers, and its configuration on AWS."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from wherry.settings import values
from wherry.settings.reader import (
    NOT_EMPTY,
    Reader,
    portable_pattern,
    shaped,
    table_of,
    table_shape,
)
from wherry.settings.references import LayerReference, Origin, VariableSetting
from wherry.target.quotas import MEMORY, STORAGE, TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wherry.problems import Problems
    from wherry.settings.reader import Readers

__all__ = ["CONFIGURATION_READERS", "check_used", "stage_layers"]

_LAYER = r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:layer:[A-Za-z0-9_-]+"
_PARAMETER = r"[A-Za-z0-9_.:/-]{1,2048}"
_SECRET = r"[A-Za-z0-9/_+=.@:!-]{1,2048}"  # noqa: S105  not a secret
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]+")
_RESERVED = re.compile(
    r"AWS_(REGION|DEFAULT_REGION|EXECUTION_ENV|ACCESS_KEY|ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN)"
    r"|AWS_LAMBDA_(FUNCTION_(MEMORY_SIZE|NAME|VERSION)|LOG_(GROUP|STREAM)_NAME|INITIALIZATION_TYPE|RUNTIME_API)"
    r"|LAMBDA_(TASK_ROOT|RUNTIME_DIR)"
)
"""After AWS's list of defined runtime environment variables: a function cannot set these."""

_parameter = values.matching(_PARAMETER, "the name of a parameter")
_secret = values.matching(_SECRET, "the name or the ARN of a secret")
_variable = values.matching(r"[A-Za-z_][A-Za-z0-9_]*", "the name of a variable")


_layer_name = values.matching(rf"{_LAYER}|[A-Za-z0-9_-]{{1,140}}", "the name of a layer")
_version = Reader(
    read=lambda value: None if value == "latest" else values.number(1)(value),
    shape={"anyOf": [{"const": "latest"}, {"type": "integer", "minimum": 1}]},
)
"""The number of a version, or None for the latest."""


def _one_of(readers: Readers, *required: str) -> dict[str, Any]:
    """The shape of a table that must have some keys."""
    return {**table_shape(readers), "required": [*required]}


def _variable_setting(value: object) -> VariableSetting:
    expected = 'expected a string, or {env = "NAME"}, {ssm = "/name"}, {secret = "name", key = "…"} or {remove = true}'
    match value:
        case str():
            return VariableSetting(text=value)
        case {"env": name, **rest} if not rest:
            return VariableSetting(origin=Origin.ENV, text=_variable(name))
        case {"ssm": name, **rest} if not rest:
            return VariableSetting(origin=Origin.SSM, text=_parameter(name))
        case {"secret": name, **rest} if rest.keys() <= {"key"}:
            key = values.string(rest["key"]) if "key" in rest else None
            return VariableSetting(origin=Origin.SECRET, text=_secret(name), key=key)
        case {"remove": True, **rest} if not rest:
            return VariableSetting(origin=Origin.REMOVED)
    # The message does not repeat the value, which may be a secret.
    raise ValueError(expected)


@shaped(
    {
        "type": "object",
        "propertyNames": portable_pattern(_NAME.pattern),
        "additionalProperties": {
            "anyOf": [
                {"type": "string"},
                _one_of({"env": _variable}, "env"),
                _one_of({"ssm": _parameter}, "ssm"),
                _one_of({"secret": _secret, "key": values.string}, "secret"),
                _one_of({"remove": Reader(read=bool, shape={"const": True})}, "remove"),
            ]
        },
    }
)
def _environment(value: object) -> Mapping[str, VariableSetting]:
    if not isinstance(value, dict):
        raise ValueError("expected a table of variables")  # noqa: TRY004  one kind of error for all readers
    variables = {}
    for name, item in value.items():
        if not _NAME.fullmatch(name):
            raise ValueError(
                f"`{name}` is not the name of a variable: a letter, then letters, digits and `_`"
            )
        if _RESERVED.fullmatch(name):
            raise ValueError(f"`{name}` is set by AWS Lambda itself")
        try:
            variables[name] = _variable_setting(item)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
    return variables


_LOGGING = table_of(
    {
        "format": values.choice("JSON", "Text"),
        "level": values.choice("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"),
        "system-level": values.choice("DEBUG", "INFO", "WARN"),
        "group": values.matching(r"[A-Za-z0-9_./#-]{1,512}", "the name of a log group"),
    },
    least=1,
)


@shaped(_LOGGING.shape)
def _logging(value: object) -> Mapping[str, str]:
    logging: dict[str, str] = {key.replace("_", "-"): item for key, item in _LOGGING(value).items()}
    if logging.get("format") == "Text" and {"level", "system-level"} & logging.keys():
        raise ValueError('levels require `format = "JSON"`')
    return logging


@shaped(values.table_of_strings("strings").shape)
def _tags(value: object) -> Mapping[str, str]:
    tags = values.table_of_strings("strings")(value)
    for key, text in tags.items():
        if not 1 <= len(key) <= 128 or len(text) > 256 or key.startswith("aws:"):
            raise ValueError(
                f"`{key}`: a tag has a key of 1 to 128 characters that does not begin with `aws:`, and a value of at "
                "most 256"
            )
    return tags


CONFIGURATION_READERS: Readers = {
    "description": values.string,
    "memory": values.number(*MEMORY),
    "timeout": values.number(*TIMEOUT),
    "environment": _environment,
    "ephemeral-storage": values.number(*STORAGE),
    "tracing": values.choice("Active", "PassThrough"),
    "logging": _logging,
    "snap-start": values.boolean,
    "tags": _tags,
}
"""The keys of a function in a stage that describe its configuration; each has the name of a part in ``manage``."""


@shaped(
    {
        "anyOf": [
            {"const": "exclusive"},
            {
                "type": "array",
                "items": {
                    "anyOf": [
                        NOT_EMPTY,
                        _one_of({"ssm": _parameter}, "ssm"),
                        _one_of({"name": _layer_name, "version": _version}, "name", "version"),
                    ]
                },
            },
        ]
    }
)
def stage_layers(value: object) -> str | tuple[str | LayerReference, ...]:
    """``exclusive``, or the layers that the function has in this stage, in order."""
    if value == "exclusive":
        return "exclusive"
    expected = (
        'expected "exclusive", or a list of layers, ARNs of their versions, {ssm = "/name"} and '
        '{name = "layer", version = "latest"}'
    )
    if not isinstance(value, list):
        raise ValueError(expected)  # noqa: TRY004  one kind of error for all readers
    layers = [_layer(item, expected) for item in value]
    if len(set(layers)) < len(layers):
        raise ValueError("a layer is listed twice")
    return tuple(layers)


def _layer(value: object, expected: str) -> str | LayerReference:
    match value:
        case str() if value:
            return values.layer_names([value])[0]
        case {"ssm": name, **rest} if not rest:
            return LayerReference(ssm=_parameter(name))
        case {"name": name, "version": version, **rest} if not rest:
            return LayerReference(name=_layer_name(name), version=_version(version))
    raise ValueError(expected)


def check_used(
    key: str, function: Mapping[str, Any], manage: Iterable[str], problems: Problems
) -> None:
    """Refuse values that nothing would use: ``manage`` leaves them out, and the function is not created either."""
    managed = frozenset(manage)
    for name in CONFIGURATION_READERS:
        if name.replace("-", "_") in function and name not in managed and "role" not in function:
            problems.add(
                f"{key}.{name}",
                f'it has no effect: put "{name}" into `manage`, or give a `role` with which the function is created',
            )
    if isinstance(function.get("layers"), tuple) and "layers" not in managed:
        problems.add(f"{key}.layers", 'they have no effect: put "layers" into `manage`')
