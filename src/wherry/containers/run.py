"""The arguments and variables of a container's run. Nothing secret is among the arguments: variables travel by stdin."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

from wherry.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wherry.containers.engine import Engine
    from wherry.settings.model import ContainerOptions, Value

__all__ = [
    "INPUT",
    "NO_INPUT",
    "NO_PYTHON",
    "OUTPUT",
    "bind",
    "deciding",
    "python_script",
    "run_options",
    "user",
    "values",
]

INPUT = "/wherry/input"
"""The folder in which a container finds its input."""

OUTPUT = "/wherry/output"
"""The folder in which a container leaves its output."""

NO_PYTHON = 97
"""The exit status that says there is no interpreter of the requested version in the image."""

NO_INPUT = 98
"""The exit status that says the container does not see its input."""

# Addresses and credentials. Builds are given files, so these do not decide their result; and no secret may be guessed
# from a digest.
_ACCESS = re.compile(r"(?i).*(PROXY|TOKEN|PASSWORD|SECRET|CREDENTIAL|ACCESS_KEY).*|(PIP|UV)_.*")


def run_options(
    options: ContainerOptions, engine: Engine, *, platform: str, name: str
) -> list[str]:
    """The options of ``run`` and ``create``, but for folders and the image."""
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


def values(variables: Mapping[str, Value], *, what: str) -> dict[str, str]:
    """The variables with their values; those that are taken from Wherry's environment are left out where it has none.

    Raises:
        SettingsError: a secret is not there.
    """
    found = {}
    for name, value in variables.items():
        if isinstance(value, str):
            found[name] = value
        elif value and name in os.environ:
            found[name] = os.environ[name]
        elif value and what == "build-secrets":
            raise SettingsError(
                f"the variable `{name}` is not set",
                where=[f"`{what}` of [tool.wherry.container] names it"],
            )
    return found


def deciding(options: ContainerOptions) -> list[object]:
    """All options but the engine, the image and how files are copied, as JSON can hold it."""
    variables = values(options.environment, what="environment")
    return [
        sorted([name, value] for name, value in variables.items() if not _ACCESS.fullmatch(name)),
        sorted(options.build_requires),
        options.network,
        options.security_opt,
        options.user,
        options.volumes,
        options.volumes_from,
    ]
