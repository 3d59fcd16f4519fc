"""The arguments of a container's run. Nothing secret is among them: variables travel by standard input."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wherry.containers.engine import Engine
    from wherry.settings.container_options import ContainerOptions

__all__ = [
    "INPUT",
    "NO_INPUT",
    "NO_PYTHON",
    "OUTPUT",
    "bind",
    "python_script",
    "run_options",
    "user",
]

INPUT = "/wherry/input"
"""The folder in which a container finds its input."""

OUTPUT = "/wherry/output"
"""The folder in which a container leaves its output."""

NO_PYTHON = 97
"""The exit status that says there is no interpreter of the requested version in the image."""

NO_INPUT = 98
"""The exit status that says the container does not see its input."""


def run_options(
    options: ContainerOptions, engine: Engine, *, platform: str, name: str
) -> list[str]:
    """The options of ``run`` and ``create``, but for folders and the image.

    Args:
        options: of containers.
        engine: the engine.
        platform: of the image.
        name: of the container, by which it can be ended.
    """
    arguments = ["--interactive", "--name", name, "--platform", platform]
    arguments += ["--label", "wherry", "--entrypoint", "sh", "--workdir", "/tmp"]  # noqa: S108
    if options.user is not None:
        arguments += ["--user", options.user]
    elif (own := user()) is not None and (engine.kind == "podman" or not engine.rootless):
        arguments += ["--user", own]
        if engine.kind == "podman" and engine.rootless:
            # Without this the user's id would be another user's in the container.
            arguments += ["--userns", "keep-id"]
    if options.network is not None:
        arguments += ["--network", options.network]
    for option in options.security_opt:
        arguments += ["--security-opt", option]
    for volume in options.volumes:
        arguments += ["--volume", _volume(volume)]
    for container in options.volumes_from:
        arguments += ["--volumes-from", container]
    return arguments


def user() -> str | None:
    """The user that a container works as, so that its files are the user's; None on a system without user ids."""
    return None if sys.platform == "win32" else f"{os.geteuid()}:{os.getegid()}"


def bind(path: object, inside: str, *, readonly: bool) -> list[str]:
    """The options that show a folder of this machine to the container."""
    flags = ["ro"] if readonly else []
    # With SELinux, containers see only files that are labelled for them.
    if os.path.exists("/sys/fs/selinux/enforce"):  # noqa: PTH110
        flags.append("z")
    return ["--volume", ":".join([str(path), inside, *([",".join(flags)] if flags else [])])]


def python_script(script: str, *, python: str) -> str:
    """The shell's line that runs a script of the input with the requested version of Python."""
    major, minor = python.split(".")
    # `manylinux` images keep theirs below /opt/python.
    places = (
        f"python{python} python3 python /opt/python/cp{major}{minor}-cp{major}{minor}/bin/python"
    )
    same = f"import sys; sys.exit(sys.version_info[:2] != ({major}, {minor}))"
    return (
        f"[ -f {INPUT}/{script} ] || exit {NO_INPUT}; "
        f'for python in {places}; do if "$python" -c "{same}" 2>/dev/null; '
        f'then exec "$python" {INPUT}/{script}; fi; done; exit {NO_PYTHON}'
    )


def _volume(volume: str) -> str:
    """A volume as the engine takes it; a path of this machine may be relative to the user's home."""
    place, colon, rest = volume.partition(":")
    if re.match(r"~(/|$)", place):
        place = os.path.expanduser(place)  # noqa: PTH111
    return f"{place}{colon}{rest}"
