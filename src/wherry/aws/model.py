"""The nouns of a deployment: the desired and the observed state of functions and layers.

Everything here is a frozen value. ``name`` is the name of a function or layer in the settings, ``aws_name`` its name
on AWS. A layer version is identified by its ARN, or by ``NewVersion`` if the plan itself publishes it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import field

from wherry.aws.configuration import NOTHING, Configuration
from wherry.structs import Struct
from wherry.target.quotas import LAYERS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

    from wherry.aws.transfer import StoredObject
    from wherry.settings.references import LayerReference

__all__ = [
    "Desired",
    "DesiredFunction",
    "DesiredLayer",
    "LayerRef",
    "NewVersion",
    "Observed",
    "ObservedAlias",
    "ObservedFunction",
    "ObservedLayer",
    "ObservedVersion",
    "Snapshot",
    "layer_document",
    "layer_name",
    "layer_of_arn",
    "layer_text",
    "same_handler",
    "version_of_arn",
]


class NewVersion(Struct, frozen=True, kw_only=True):
    """A layer version that the plan publishes; ``layer`` is the layer's name on AWS."""

    layer: str


LayerRef = str | NewVersion
"""A layer version: its ARN, or ``NewVersion`` if it is not published yet."""


def layer_text(layer: LayerRef) -> str:
    """A layer version for people."""
    return layer if isinstance(layer, str) else f"the new version of {layer.layer}"


def layer_document(layer: LayerRef) -> dict[str, str]:
    """A layer version in JSON: a published one has an ARN, one to be published the name of its layer."""
    return {"arn": layer} if isinstance(layer, str) else {"new_version_of": layer.layer}


def layer_of_arn(arn: str) -> str:
    """The ARN of a layer, without the version.

    >>> layer_of_arn("arn:aws:lambda:eu-west-1:123456789012:layer:base:7")
    'arn:aws:lambda:eu-west-1:123456789012:layer:base'
    """
    return arn.rpartition(":")[0] if re.search(r":layer:[^:]+:\d+$", arn) else arn


def layer_name(arn: str) -> str:
    """The name of a layer, from the ARN of it or of one of its versions."""
    return arn.split(":")[6]


def version_of_arn(arn: str) -> int:
    """The number of a layer version, from its ARN."""
    return int(arn.rpartition(":")[2])


class DesiredLayer(Struct, frozen=True, kw_only=True):
    """A layer as it was built, and as the stage describes it.

    Attributes:
        code_sha256: of the zip in base64, as AWS reports it.
        size: of the zip in bytes.
        share: accounts (12 digits) and organisations (``o-…``) that may use every published version.
        signed: the signed package, whose digest is ``code_sha256``.
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
    signed: StoredObject | None = None

    def differences(self, latest: ObservedLayer) -> list[str]:
        """The differences to a version for which another version is published."""
        pairs = {
            "content": (self.code_sha256, latest.code_sha256),
            "runtimes": ({*self.runtimes}, {*latest.runtimes}),
            "architectures": ({*self.architectures}, {*latest.architectures}),
        }
        return [name for name, (desired, observed) in pairs.items() if desired != observed]


class DesiredFunction(Struct, frozen=True, kw_only=True):
    """A function as it was built, and as the stage describes it.

    Attributes:
        aws_name: on AWS: a name, or an ARN.
        code_sha256: of the zip in base64, as AWS reports it.
        size: of the zip in bytes.
        handler: None if it is unknown.
        layers: names of the project's layers on AWS, ARNs of others and what is still to be asked for, in the order in
            which Lambda unpacks them.
        owned: names on AWS of all layers of the project, used or not: versions of these are detached if they are
            not in ``layers``.
        own_layers: a regular expression for the names of layers that the stage gives, with those of earlier settings.
        exclusive: whether layers of others are detached.
        manage: the parts of a function (``wherry.settings.model.MANAGEABLE``) that may be changed.
        alias: that is moved to the published version.
        canary: the share of calls, between 0 and 1, that the published version gets at first; None for all.
        role: of a function that is created; None if a missing function is not to be created.
        configuration: of a function that is created; of another, as far as it is managed.
        tags: of a function that is created; those of another are set if they are managed.
        signed: the signed package, whose digest is ``code_sha256``.
    """

    name: str
    aws_name: str
    path: Path
    code_sha256: str
    size: int
    runtime: str
    architecture: str
    handler: str | None = None
    layers: tuple[str | LayerReference, ...] = ()
    owned: frozenset[str] = frozenset()
    own_layers: str | None = None
    exclusive: bool = False
    manage: frozenset[str] = frozenset({"code", "layers"})
    publish: bool = False
    alias: str | None = None
    canary: float | None = None
    version_description: str = ""
    role: str | None = None
    configuration: Configuration = NOTHING
    tags: Mapping[str, str] = field(default_factory=dict)
    signed: StoredObject | None = None

    @property
    def managed(self) -> Configuration:
        """The configuration that may be changed."""
        return self.configuration.only(self.manage)

    def owns(self, layer: str) -> bool:
        """Whether a layer of this name, in the function's account and region, is one of the project's."""
        return layer in self.owned or self.names(layer)

    def names(self, layer: str) -> bool:
        """Whether the stage could have given a layer this name."""
        return bool(self.own_layers and re.fullmatch(self.own_layers, layer))


class Desired(Struct, frozen=True, kw_only=True):
    """The desired state of a stage.

    Attributes:
        direct_upload: bytes of a zip that need no bucket; None if the stage has one.
        layer_quota: how many layers a function can have.
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


