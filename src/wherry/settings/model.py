"""The settings: frozen, checked, and without defaults filled in.

Of two tables with the same key the more specific has precedence: ``[tool.wherry.functions.NAME]`` before
``[tool.wherry]``. ``docs/reference/settings.md`` explains every key. A value of None was not set.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import field

from wherry.structs import Struct
from wherry.target.quotas import DIRECT_UPLOAD, LAYERS, UNZIPPED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from wherry.indexes.declared import DeclaredIndex
    from wherry.settings.references import LayerReference, VariableSetting
    from wherry.settings.stage_test import StageTest
    from wherry.target import Runtime

__all__ = [
    "MANAGEABLE",
    "Command",
    "ContainerOptions",
    "ContentSettings",
    "Copy",
    "CorsSettings",
    "ExtraPath",
    "FunctionSettings",
    "HookSettings",
    "LayerSettings",
    "Mode",
    "QuotaSettings",
    "Settings",
    "StageFunction",
    "StageLayer",
    "StageSettings",
    "Value",
    "plain_name",
    "plain_stage",
]

Value: TypeAlias = str | bool
"""The value of a variable; True for the variable's value on this machine."""


class Mode(StrEnum):
    """When a container is used."""

    AUTO = "auto"
    """For what must be compiled and cannot be compiled on this machine."""
    ALWAYS = "always"
    """For everything that has no wheel, and for the project itself."""
    NEVER = "never"
    """For nothing."""


class Copy(StrEnum):
    """How files get into the container and back."""

    BIND = "bind"
    """By mounting folders."""
    VOLUME = "volume"
    """By copying, if the engine cannot see the files of this machine."""


class ContainerOptions(Struct, frozen=True, kw_only=True):
    """How to use containers."""

    mode: Mode = Mode.AUTO
    engine: str | None = None
    image: str | None = None
    dockerfile: str | None = None
    build_args: Mapping[str, Value] = field(default_factory=dict)
    build_requires: tuple[str, ...] = ()
    build_secrets: tuple[str, ...] = ()
    environment: Mapping[str, Value] = field(default_factory=dict)
    network: str | None = None
    security_opt: tuple[str, ...] = ()
    user: str | None = None
    volumes: tuple[str, ...] = ()
    volumes_from: tuple[str, ...] = ()
    platform: str | None = None
    copy: Copy | None = None


class ExtraPath(Struct, frozen=True, kw_only=True):
    """A file or folder beside the code that a package includes.

    Attributes:
        path: where it is, relative to the project's folder.
        to: its path in the package; None for the same relative path.
    """

    path: str
    to: str | None = None


Command: TypeAlias = str | tuple[str, ...]
"""A line for the shell, or a program and its arguments."""


class HookSettings(Struct, frozen=True, kw_only=True):
    """Commands that run before and after packages are bundled."""

    before: tuple[Command, ...] = ()
    after: tuple[Command, ...] = ()
    where: str | None = None
    inputs: tuple[str, ...] | None = None
    always: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether there are no commands."""
        return not self.before and not self.after


class ContentSettings(Struct, frozen=True, kw_only=True):
    """The content of a function or a layer.

    Attributes:
        root: the folder of its code, relative to the project's; None for the project's own code.
        lock: its lock file, relative to the project's folder; None for the one that is found.
    """

    root: str | None = None
    lock: str | None = None
    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()
    include_files: tuple[str, ...] = ()
    exclude_files: tuple[str, ...] = ()
    include_regex: tuple[str, ...] = ()
    exclude_regex: tuple[str, ...] = ()
    provided: tuple[str, ...] = ()
    project: bool | None = None
    rename: Mapping[str, str] = field(default_factory=dict)
    extra_paths: tuple[ExtraPath, ...] = ()
    extra_distributions: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    groups: tuple[str, ...] | None = None
    extras: tuple[str, ...] | None = None
    package: str | None = None
    strip: tuple[str, ...] | None = None
    slim: tuple[str, ...] | None = None
    botocore_services: tuple[str, ...] | None = None
    bytecode: str | None = None
    bytecode_budget: int | None = None
    hooks: HookSettings = HookSettings()


class CorsSettings(Struct, frozen=True, kw_only=True):
    """``[tool.wherry.functions.NAME.cors]``, after the ``Cors`` of a Function URL."""

    allow_origins: tuple[str, ...] = ()
    allow_methods: tuple[str, ...] = ()
    allow_headers: tuple[str, ...] = ()
    expose_headers: tuple[str, ...] = ()
    allow_credentials: bool = False
    max_age: int = 0


class FunctionSettings(ContentSettings, frozen=True, kw_only=True):
    """``[tool.wherry.functions.NAME]``. From ``environment`` on, it is about local runs."""

    app: str | None = None
    interface: str | None = None
    handler: str | None = None
    base_path: str = ""
    stage_in_path: bool = True
    text_types: tuple[str, ...] = ()
    events: str = ""
    environment: Mapping[str, Value] = field(default_factory=dict)
    timeout: int | None = None
    memory: int | None = None
    ephemeral_storage: int | None = None
    boto3: bool = True
    routes: tuple[str, ...] = ()
    cors: CorsSettings | None = None


class LayerSettings(ContentSettings, frozen=True, kw_only=True):
    """``[tool.wherry.layers.NAME]``."""

    layout: str = "python"
    runtimes: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()


class CheckSettings(Struct, frozen=True, kw_only=True):
    """The treatment of findings in a build: ``error``, ``warn`` or ``off``; and the codes that are looked for."""

    level: str = "error"
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()


class QuotaSettings(Struct, frozen=True, kw_only=True):
    """AWS Lambda's quotas in bytes and layers, for accounts with other quotas than the default."""

    direct_upload: int = DIRECT_UPLOAD
    unzipped: int = UNZIPPED
    layers: int = LAYERS


