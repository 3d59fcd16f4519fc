"""The arguments of a container's run. Nothing secret is among them: variables travel by standard input."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wherry.containers.engine import Engine
    from wherry.containers.options import ContainerOptions

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
"""Where a container finds what it is given."""

OUTPUT = "/wherry/output"
"""Where a container leaves what it made."""

NO_PYTHON = 97
"""The exit status that says there is no interpreter of the wanted version in the image."""

NO_INPUT = 98
"""The exit status that says the container does not see its input."""


def run_options(
    options: ContainerOptions, engine: Engine, *, platform: str, name: str
) -> list[str]:
    """The options of ``run`` and ``create``, but for folders and the image.

    Args:
        options: what the user says.
        engine: the engine.
        platform: of the image.
        name: what the container is called, by which it can be ended.
    """
    arguments = ["--interactive", "--name", name, "--platform", platform]
    arguments += ["--label", "wherry", "--entrypoint", "sh", "--workdir", "/tmp"]  # noqa: S108
    if options.user is not None:
        arguments += ["--user", options.user]
    elif (own := user()) is not None and (engine.kind == "podman" or not engine.rootless):
        arguments += ["--user", own]
        if engine.kind == "podman" and engine.rootless:
            # Without it the user's id would be somebody else's in the container.
            arguments += ["--userns", "keep-id"]
    if options.network is not None:
        arguments += ["--network", options.network]
    for given in options.security_opt:
        arguments += ["--security-opt", given]
    for given in options.volumes:
        arguments += ["--volume", _volume(given)]
    for given in options.volumes_from:
        arguments += ["--volumes-from", given]
    return arguments


def user() -> str | None:
    """Who a container works as, so that its files are the user's; None where there are no such numbers."""
    return None if sys.platform == "win32" else f"{os.geteuid()}:{os.getegid()}"


def bind(path: object, inside: str, *, readonly: bool) -> list[str]:
    """The options that show a folder of this machine to the container."""
    flags = ["ro"] if readonly else []
    # Where SELinux is at work, containers see but what is labelled for them.
    if os.path.exists("/sys/fs/selinux/enforce"):  # noqa: PTH110
        flags.append("z")
    return ["--volume", ":".join([str(path), inside, *([",".join(flags)] if flags else [])])]


def python_script(script: str, *, python: str) -> str:
    """The shell's line that runs a script of the input with the wanted version of Python."""
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


def _volume(given: str) -> str:
    """A volume as the engine takes it; a path of this machine may be relative to the user's home."""
    place, colon, rest = given.partition(":")
    if re.match(r"~(/|$)", place):
        place = os.path.expanduser(place)  # noqa: PTH111
    return f"{place}{colon}{rest}"