class Snapshot(Struct, frozen=True, kw_only=True):
    """The code and configuration that a function or one of its versions runs.

    Attributes:
        code_sha256: of the code in base64.
        layers: ARNs of layer versions, in order; in a plan, also versions to be published.
        runtime: AWS's name; None for an image.
        handler: None for an image.
        rest: a digest of all other configuration that a version contains: variables, memory, role … The values
            themselves are not kept: there are secrets among them.
    """

    code_sha256: str
    layers: tuple[LayerRef, ...]
    runtime: str | None
    handler: str | None
    architecture: str
    rest: str = ""


class ObservedVersion(Struct, frozen=True, kw_only=True):
    """A published version of a function.

    Attributes:
        modified: when it was published (ISO 8601); empty if AWS does not tell it.
        code_size: of the zip in bytes.
        attached: the record of layers of others that the settings attached.
    """

    number: int
    snapshot: Snapshot
    description: str = ""
    modified: str = ""
    code_size: int = 0
    attached: frozenset[str] = frozenset()


class ObservedAlias(Struct, frozen=True, kw_only=True):
    """An alias of a function.

    Attributes:
        version: the number that it stands at; 0 for ``$LATEST``.
        weights: the share of calls, between 0 and 1, that other versions get, by their numbers.
        revision: guards it against a concurrent change.
        description: with what Wherry recorded at its end.
    """

    name: str
    version: int
    weights: Mapping[int, float] = field(default_factory=dict)
    revision: str | None = None
    description: str = ""

    @property
    def canaries(self) -> dict[int, float]:
        """The weights of newer versions.

        A weight of an older one is a move under way: AWS shifts the calls by itself where an alias has provisioned
        concurrency.
        """
        return {number: share for number, share in self.weights.items() if number > self.version}


class ObservedFunction(Struct, frozen=True, kw_only=True):
    """A function on AWS.

    Attributes:
        aws_name: its name or ARN, as it was asked for.
        arn: without a qualifier.
        latest: the code and configuration of ``$LATEST``.
        package_type: ``Zip`` or ``Image``.
        code_size: of the zip in bytes.
        versions: the published ones, the oldest first; empty if they were not asked for.
        aliases: all of them; empty if they were not asked for.
        configuration: AWS's description of ``$LATEST``, whose values are not printed.
        tags: None if they were not asked for.
    """

    aws_name: str
    arn: str
    latest: Snapshot
    package_type: str = "Zip"
    code_size: int = 0
    versions: tuple[ObservedVersion, ...] = ()
    aliases: tuple[ObservedAlias, ...] = ()
    configuration: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] | None = None

    def __repr__(self) -> str:
        """The function without its configuration, which may hold secrets."""
        return f"ObservedFunction(arn={self.arn!r})"

    @property
    def account(self) -> str:
        """The account (12 digits) of the function."""
        return self.arn.split(":")[4]

    @property
    def region(self) -> str:
        """The region of the function."""
        return self.arn.split(":")[3]

    def alias(self, name: str | None) -> ObservedAlias | None:
        """The alias of that name; None if it has none, or no name is given."""
        return next((alias for alias in self.aliases if alias.name == name), None)

    def version(self, number: int) -> ObservedVersion | None:
        """The version of that number."""
        return next((version for version in self.versions if version.number == number), None)

    def versions_running(self, snapshot: Snapshot) -> list[int]:
        """The numbers of the versions with this code and configuration, the oldest first."""
        return [version.number for version in self.versions if version.snapshot == snapshot]


class ObservedLayer(Struct, frozen=True, kw_only=True):
    """The latest version of a layer on AWS.

    Attributes:
        arn: of the version.
        code_sha256: of its content in base64.
        shared: accounts and organisations that may use the version; empty if they were not asked for.
    """

    aws_name: str
    arn: str
    code_sha256: str
    runtimes: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()

    @property
    def version(self) -> int:
        """The number of the version."""
        return version_of_arn(self.arn)


class Observed(Struct, frozen=True, kw_only=True):
    """The functions and layers on AWS, by their names there; what is missing on AWS is missing here."""

    functions: Mapping[str, ObservedFunction] = field(default_factory=dict)
    layers: Mapping[str, ObservedLayer] = field(default_factory=dict)


def same_handler(first: str, second: str | None) -> bool:
    """Whether two handlers name the same function: Lambda imports ``src/orders.handler`` as ``src.orders``."""
    return second is not None and first.replace("/", ".") == second.replace("/", ".")
