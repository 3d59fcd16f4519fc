"""Values of a stage that come from elsewhere: variables of a function, and versions of layers."""

from __future__ import annotations

from enum import StrEnum

from msgspec import field

from wherry.structs import Struct

__all__ = ["LayerReference", "Origin", "VariableSetting"]


class Origin(StrEnum):
    """Where the value of a function's variable comes from."""

    PLAIN = "plain"
    """From the settings themselves."""
    ENV = "env"
    """From a variable of the process that deploys."""
    SSM = "ssm"
    """From a parameter of AWS Systems Manager, decrypted."""
    SECRET = "secret"  # noqa: S105  not a secret
    """From AWS Secrets Manager."""
    REMOVED = "remove"
    """From nowhere: the function is not to have the variable."""


class VariableSetting(Struct, frozen=True, kw_only=True):
    """A variable of a function as the settings give it.

    Attributes:
        text: the value itself if it is plain, else the name of the variable, parameter or secret.
        key: of a secret that holds a JSON object; None for the whole secret.
    """

    origin: Origin = Origin.PLAIN
    text: str = field(default="")
    key: str | None = None

    @property
    def is_secret(self) -> bool:
        """Whether the value is never shown."""
        return self.origin in {Origin.ENV, Origin.SSM, Origin.SECRET}

    def __str__(self) -> str:
        match self.origin:
            case Origin.ENV:
                return f"the variable {self.text}"
            case Origin.SSM:
                return f"the parameter {self.text}"
            case Origin.SECRET:
                return f"the secret {self.text}{f', key {self.key}' if self.key else ''}"
            case _:
                return "the settings"


class LayerReference(Struct, frozen=True, kw_only=True):
    """A version of a layer that AWS is asked for.

    Attributes:
        ssm: the parameter that holds its ARN; None for a layer that is named.
        name: of the layer, or its ARN without a version.
        version: the number; None for the latest.
    """

    ssm: str | None = None
    name: str = ""
    version: int | None = None

    def __str__(self) -> str:
        if self.ssm is not None:
            return f"the parameter {self.ssm}"
        return f"version {self.version or 'latest'} of {self.name}"
