"""The stages of a project: where it is deployed to, and under which names."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MANAGEABLE", "StageFunction", "StageLayer", "StageSettings"]

MANAGED = ("code", "layers")
"""What Wherry manages by default; the rest belongs to Terraform, CDK or SAM."""

MANAGEABLE = (*MANAGED, "handler", "runtime", "architecture")

DEFAULT_NAME = "{project}-{name}-{stage}"
"""The stage is part of it, so that a wrong guess finds nothing rather than the function of another stage."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StageFunction:
    """``functions.NAME`` of a stage.

    Attributes:
        name: its name on AWS, or its ARN; None for the stage's pattern.
        alias: the alias to move to the published version; None for the stage's.
        publish: whether to publish versions; None to publish them if there is an alias.
        manage: the parts of the function that Wherry manages; None for the stage's.
        role: for creating the function if it is missing.
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
        name: its name on AWS; None for the stage's pattern.
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
        region: such as ``eu-west-1``; None for that of the environment or the profile.
        profile: of the user's AWS configuration.
        assume_role: the ARN of a role to assume.
        bucket: the name of the bucket that packages go through.
        prefix: the prefix of keys in the bucket, without slashes at its ends; empty for none.
        bucket_region: the region of the bucket, if it is set.
        encryption: ``AES256`` or ``aws:kms``; None for the default of the bucket.
        kms_key: the key for ``aws:kms``.
        keep: whether packages stay in the bucket after AWS has read them.
        tags: of objects in the bucket and of functions that are created.
        function_name: the pattern of the names of functions.
        layer_name: the pattern of the names of layers.
        alias: of every function that sets none itself.
        publish: whether to publish versions; None to publish them if there is an alias.
        manage: the parts of functions that Wherry manages.
        keep_versions: how many old versions ``wherry prune`` keeps; None for its default.
        keep_days: how many days old a version must be for ``wherry prune``; None for its default.
        functions: the settings of single functions.
        layers: the settings of single layers.
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
        """The stage's settings of one function."""
        return self.functions.get(name, StageFunction())

    def layer(self, name: str) -> StageLayer:
        """The stage's settings of one layer."""
        return self.layers.get(name, StageLayer())

    def function_on_aws(self, name: str, *, project: str, stage: str) -> str:
        """The name on AWS of a function of the settings."""
        return self.function(name).name or _fill(self.function_name, project, name, stage)

    def layer_on_aws(self, name: str, *, project: str, stage: str) -> str:
        """The name on AWS of a layer of the settings."""
        return self.layer(name).name or _fill(self.layer_name, project, name, stage)


def _fill(pattern: str, project: str, name: str, stage: str) -> str:
    if name == project:
        # The one function of a project without settings has the name of the project: not `shop-shop-staging`.
        pattern = pattern.replace("{project}-{name}", "{name}")
    filled = pattern.format(project=project, name=name, stage=stage)
    return re.sub(r"[^A-Za-z0-9_-]+", "-", filled)
