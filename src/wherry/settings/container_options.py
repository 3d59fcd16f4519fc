"""Options for containers: of ``[tool.wherry.container]`` and of the command line."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ContainerOptions", "Copy", "Mode", "Value"]

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


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerOptions:
    """How to use containers.

    Attributes:
        mode: when to use one.
        engine: the command: ``docker``, ``podman``, ``finch`` or a path; None for the first that is found.
        image: the image to run; None for AWS's image of the target.
        dockerfile: the Dockerfile of the image, or its folder; relative to the project.
        build_args: arguments of the Dockerfile's build. They stay in the image.
        build_requires: requirements of backends in addition to those that projects declare.
        build_secrets: variables that the Dockerfile's build receives as secrets. They do not stay in the image.
        environment: variables of the container.
        network: as ``--network`` takes it.
        security_opt: as ``--security-opt`` takes them.
        user: as ``--user`` takes it; None for the user who runs Wherry.
        volumes: as ``--volume`` takes them.
        volumes_from: as ``--volumes-from`` takes them.
        platform: as ``--platform`` takes it; None for the target's.
        copy: how files get there and back; None to choose by the engine.
    """

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
