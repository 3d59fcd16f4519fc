"""Reading the tables of ``[tool.wherry]`` that few projects have: ``stages``, ``container`` and ``indexes``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from wherry.indexes.declared import CodeArtifact, DeclaredIndex, code_artifact_at
from wherry.indexes.variables import environment_name
from wherry.settings import values
from wherry.settings.function_readers import CONFIGURATION_READERS, check_used, stage_layers
from wherry.settings.model import (
    MANAGEABLE,
    MANAGED,
    ContainerOptions,
    Copy,
    Mode,
    StageFunction,
    StageLayer,
    StageSettings,
)
from wherry.settings.reader import named_tables, read_table, shaped
from wherry.settings.stage_test import read_stage_tests

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wherry.problems import Problems
    from wherry.settings.reader import Readers

__all__ = [
    "CONTAINER_READERS",
    "FUNCTION_STAGE_READERS",
    "INDEX_READERS",
    "LAYER_STAGE_READERS",
    "STAGE_NAME",
    "STAGE_READERS",
    "read_container",
    "read_indexes",
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


STAGE_READERS: Readers = {
    "region": _region,
    "regions": lambda value: tuple(dict.fromkeys(_regions(value))),
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
    "share": lambda value: tuple(dict.fromkeys(_principals(value))),
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


def _words(value: object) -> tuple[str, ...]:
    """A string, or several."""
    return (value,) if isinstance(value, str) and value else values.strings(value)


_volumes = values.all_matching(
    r"(?s).*:.*", "is not a volume: expected HOST:CONTAINER", read=_words
)


CONTAINER_READERS: Readers = {
    "mode": lambda value: Mode(values.choice(*Mode)(value)),
    "engine": values.string,
    "image": values.string,
    "dockerfile": values.string,
    "build-args": values.variables,
    "build-secrets": values.variable_names,
    "build-requires": values.requirements,
    "environment": values.variables,
    "network": values.string,
    "security-opt": _words,
    "user": values.string,
    "volumes": _volumes,
    "volumes-from": _words,
    "platform": values.string,
    "copy": lambda value: Copy(values.choice(*Copy)(value)),
}


def read_container(value: object, problems: Problems) -> ContainerOptions:
    """The options, or the mode alone: ``container = "always"``."""
    if isinstance(value, str):
        value = {"mode": value}
    if not isinstance(value, dict):
        problems.add("container", f"expected one of {', '.join(Mode)}, or a table")
        return ContainerOptions()
    options = read_table(value, CONTAINER_READERS, problems, prefix="container.")
    if "image" in options and "dockerfile" in options:
        problems.add("container.image", "`image` and `dockerfile` exclude each other")
    for key in ("build_args", "build_secrets"):
        if key in options and "dockerfile" not in options:
            problems.add(
                f"container.{key.replace('_', '-')}",
                "it is a setting of a `dockerfile`, and none is set",
            )
    return ContainerOptions(**options)


def _address(value: object) -> str:
    """The address of an index. One with a password is refused: settings are files that are shared."""
    from urllib.parse import urlsplit

    text = values.string(value)
    try:
        parts = urlsplit(text)
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    # The message does not repeat the value, which may hold a password.
    if "@" in text.partition("://")[2].partition("?")[0] and not (
        sound and "@" not in parts.netloc
    ):
        raise ValueError(
            "a user and password do not belong in the settings: use `UV_INDEX_NAME_PASSWORD`"
        )
    if not sound or re.search(r"\s", text) or parts.query or parts.fragment:
        raise ValueError(
            "expected the address of an index, such as https://packages.example/simple/"
        )
    return text


INDEX_READERS: Readers = {
    "name": values.matching(
        r"[A-Za-z0-9][A-Za-z0-9._-]*", "a name of letters, digits, `-`, `_` and `.`"
    ),
    "url": _address,
    "default": values.boolean,
    "domain": values.matching(r"[a-z][a-z0-9-]{0,48}[a-z0-9]", "the name of a CodeArtifact domain"),
    "owner": values.matching(
        r"\d{12}", 'the twelve digits of an AWS account as a string: "111122223333"'
    ),
    "repository": values.matching(
        r"[A-Za-z0-9][A-Za-z0-9._-]{1,99}", "the name of a CodeArtifact repository"
    ),
    "region": values.matching(r"[a-z]{2}(-[a-z]+)+-\d", "the name of an AWS region"),
    "profile": values.string,
}
"""The keys of ``[[tool.wherry.indexes]]``."""

_OF_AWS = ("domain", "owner", "repository", "region")


def read_indexes(value: object, problems: Problems) -> tuple[DeclaredIndex, ...]:
    """The indexes in the order in which they are asked."""
    if not isinstance(value, list) or not all(isinstance(table, dict) for table in value):
        problems.add("indexes", "expected tables: [[tool.wherry.indexes]]")
        return ()
    indexes: list[DeclaredIndex] = []
    for number, table in enumerate(value):
        index = _index(table, f"indexes[{number}]", problems)
        if index is None:
            continue
        if any(environment_name(index.name) == environment_name(other.name) for other in indexes):
            problems.add(
                f"indexes[{number}].name",
                f"another index is called `{index.name}`, apart from case and punctuation",
            )
        if index.default and any(other.default for other in indexes):
            problems.add(f"indexes[{number}].default", "another index is already the default")
        indexes.append(index)
    return tuple(indexes)


def _index(table: Mapping[str, object], key: str, problems: Problems) -> DeclaredIndex | None:
    fields = read_table(table, INDEX_READERS, problems, prefix=f"{key}.")
    if len(fields) < len(table):
        return None
    if "name" not in fields:
        problems.add(
            f"{key}.name", "it is required: variables with user and password are named after it"
        )
        return None
    profile = fields.get("profile")
    artifact: CodeArtifact | None = None
    if any(name in fields for name in _OF_AWS):
        missing = [name for name in _OF_AWS if name not in fields]
        if missing:
            problems.add(
                key, f"CodeArtifact also needs {', '.join(f'`{name}`' for name in missing)}"
            )
            return None
        artifact = CodeArtifact(**{name: fields[name] for name in _OF_AWS}, profile=profile)
    elif "url" in fields:
        artifact = code_artifact_at(fields["url"], profile=profile)
    if profile is not None and artifact is None:
        problems.add(f"{key}.profile", "it is a setting of an index of CodeArtifact")
        return None
    url = fields.get("url") or (artifact.address if artifact else None)
    if url is None:
        problems.add(key, "expected `url`, or `domain`, `owner`, `repository` and `region`")
        return None
    return DeclaredIndex(
        name=fields["name"],
        url=url,
        default=fields.get("default", False),
        code_artifact=artifact,
    )