class Settings(Struct, frozen=True, kw_only=True):
    """``[tool.wherry]``, checked. What is None or empty was not set."""

    runtime: str | None = None
    architecture: str | None = None
    name: str | None = None
    lock: str | None = None
    install_path: str | None = None
    output: str | None = None
    groups: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    provided: tuple[str, ...] = ()
    strip: tuple[str, ...] = ()
    slim: tuple[str, ...] = ()
    botocore_services: tuple[str, ...] = ()
    bytecode: str = "off"
    bytecode_budget: int | None = None
    follow_links: bool = False
    build_project: bool = True
    conflicts: Mapping[str, str] = field(default_factory=dict)
    runtimes: Mapping[str, Runtime] = field(default_factory=dict)
    quotas: QuotaSettings = QuotaSettings()
    hooks: HookSettings = HookSettings()
    container: ContainerOptions = field(default_factory=ContainerOptions)
    functions: Mapping[str, FunctionSettings] = field(default_factory=dict)
    layers: Mapping[str, LayerSettings] = field(default_factory=dict)
    stages: Mapping[str, StageSettings] = field(default_factory=dict)
    indexes: tuple[DeclaredIndex, ...] = ()
    check: CheckSettings = CheckSettings()
    licenses: tuple[str, ...] = ()

    def chosen(self, name: str, content: ContentSettings) -> Any:
        """The value of a setting that a function or layer has, or that of the whole project."""
        own = getattr(content, name)
        return getattr(self, name) if own is None else own

    def roots(self, project: Path) -> tuple[Path, ...]:
        """The folders of functions and layers that have one of their own."""
        contents = (*self.functions.values(), *self.layers.values())
        return tuple(dict.fromkeys(project / each.root for each in contents if each.root))


MANAGED = ("code", "layers")
"""The parts of a function that Wherry manages by default; the rest belongs to Terraform, CDK or SAM."""

MANAGEABLE = (
    *MANAGED,
    "handler",
    "runtime",
    "architecture",
    "environment",
    "memory",
    "timeout",
    "logging",
    "tracing",
    "ephemeral-storage",
    "snap-start",
    "description",
    "tags",
)

DEFAULT_NAME = "{project}-{name}-{stage}"
"""The stage is part of it, so that a wrong guess finds nothing rather than the function of another stage."""


class StageFunction(Struct, frozen=True, kw_only=True):
    """``functions.NAME`` of a stage.

    Attributes:
        layers: those that it has in this stage, in order, or ``exclusive``.
        logging: by the keys of the settings.
    """

    name: str | None = None
    alias: str | None = None
    publish: bool | None = None
    manage: tuple[str, ...] | None = None
    layers: str | tuple[str | LayerReference, ...] | None = None
    exclusive_layers: bool = False
    role: str | None = None
    description: str | None = None
    memory: int | None = None
    timeout: int | None = None
    test: tuple[StageTest, ...] = ()
    environment: Mapping[str, VariableSetting] = field(default_factory=dict)
    ephemeral_storage: int | None = None
    tracing: str | None = None
    logging: Mapping[str, str] = field(default_factory=dict)
    snap_start: bool | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


class StageLayer(Struct, frozen=True, kw_only=True):
    """``layers.NAME`` of a stage."""

    name: str | None = None
    description: str | None = None
    license: str | None = None
    share: tuple[str, ...] = ()


class StageSettings(Struct, frozen=True, kw_only=True):
    """``[tool.wherry.stages.NAME]``."""

    region: str | None = None
    regions: tuple[str, ...] = ()
    profile: str | None = None
    assume_role: str | None = None
    bucket: str | None = None
    prefix: str = ""
    bucket_region: str | None = None
    encryption: str | None = None
    kms_key: str | None = None
    keep: bool = False
    signing_profile: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    function_name: str = DEFAULT_NAME
    layer_name: str = DEFAULT_NAME
    alias: str | None = None
    publish: bool | None = None
    manage: tuple[str, ...] = MANAGED
    keep_versions: int | None = None
    keep_days: int | None = None
    test: tuple[StageTest, ...] = ()
    alarms: tuple[str, ...] = ()
    max_error_rate: float | None = None
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

    def layer_pattern(self, *, project: str, stage: str) -> str | None:
        """A regular expression for the names on AWS that layers of the settings get, also of earlier ones.

        None if the names have nothing in common that tells them from the layers of others.
        """
        if "{name}" not in self.layer_name or not {"{project}", "{stage}"} & set(
            re.findall(r"{\w+}", self.layer_name)
        ):
            return None
        before, _, after = self.layer_name.partition("{name}")
        parts = [
            re.escape(plain_name(part.format(project=project, stage=plain_stage(stage))))
            for part in (before, after)
        ]
        return f"{parts[0]}[A-Za-z0-9_-]+{parts[1]}"


def _fill(pattern: str, project: str, name: str, stage: str) -> str:
    if name == project:
        # The one function of a project without settings has the name of the project: not `shop-shop-staging`.
        pattern = pattern.replace("{project}-{name}", "{name}")
    filled = pattern.format(project=project, name=name, stage=plain_stage(stage))
    return plain_name(filled)


def plain_stage(stage: str) -> str:
    """The name of a stage in the settings: ``production`` of ``production@eu-west-1``."""
    return stage.partition("@")[0]


def plain_name(text: str) -> str:
    """The text with a hyphen for what the name of a function or layer may not have."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text)
