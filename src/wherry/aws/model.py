"""The nouns of a deployment: what is desired, what was observed, and the actions between the two.

Everything here is a frozen value. ``name`` is what the settings call a function or layer, ``aws_name`` what
AWS calls it. A layer version is told by its ARN, and by ``NewVersion`` where the plan itself publishes it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wherry.quotas import LAYERS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = [
    "Action",
    "CreateAlias",
    "CreateFunction",
    "Desired",
    "DesiredFunction",
    "DesiredLayer",
    "FunctionPlan",
    "LayerPlan",
    "LayerRef",
    "MoveAlias",
    "NewVersion",
    "Observed",
    "ObservedAlias",
    "ObservedFunction",
    "ObservedLayer",
    "ObservedVersion",
    "Plan",
    "PublishLayer",
    "PublishVersion",
    "ShareLayer",
    "Snapshot",
    "UpdateCode",
    "UpdateConfiguration",
    "layer_of_arn",
    "version_of_arn",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class NewVersion:
    """The version of a layer that the plan is about to publish; ``layer`` is AWS's name of the layer."""

    layer: str


LayerRef = str | NewVersion
"""A layer version: its ARN, or that it is yet to be published."""


def layer_of_arn(arn: str) -> str:
    """The ARN of a layer, without the version.

    >>> layer_of_arn("arn:aws:lambda:eu-west-1:123456789012:layer:base:7")
    'arn:aws:lambda:eu-west-1:123456789012:layer:base'
    """
    return arn.rpartition(":")[0] if re.search(r":layer:[^:]+:\d+$", arn) else arn


def version_of_arn(arn: str) -> int:
    """The number of a layer version, out of its ARN."""
    return int(arn.rpartition(":")[2])


# What should be.


@dataclass(frozen=True, kw_only=True, slots=True)
class DesiredLayer:
    """A layer as it was built, and as the stage wants it.

    Attributes:
        name: in the settings.
        aws_name: on AWS.
        path: the written zip.
        code_sha256: of the zip in base64, as AWS reports it.
        size: of the zip in bytes.
        runtimes: that it is for.
        architectures: that it is for.
        description: of the versions that are published.
        license: of the versions that are published.
        share: accounts (12 digits) and organisations (``o-…``) that may use every published version.
    """

    name: str
    aws_name: str
    path: Path
    code_sha256: str
    size: int
    runtimes: tuple[str, ...]
    architectures: tuple[str, ...]
    description: str = ""
    license: str | None = None
    share: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class DesiredFunction:
    """A function as it was built, and as the stage wants it.

    Attributes:
        name: in the settings.
        aws_name: on AWS: a name, or an ARN.
        path: the written zip.
        code_sha256: of the zip in base64, as AWS reports it.
        size: of the zip in bytes.
        runtime: that it was built for.
        architecture: that it was built for.
        handler: where the settings say one.
        layers: AWS's names of own layers and the ARNs of others, in the order in which Lambda unpacks them.
        owned: AWS's names of all layers of the project, taken or not: versions of these are detached when
            they are not in ``layers``.
        manage: the parts of a function (``wherry.settings.stages.MANAGEABLE``) that may be changed.
        publish: whether a version is published.
        alias: that is moved to the published version.
        canary: the share of calls, between 0 and 1, that the published version gets at first; None for all.
        version_description: of published versions.
        role: for a function that is to be created where it is missing.
        description: of a function that is created.
        memory: in MB, of a function that is created.
        timeout: in seconds, of a function that is created.
        tags: of a function that is created.
    """

    name: str
    aws_name: str
    path: Path
    code_sha256: str
    size: int
    runtime: str
    architecture: str
    handler: str | None = None
    layers: tuple[str, ...] = ()
    owned: frozenset[str] = frozenset()
    manage: frozenset[str] = frozenset({"code", "layers"})
    publish: bool = False
    alias: str | None = None
    canary: float | None = None
    version_description: str = ""
    role: str | None = None
    description: str | None = None
    memory: int | None = None
    timeout: int | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Desired:
    """What a stage should be.

    Attributes:
        stage: its name.
        layers: those that were built.
        functions: those that were built.
        direct_upload: bytes of a zip that need no bucket; None where the stage has one.
        layer_quota: how many layers a function can take.
    """

    stage: str
    layers: tuple[DesiredLayer, ...] = ()
    functions: tuple[DesiredFunction, ...] = ()
    direct_upload: int | None = None
    layer_quota: int = LAYERS

    @property
    def parts(self) -> tuple[DesiredLayer | DesiredFunction, ...]:
        """All of them, layers first."""
        return (*self.layers, *self.functions)


