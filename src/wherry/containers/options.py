"""What the user says about containers: ``[tool.wherry.container]`` and the options of the command line."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ContainerOptions", "Copy", "Mode", "Value"]

Value: TypeAlias = str | bool
"""Of a variable: a text, or True for what the variable is where Wherry runs."""


class Mode(StrEnum):
    """When a container is used."""

    AUTO = "auto"
    """For what must be compiled and cannot be on this machine."""
    ALWAYS = "always"
    """For everything that has no wheel, and for the project itself."""
    NEVER = "never"
    """For nothing."""


class Copy(StrEnum):
    """How files get into the container and back."""

    BIND = "bind"
    """By folders that both see."""
    VOLUME = "volume"
    """By copying, where the engine does not see the files of this machine."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerOptions:
    """How containers are used.

    Attributes:
        mode: when.
        engine: the command: ``docker``, ``podman``, ``finch`` or a path; None for whichever there is.
        image: the image to run; None for AWS's, of the target.
        dockerfile: a Dockerfile, or the folder of one, that the image is made of; relative to the project.
        build_args: arguments of the Dockerfile's build. They stay in the image.
        build_requires: what backends ask for when they run, beyond the requirements that projects declare.
        build_secrets: variables whose values the Dockerfile's build is given as secrets. They do not stay.
        environment: variables of the container.
        network: as ``--network`` takes it.
        security_opt: as ``--security-opt`` takes them.
        user: as ``--user`` takes it; None for the one who runs Wherry.
        volumes: as ``--volume`` takes them.
        volumes_from: as ``--volumes-from`` takes them.
        platform: as ``--platform`` takes it; None for the target's.
        copy: how files get there and back; None for what suits the engine.
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
