"""``[tool.wherry.stages.NAME]``: where a project is deployed to, and what it is called there."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from wherry.settings import values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wherry.settings.findings import Findings

__all__ = [
    "FUNCTION_STAGE_READERS",
    "LAYER_STAGE_READERS",
    "MANAGEABLE",
    "STAGE_READERS",
    "StageFunction",
    "StageLayer",
    "StageSettings",
    "read_stages",
]

MANAGED = ("code", "layers")
"""What Wherry looks after unless told otherwise; the rest is Terraform's, CDK's or SAM's."""

MANAGEABLE = (*MANAGED, "handler", "runtime", "architecture")

DEFAULT_NAME = "{project}-{name}-{stage}"
"""With the stage in it, no stage can be taken for another; a wrong guess finds nothing and breaks nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StageFunction:
    """``functions.NAME`` of a stage.

    Attributes:
        name: what AWS calls it: a name or an ARN; None for the stage's pattern.
        alias: that is moved to the version published; None for the stage's.
        publish: whether versions are published; None: they are when there is an alias.
        manage: the parts of the function that Wherry looks after; None for the stage's.
        role: for creating the function where it is missing.
        description: of a function that is created.
        memory: in MB, of a function that is created.
        timeout: in seconds, of a function that is created.
    """

    name: str | None = None
    alias: str | None = None
    publish: bool | None = None
    manage: tuple[str, ...] | None = None
    role: str | None = None
    description: str | None = None
    memory: int | None = None
    timeout: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class StageLayer:
    """``layers.NAME`` of a stage.

    Attributes:
        name: what AWS calls it; None for the stage's pattern.
        description: of the versions that are published.
        license: of the versions that are published.
        share: accounts (12 digits) and organisations (``o-…``) that may use the published versions.
    """

    name: str | None = None
    description: str | None = None
    license: str | None = None
    share: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class StageSettings:
    """``[tool.wherry.stages.NAME]``.

    Attributes:
        region: such as ``eu-west-1``; None for what the environment or the profile says.
        profile: of the user's AWS configuration.
        assume_role: ARN of a role to take.
        bucket: the name of the bucket that packages go through.
        prefix: below which keys in the bucket begin, without slashes at its ends; empty for none.
        bucket_region: where the bucket is, if it was said.
        encryption: ``AES256`` or ``aws:kms``; None for what the bucket does.
        kms_key: the key for ``aws:kms``.
        keep: whether packages stay in the bucket when AWS has taken them.
        tags: of objects in the bucket and of functions that are created.
        function_name: the pattern of functions' names.
        layer_name: the pattern of layers' names.
        alias: of every function that says none itself.
        publish: whether versions are published; None: they are when there is an alias.
        manage: the parts of functions that Wherry looks after.
        keep_versions: how many old versions ``wherry prune`` leaves; None for its default.
        keep_days: how many days old a version must be for ``wherry prune``; None for its default.
        functions: what single functions have of their own.
        layers: what single layers have of their own.
    """

    region: str | None = None
    profile: str | None = None
    assume_role: str | None = None
    bucket: str | None = None
    prefix: str = ""
    bucket_region: str | None = None
    encryption: str | None = None
    kms_key: str | None = None
    keep: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    function_name: str = DEFAULT_NAME
    layer_name: str = DEFAULT_NAME
    alias: str | None = None
    publish: bool | None = None
    manage: tuple[str, ...] = MANAGED
    keep_versions: int | None = None
    keep_days: int | None = None
    functions: Mapping[str, StageFunction] = field(default_factory=dict)
    layers: Mapping[str, StageLayer] = field(default_factory=dict)

    def function(self, name: str) -> StageFunction:
        """What the stage says about one function."""
        return self.functions.get(name, StageFunction())

    def layer(self, name: str) -> StageLayer:
        """What the stage says about one layer."""
        return self.layers.get(name, StageLayer())

    def function_on_aws(self, name: str, *, project: str, stage: str) -> str:
        """What AWS calls a function of the settings."""
        return self.function(name).name or _fill(self.function_name, project, name, stage)

    def layer_on_aws(self, name: str, *, project: str, stage: str) -> str:
        """What AWS calls a layer of the settings."""
        return self.layer(name).name or _fill(self.layer_name, project, name, stage)


def _fill(pattern: str, project: str, name: str, stage: str) -> str:
    if name == project:
        # A project without settings has one function, called as the project is: not `shop-shop-staging`.
        pattern = pattern.replace("{project}-{name}", "{name}")
    filled = pattern.format(project=project, name=name, stage=stage)
    return re.sub(r"[^A-Za-z0-9_-]+", "-", filled)


_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d+")
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+")
_BUCKET = re.compile(r"(?:s3://)?([a-z0-9][a-z0-9._-]{1,253}[a-z0-9])(?:/(.*))?")
_PRINCIPAL = re.compile(r"\d{12}|o-[a-z0-9]{10,32}|\*")
_FUNCTION = re.compile(r"(arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:)?[A-Za-z0-9_-]{1,64}")
_LAYER = re.compile(r"[A-Za-z0-9_-]{1,140}")
_ALIAS = re.compile(r"(?!\d+$)[A-Za-z0-9_-]{1,128}")


def _matching(pattern: re.Pattern[str], wanted: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise ValueError(f"{wanted} is wanted")
        return value

    return read


def _bucket(value: object) -> tuple[str, str]:
    match = _BUCKET.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('a bucket is wanted, such as "s3://deploy-bucket/wherry"')
    return match[1], (match[2] or "").strip("/")


def _name_pattern(value: object) -> str:
    pattern = values.string(value)
    try:
        filled = pattern.format(project="p", name="n", stage="s")
    except (KeyError, IndexError, ValueError, AttributeError):
        filled = ""
    if "{name}" not in pattern or not re.fullmatch(r"[A-Za-z0-9_-]+", filled):
        raise ValueError(
            "a pattern such as `{project}-{name}-{stage}` is wanted, with {name} in it and otherwise letters, "
            "digits, `-` and `_`"
        )
    return pattern


def _managed(value: object) -> tuple[str, ...]:
    parts = values.strings(value)
    for part in parts:
        if part not in MANAGEABLE:
            raise ValueError(f"some of {', '.join(MANAGEABLE)} are wanted, and not `{part}`")
    return tuple(part for part in MANAGEABLE if part in parts)


def _tags(value: object) -> Mapping[str, str]:
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise ValueError("a table of texts is wanted")
    return value


def _number(least: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise ValueError(f"a number from {least} on is wanted")
        return value

    return read


def _shares(value: object) -> tuple[str, ...]:
    principals = values.strings(value)
    for principal in principals:
        if not _PRINCIPAL.fullmatch(principal):
            raise ValueError(
                f"`{principal}` is neither an account (12 digits) nor an organisation (`o-…`); `*` is everybody"
            )
    return tuple(dict.fromkeys(principals))


_REGION_WANTED = "a region such as eu-west-1"
_ROLE_WANTED = "the ARN of a role (arn:aws:iam::ACCOUNT:role/NAME)"
_FUNCTION_WANTED = (
    "AWS's name of a function (letters, digits, `-` and `_`, at most 64), or its ARN,"
)
_LAYER_WANTED = "AWS's name of a layer (letters, digits, `-` and `_`)"
_ALIAS_WANTED = "an alias of letters, digits, `-` and `_`"

STAGE_READERS: Mapping[str, Callable[[object], Any]] = {
    "region": _matching(_REGION, _REGION_WANTED),
    "profile": values.string,
    "assume-role": _matching(_ROLE, _ROLE_WANTED),
    "bucket": _bucket,
    "bucket-region": _matching(_REGION, _REGION_WANTED),
    "encryption": values.choice("aws:kms", "AES256"),
    "kms-key": values.string,
    "keep": values.boolean,
    "tags": _tags,
    "function-name": _name_pattern,
    "layer-name": _name_pattern,
    "alias": _matching(_ALIAS, _ALIAS_WANTED),
    "publish": values.boolean,
    "manage": _managed,
    "keep-versions": _number(0),
    "keep-days": _number(0),
}
"""The keys of a stage that hold a value."""

FUNCTION_STAGE_READERS: Mapping[str, Callable[[object], Any]] = {
    "name": _matching(_FUNCTION, _FUNCTION_WANTED),
    "alias": _matching(_ALIAS, _ALIAS_WANTED),
    "publish": values.boolean,
    "manage": _managed,
    "role": _matching(_ROLE, _ROLE_WANTED),
    "description": values.string,
    "memory": _number(128),
    "timeout": _number(1),
}

LAYER_STAGE_READERS: Mapping[str, Callable[[object], Any]] = {
    "name": _matching(_LAYER, _LAYER_WANTED),
    "description": values.string,
    "license": values.string,
    "share": _shares,
}


def read_stages(value: object, findings: Findings) -> Mapping[str, StageSettings]:
    """The tables of all stages; what is wrong is added to the findings."""
    if not isinstance(value, dict):
        findings.add("stages", "a table for each is wanted: [tool.wherry.stages.NAME]")
        return {}
    stages = {}
    for name, table in value.items():
        key = f"stages.{name}"
        if isinstance(table, dict):
            if re.fullmatch(r"[A-Za-z0-9_-]+", name):
                stages[name] = _stage(table, key, findings)
            else:
                findings.add(key, "a stage's name has letters, digits, `-` and `_` alone")
        elif name in STAGE_READERS:
            findings.add(key, "it belongs below a name: [tool.wherry.stages.NAME]")
        else:
            findings.add(key, f"a table is wanted: [tool.wherry.stages.{name}]")
    return stages


def _stage(table: Mapping[str, object], key: str, findings: Findings) -> StageSettings:
    inner = ("functions", "layers")
    plain = {name: value for name, value in table.items() if name not in inner}
    found = _read(plain, STAGE_READERS, findings, prefix=f"{key}.", known=[*STAGE_READERS, *inner])
    if "bucket" in found:
        found["bucket"], found["prefix"] = found["bucket"]
    elif "bucket" not in plain:
        for name in ("bucket-region", "encryption", "kms-key", "keep"):
            if name in plain:
                findings.add(f"{key}.{name}", "it is about a `bucket`, and none is said")
    if "kms_key" in found and found.get("encryption") != "aws:kms":
        findings.add(f"{key}.kms-key", 'it wants `encryption = "aws:kms"`')
    functions = _inner(table, "functions", FUNCTION_STAGE_READERS, key, findings)
    for place, each in (
        (key, found),
        *((f"{key}.functions.{name}", one) for name, one in functions),
    ):
        if each.get("publish") is False and (each.get("alias") or found.get("alias")):
            findings.add(f"{place}.publish", "an `alias` stands at a published version")
    found["functions"] = {name: StageFunction(**each) for name, each in functions}
    found["layers"] = {
        name: StageLayer(**each)
        for name, each in _inner(table, "layers", LAYER_STAGE_READERS, key, findings)
    }
    return StageSettings(**found)


def _inner(
    table: Mapping[str, object],
    kind: str,
    readers: Mapping[str, Callable[[object], Any]],
    key: str,
    findings: Findings,
) -> list[tuple[str, dict[str, Any]]]:
    tables = table.get(kind, {})
    if not isinstance(tables, dict):
        findings.add(f"{key}.{kind}", "a table for each is wanted")
        return []
    found = []
    for name, content in tables.items():
        prefix = f"{key}.{kind}.{name}"
        if isinstance(content, dict):
            each = _read(content, readers, findings, prefix=f"{prefix}.", known=list(readers))
            found.append((name, each))
        else:
            findings.add(prefix, f"a table is wanted, such as {{{next(iter(readers))} = …}}")
    return found


def _read(
    table: Mapping[str, object],
    readers: Mapping[str, Callable[[object], Any]],
    findings: Findings,
    *,
    prefix: str,
    known: list[str],
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in table.items():
        if key not in readers:
            findings.unknown(key, known, prefix)
            continue
        try:
            found[key.replace("-", "_")] = readers[key](value)
        except ValueError as error:
            findings.add(f"{prefix}{key}", str(error))
    return found
