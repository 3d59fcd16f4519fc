"""The result of a plan that was carried out."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Applied", "AppliedFunction", "AppliedLayer"]


@dataclass(frozen=True, kw_only=True, slots=True)
class AppliedLayer:
    """A layer after the deployment.

    Attributes:
        name: in the settings.
        aws_name: on AWS.
        arn: of the version that functions get.
        published: whether the version was published by this run.
    """

    name: str
    aws_name: str
    arn: str
    published: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class AppliedFunction:
    """A function after the deployment.

    Attributes:
        name: in the settings.
        aws_name: on AWS.
        arn: of the function, without a qualifier.
        version: the published version that runs what was deployed; None if none is desired.
        alias: that callers use; None if there is none.
        changed: whether anything was changed.
    """

    name: str
    aws_name: str
    arn: str
    version: int | None
    alias: str | None
    changed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Applied:
    """All layers and functions of a plan after the deployment."""

    layers: tuple[AppliedLayer, ...]
    functions: tuple[AppliedFunction, ...]
