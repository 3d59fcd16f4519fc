"""Reading ``[tool.wherry.stages]``: where to deploy, and what of functions and layers is managed there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from wherry.settings import values
from wherry.settings.function_readers import CONFIGURATION_READERS, check_used, stage_layers
from wherry.settings.model import MANAGEABLE, MANAGED, StageFunction, StageLayer, StageSettings
from wherry.settings.reader import Reader, named_tables, read_table, shaped
from wherry.settings.stage_test import read_stage_tests

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wherry.problems import Problems
    from wherry.settings.reader import Readers

__all__ = [
    "FUNCTION_STAGE_READERS",
    "LAYER_STAGE_READERS",
    "STAGE_NAME",
    "STAGE_READERS",
    "read_stages",
]

_BUCKET = re.compile(
    r"(?:s3://)?((?=[a-z0-9{])(?:[a-z0-9._-]|\{region\}){3,255}(?<=[a-z0-9}]))(?:/(.*))?"
)
_REGION = r"[a-z]{2,}(-[a-z]+)+-\d+"

_region = values.matching(_REGION, "a region such as eu-west-1")
_regions = values.all_matching(_REGION, "is not a region such as eu-west-1")
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


@shaped({"type": "string"})
def _bucket(value: object) -> tuple[str, str]:
    match = _BUCKET.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('expected a bucket, such as "s3://deploy-bucket/wherry"')
    return match[1], (match[2] or "").strip("/")


@shaped({"type": "string"})
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


@shaped({"type": "array", "items": {"enum": [*MANAGEABLE]}})
def _managed(value: object) -> tuple[str, ...]:
    parts = values.strings(value)
    for part in parts:
        if part not in MANAGEABLE:
            raise ValueError(f"expected some of {', '.join(MANAGEABLE)}, not `{part}`")
    return tuple(part for part in MANAGEABLE if part in parts)


_principals = values.all_matching(
    r"\d{12}|o-[a-z0-9]{10,32}|\*",
    "is neither an account (12 digits) nor an organisation (`o-…`); `*` is everybody",
)


def _distinct(read: Callable[[object], tuple[str, ...]]) -> Reader[tuple[str, ...]]:
    """A reader of the same strings, each once."""
    return Reader(
        read=lambda value: tuple(dict.fromkeys(read(value))),
        shape={"type": "array", "items": {"type": "string"}},
    )


STAGE_READERS: Readers = {
    "region": _region,
    "regions": _distinct(_regions),
    "profile": values.string,
    "assume-role": _role,
    "bucket": _bucket,
    "bucket-region": _region,
    "encryption": values.choice("aws:kms", "AES256"),
    "kms-key": values.string,
    "keep": values.boolean,
    "signing-profile": values.matching(
        r"[A-Za-z0-9_]{2,64}", "the name of a signing profile (letters, digits and `_`)"
    ),
    "tags": values.table_of_strings("strings"),
    "function-name": _name_pattern,
    "layer-name": _name_pattern,
    "alias": _alias,
    "publish": values.boolean,
    "manage": _managed,
    "keep-versions": values.number(0),
    "keep-days": values.number(0),
    "test": read_stage_tests,
    "alarms": values.strings,
    "max-error-rate": values.share,
}
"""The keys of a stage that hold a value."""

FUNCTION_STAGE_READERS: Readers = {
    "name": _function,
    "alias": _alias,
    "publish": values.boolean,
    "manage": _managed,
    "layers": stage_layers,
    "exclusive-layers": values.boolean,
    "role": _role,
    "test": read_stage_tests,
    **CONFIGURATION_READERS,
}

LAYER_STAGE_READERS: Readers = {
    "name": _layer,
    "description": values.string,
    "license": values.string,
    "share": _distinct(_principals),
}


STAGE_NAME = r"[A-Za-z0-9_-]+"
"""A regular expression for the name of a stage."""


def read_stages(value: object, problems: Problems) -> Mapping[str, StageSettings]:
    """The settings of all stages by name."""
    wrong_name = "the name of a stage consists of letters, digits, `-` and `_`"
    tables = named_tables("stages", value, STAGE_READERS, problems, STAGE_NAME, wrong_name)
    return {name: _stage(table, f"stages.{name}", problems) for name, table in tables}


def _stage(table: Mapping[str, object], key: str, problems: Problems) -> StageSettings:
    inner = ("functions", "layers")
    plain = {name: value for name, value in table.items() if name not in inner}
    stage = read_table(
        plain, STAGE_READERS, problems, prefix=f"{key}.", known=[*STAGE_READERS, *inner]
    )
    if "bucket" in stage:
        stage["bucket"], stage["prefix"] = stage["bucket"]
    elif "bucket" not in plain:
        for name in ("bucket-region", "encryption", "kms-key", "keep", "signing-profile"):
            if name in plain:
                problems.add(f"{key}.{name}", "it is a setting of a `bucket`, and none is set")
    if "{region}" in str(stage.get("bucket", "")):
        if "bucket_region" in stage:
            problems.add(f"{key}.bucket-region", "`{region}` of the bucket is the functions'")
        if "region" not in stage and "regions" not in stage:
            problems.add(f"{key}.bucket", "`{region}` requires `region` or `regions`")
    if "kms_key" in stage and stage.get("encryption") != "aws:kms":
        problems.add(f"{key}.kms-key", 'it requires `encryption = "aws:kms"`')
    functions = _tables(table, "functions", FUNCTION_STAGE_READERS, key, problems)
    parts = {key: stage} | {f"{key}.functions.{name}": part for name, part in functions.items()}
    for part_key, part in parts.items():
        if part.get("publish") is False and (part.get("alias") or stage.get("alias")):
            problems.add(f"{part_key}.publish", "an `alias` needs a published version")
    _require_region(stage, functions, key, problems)
    for name, part in functions.items():
        manage = part.get("manage", stage.get("manage", MANAGED))
        check_used(f"{key}.functions.{name}", part, manage, problems)
    layers = _tables(table, "layers", LAYER_STAGE_READERS, key, problems)
    stage["functions"] = {name: StageFunction(**part) for name, part in functions.items()}
    stage["layers"] = {name: StageLayer(**part) for name, part in layers.items()}
    return StageSettings(**stage)


def _require_region(
    stage: Mapping[str, Any], functions: Mapping[str, Any], key: str, problems: Problems
) -> None:
    """Refuse the ARN of a function in another region than the stage's."""
    regions = {*stage.get("regions", ()), *([stage["region"]] if "region" in stage else ())}
    for name, part in functions.items():
        fields = str(part.get("name", "")).split(":")
        if len(fields) > 3 and regions and {fields[3]} != regions:
            problems.add(
                f"{key}.functions.{name}.name",
                f"the function is in {fields[3]}, and the stage in {', '.join(sorted(regions))}",
            )


def _tables(
    stage: Mapping[str, object],
    kind: str,
    readers: Readers,
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