# What is.


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """What a function or one of its versions runs.

    Attributes:
        code_sha256: of the code in base64.
        layers: ARNs of layer versions, in order; in a plan, versions that are yet to be published too.
        runtime: AWS's name; None for an image.
        handler: None for an image.
        architecture: AWS's name.
        rest: a digest of all configuration that a version freezes and that is not Wherry's: variables,
            memory, role … The values themselves are kept nowhere: there are secrets among them.
    """

    code_sha256: str
    layers: tuple[LayerRef, ...]
    runtime: str | None
    handler: str | None
    architecture: str
    rest: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ObservedVersion:
    """A published version of a function.

    Attributes:
        number: as AWS counts, from 1.
        snapshot: what it runs.
        description: of the version.
        modified: when it was published, as AWS tells it (ISO 8601); empty where it does not.
        code_size: of the zip in bytes.
    """

    number: int
    snapshot: Snapshot
    description: str = ""
    modified: str = ""
    code_size: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class ObservedAlias:
    """An alias of a function.

    Attributes:
        name: of the alias.
        version: the number that it stands at; 0 for ``$LATEST``.
        weights: the share of calls, between 0 and 1, that other versions get, by their numbers.
        revision: guards it against somebody else's change.
        description: of the alias.
    """

    name: str
    version: int
    weights: Mapping[int, float] = field(default_factory=dict)
    revision: str | None = None
    description: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ObservedFunction:
    """A function that is there.

    Attributes:
        aws_name: as it was asked for.
        arn: without a qualifier.
        latest: what ``$LATEST`` runs.
        package_type: ``Zip`` or ``Image``.
        revision: guards ``$LATEST`` against somebody else's change.
        code_size: of the zip in bytes.
        versions: the published ones, the oldest first; empty where they were not asked for.
        aliases: all of them; empty where they were not asked for.
    """

    aws_name: str
    arn: str
    latest: Snapshot
    package_type: str = "Zip"
    revision: str | None = None
    code_size: int = 0
    versions: tuple[ObservedVersion, ...] = ()
    aliases: tuple[ObservedAlias, ...] = ()

    @property
    def account(self) -> str:
        """The account (12 digits) that the function is of."""
        return self.arn.split(":")[4]

    @property
    def region(self) -> str:
        """The region that the function is in."""
        return self.arn.split(":")[3]

    def alias(self, name: str) -> ObservedAlias | None:
        """The alias of that name."""
        return next((one for one in self.aliases if one.name == name), None)

    def version(self, number: int) -> ObservedVersion | None:
        """The version of that number."""
        return next((one for one in self.versions if one.number == number), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class ObservedLayer:
    """The latest version of a layer that is there.

    Attributes:
        aws_name: of the layer.
        arn: of the version.
        code_sha256: of its content in base64.
        runtimes: that it is for.
        architectures: that it is for.
        shared: accounts and organisations that may use the version; empty where it was not asked for.
        code_size: of the zip in bytes.
    """

    aws_name: str
    arn: str
    code_sha256: str
    runtimes: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    code_size: int = 0

    @property
    def version(self) -> int:
        """The number of the version."""
        return version_of_arn(self.arn)


@dataclass(frozen=True, kw_only=True, slots=True)
class Observed:
    """What is there, by AWS's names; what is missing on AWS is missing here."""

    functions: Mapping[str, ObservedFunction] = field(default_factory=dict)
    layers: Mapping[str, ObservedLayer] = field(default_factory=dict)


# What to do.


@dataclass(frozen=True, kw_only=True, slots=True)
class Action:
    """One call that changes something.

    Attributes:
        name: of the function or layer in the settings.
        aws_name: on AWS.
        why: what is different, in a few words each.
    """

    name: str
    aws_name: str
    why: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishLayer(Action):
    """Publish a version of a layer."""

    layer: DesiredLayer


@dataclass(frozen=True, kw_only=True, slots=True)
class ShareLayer(Action):
    """Let an account or an organisation use a version of a layer."""

    version: LayerRef
    principal: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateFunction(Action):
    """Create a function, with code, layers and configuration at once."""

    function: DesiredFunction
    layers: tuple[LayerRef, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdateCode(Action):
    """Give a function other code, built for ``architecture`` where that changes too."""

    function: DesiredFunction
    architecture: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdateConfiguration(Action):
    """Change a function's layers, handler or runtime; None stays as it is."""

    layers: tuple[LayerRef, ...] | None = None
    handler: str | None = None
    runtime: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishVersion(Action):
    """Freeze ``$LATEST`` as a version."""

    code_sha256: str
    description: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateAlias(Action):
    """Make an alias of a version; None is the one that this plan publishes."""

    alias: str
    version: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class MoveAlias(Action):
    """Let an alias stand at a version, and send a share of the calls elsewhere.

    Attributes:
        alias: its name.
        version: the number; None is the one that this plan publishes.
        was: the number that it stood at.
        canary: the share of calls, between 0 and 1, that ``version`` gets while the alias stays at ``was``;
            None when it gets them all.
        revision: guards the alias against somebody else's change.
    """

    alias: str
    version: int | None = None
    was: int = 0
    canary: float | None = None
    revision: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerPlan:
    """What to do for one layer; nothing when ``actions`` is empty.

    Attributes:
        name: in the settings.
        aws_name: on AWS.
        version: the version that functions take: the one that is there, or the one that will be.
        code_sha256: of its content in base64.
        actions: in their order.
    """

    name: str
    aws_name: str
    version: LayerRef
    code_sha256: str
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class FunctionPlan:
    """What to do for one function; nothing when ``actions`` is empty.

    Attributes:
        name: in the settings.
        aws_name: on AWS.
        observed: as it was; None for one that is to be created.
        after: what ``$LATEST`` will run.
        actions: in their order.
        version: the number of the version that runs this already; None where the plan publishes one, or none
            is wanted.
        alias: that calls come by; None where there is none.
    """

    name: str
    aws_name: str
    observed: ObservedFunction | None
    after: Snapshot
    actions: tuple[Action, ...] = ()
    version: int | None = None
    alias: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Layers first, each on its own; then functions, each on its own.

    Attributes:
        stage: what it is for.
        layers: one for each desired layer.
        functions: one for each desired function.
        warnings: what the user will probably want to change.
    """

    stage: str
    layers: tuple[LayerPlan, ...] = ()
    functions: tuple[FunctionPlan, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def actions(self) -> tuple[Action, ...]:
        """All that is to be done, in an order in which it can be."""
        parts: tuple[LayerPlan | FunctionPlan, ...] = (*self.layers, *self.functions)
        return tuple(action for part in parts for action in part.actions)

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.actions)
