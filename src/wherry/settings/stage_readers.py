"""Reading ``[tool.wherry.stages.NAME]``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from wherry.settings import values
from wherry.settings.stages import MANAGEABLE, StageFunction, StageLayer, StageSettings
from wherry.settings.tables import read_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wherry.problems import Problems

__all__ = ["FUNCTION_STAGE_READERS", "LAYER_STAGE_READERS", "STAGE_READERS", "read_stages"]

_BUCKET = re.compile(r"(?:s3://)?([a-z0-9][a-z0-9._-]{1,253}[a-z0-9])(?:/(.*))?")
_PRINCIPAL = re.compile(r"\d{12}|o-[a-z0-9]{10,32}|\*")

_region = values.matching(r"[a-z]{2,}(-[a-z]+)+-\d+", "a region such as eu-west-1")
_role = values.matching(
    r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+",
    "the ARN of a role (arn:aws:iam::ACCOUNT:role/NAME)",
)
_function = values.matching(
    r"(arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:)?[A-Za-z0-9_-]{1,64}",
    "AWS's name of a function (letters, digits, `-` and `_`, at most 64), or its ARN",
)
_layer = values.matching(
    r"[A-Za-z0-9_-]{1,140}", "AWS's name of a layer (letters, digits, `-` and `_`)"
)
_alias = values.matching(
    r"(?!\d+$)[A-Za-z0-9_-]{1,128}", "an alias of letters, digits, `-` and `_`"
)


def _bucket(value: object) -> tuple[str, str]:
    match = _BUCKET.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('expected a bucket, such as "s3://deploy-bucket/wherry"')
    return match[1], (match[2] or "").strip("/")


def _name_pattern(value: object) -> str:
    pattern = values.string(value)
    try:
        filled = pattern.format(project="p", name="n", stage="s")
    except (KeyError, IndexError, ValueError, AttributeError):
        filled = ""
    if "{name}" not in pattern or not re.fullmatch(r"[A-Za-z0-9_-]+", filled):
        raise ValueError(
            "expected a pattern such as `{project}-{name}-{stage}`, with {name} in it and otherwise letters, "
            "digits, `-` and `_`"
        )
    return pattern


def _managed(value: object) -> tuple[str, ...]:
    parts = values.strings(value)
    for part in parts:
        if part not in MANAGEABLE:
            raise ValueError(f"expected some of {', '.join(MANAGEABLE)}, not `{part}`")
    return tuple(part for part in MANAGEABLE if part in parts)


def _tags(value: object) -> Mapping[str, str]:
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise ValueError("expected a table of strings")
    return value


def _shares(value: object) -> tuple[str, ...]:
    principals = values.strings(value)
    for principal in principals:
        if not _PRINCIPAL.fullmatch(principal):
            raise ValueError(
                f"`{principal}` is neither an account (12 digits) nor an organisation (`o-…`); `*` is everybody"
            )
    return tuple(dict.fromkeys(principals))


STAGE_READERS: Mapping[str, Callable[[object], Any]] = {
    "region": _region,
    "profile": values.string,
    "assume-role": _role,
    "bucket": _bucket,
    "bucket-region": _region,
    "encryption": values.choice("aws:kms", "AES256"),
    "kms-key": values.string,
    "keep": values.boolean,
    "tags": _tags,
    "function-name": _name_pattern,
    "layer-name": _name_pattern,
    "alias": _alias,
    "publish": values.boolean,
    "manage": _managed,
    "keep-versions": values.number(0),
    "keep-days": values.number(0),
}
"""The keys of a stage that hold a value."""

FUNCTION_STAGE_READERS: Mapping[str, Callable[[object], Any]] = {
    "name": _function,
    "alias": _alias,
    "publish": values.boolean,
    "manage": _managed,
    "role": _role,
    "description": values.string,
    "memory": values.number(128),
    "timeout": values.number(1),
}

LAYER_STAGE_READERS: Mapping[str, Callable[[object], Any]] = {
    "name": _layer,
    "description": values.string,
    "license": values.string,
    "share": _shares,
}


def read_stages(value: object, problems: Problems) -> Mapping[str, StageSettings]:
    """The settings of all stages by name."""
    if not isinstance(value, dict):
        problems.add("stages", "expected a table for each: [tool.wherry.stages.NAME]")
        return {}
    stages = {}
    for name, table in value.items():
        key = f"stages.{name}"
        if isinstance(table, dict):
            if re.fullmatch(r"[A-Za-z0-9_-]+", name):
                stages[name] = _stage(table, key, problems)
            else:
                problems.add(key, "the name of a stage consists of letters, digits, `-` and `_`")
        elif name in STAGE_READERS:
            problems.add(key, "it belongs in a table with a name: [tool.wherry.stages.NAME]")
        else:
            problems.add(key, f"expected a table: [tool.wherry.stages.{name}]")
    return stages


def _stage(table: Mapping[str, object], key: str, problems: Problems) -> StageSettings:
    inner = ("functions", "layers")
    plain = {name: value for name, value in table.items() if name not in inner}
    stage = read_table(
        plain, STAGE_READERS, problems, prefix=f"{key}.", known=[*STAGE_READERS, *inner]
    )
    if "bucket" in stage:
        stage["bucket"], stage["prefix"] = stage["bucket"]
    elif "bucket" not in plain:
        for name in ("bucket-region", "encryption", "kms-key", "keep"):
            if name in plain:
                problems.add(f"{key}.{name}", "it is a setting of a `bucket`, and none is set")
    if "kms_key" in stage and stage.get("encryption") != "aws:kms":
        problems.add(f"{key}.kms-key", 'it requires `encryption = "aws:kms"`')
    functions = _tables(table, "functions", FUNCTION_STAGE_READERS, key, problems)
    parts = {key: stage} | {f"{key}.functions.{name}": part for name, part in functions.items()}
    for part_key, part in parts.items():
        if part.get("publish") is False and (part.get("alias") or stage.get("alias")):
            problems.add(f"{part_key}.publish", "an `alias` needs a published version")
    layers = _tables(table, "layers", LAYER_STAGE_READERS, key, problems)
    stage["functions"] = {name: StageFunction(**part) for name, part in functions.items()}
    stage["layers"] = {name: StageLayer(**part) for name, part in layers.items()}
    return StageSettings(**stage)


def _tables(
    stage: Mapping[str, object],
    kind: str,
    readers: Mapping[str, Callable[[object], Any]],
    key: str,
    problems: Problems,
) -> Mapping[str, dict[str, Any]]:
    """The values of a stage's functions or layers by name."""
    tables = stage.get(kind, {})
    if not isinstance(tables, dict):
        problems.add(f"{key}.{kind}", "expected a table for each")
        return {}
    values_by_name = {}
    for name, table in tables.items():
        prefix = f"{key}.{kind}.{name}"
        if isinstance(table, dict):
            values_by_name[name] = read_table(table, readers, problems, prefix=f"{prefix}.")
        else:
            problems.add(prefix, f"expected a table, such as {{{next(iter(readers))} = …}}")
    return values_by_name
