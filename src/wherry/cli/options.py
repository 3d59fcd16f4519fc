"""Options that several commands share, worded once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Command = TypeVar("Command", bound=Callable[..., Any])

__all__ = [
    "as_json",
    "canary",
    "drover_stage",
    "from_stage",
    "in_project",
    "of_build",
    "of_config",
    "of_deployment",
    "of_resolution",
    "of_settings",
    "of_stage",
    "of_stage_names",
    "of_stages",
    "of_target",
    "of_written",
    "offline",
    "path_option",
    "quiet",
    "refresh",
    "shared",
    "zip_archives",
]


# One for all options: click looks for a translation of the name of each type.
_PATH = click.Path(path_type=Path)


def zip_archives(packages: Sequence[str]) -> list[Path]:
    """The zip archives that a command was given in place of the names of functions and layers; none for names."""
    files = [Path(name) for name in packages if name.lower().endswith(".zip")]
    if files and len(files) < len(packages):
        raise click.UsageError("name functions and layers, or zip archives, not both")
    return files


def shared(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Several options as one decorator, shown in the order given."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def path_option(
    *names: str, metavar: str = "FILE", **settings: Any
) -> Callable[[Command], Command]:
    """An option that takes the path of a file or folder."""
    return click.option(*names, type=_PATH, metavar=metavar, **settings)


in_project = path_option(
    "--project",
    default=Path(),
    metavar="DIR",
    help="The project's folder. [default: the current folder]",
)

of_target = shared(
    click.option(
        "--runtime",
        metavar="NAME",
        help="Lambda runtime, such as python3.13. "
        "[default: from the settings, else from the project's files]",
    ),
    click.option(
        "--architecture",
        metavar="NAME",
        help="x86_64 or arm64. [default: from the settings, else x86_64]",
    ),
)

of_resolution = shared(
    click.option(
        "--group",
        "groups",
        multiple=True,
        metavar="NAME",
        help="Include a dependency group in addition to the default ones. May be repeated.",
    ),
    click.option(
        "--extra",
        "extras",
        multiple=True,
        metavar="NAME",
        help="Include an extra of the project. May be repeated.",
    ),
    click.option("--package", metavar="NAME", help="The member of a workspace."),
)

offline = click.option(
    "--offline",
    is_flag=True,
    help="Do not use the network. A file that is not in the store is an error.",
)

refresh = click.option(
    "--refresh",
    is_flag=True,
    help="Resolve requirements files without hashes again. Otherwise a result is used for a day.",
)

of_lock = shared(
    of_resolution,
    path_option(
        "--lock",
        help="The lock file to read. [default: the one that Wherry finds]",
    ),
    click.option(
        "--frozen",
        is_flag=True,
        help="Build what the lock says, even if the project has changed since.",
    ),
    offline,
    refresh,
)

of_settings = path_option(
    "--config",
    help="Read the settings from this file instead of the project's: TOML, drover.yml or settings.spindrift.",
)

of_config = shared(
    of_settings,
    path_option(
        "--install-path",
        metavar="DIR",
        help="Package a folder that `pip install --target DIR` made, instead of what a lock names.",
    ),
)

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")

quiet = click.option("-q", "--quiet", is_flag=True, help="Show only warnings and errors.")

drover_stage = click.option("--stage", metavar="NAME", help="The stage of drover.yml.")

of_stage_names = shared(
    in_project,
    click.option("--name", metavar="NAME", help="The function's name. [default: the project's]"),
    of_settings,
    click.option("-v", "--verbose", is_flag=True, help="Also show the calls to AWS."),
    quiet,
)
"""The options of every command about what a stage has on AWS."""

_name = click.option("--name", metavar="NAME", help="The package's name. [default: the project's]")

of_handler = shared(
    _name,
    click.option(
        "--app",
        metavar="MODULE:OBJECT",
        help="The web application (WSGI or ASGI) that the function serves.",
    ),
    click.option("--handler", metavar="MODULE.FUNCTION", help="The function that Lambda calls."),
    click.option(
        "--interface",
        type=click.Choice(["wsgi", "asgi"]),
        help="The interface of the app, if it cannot be detected.",
    ),
)

of_container = shared(
    click.option(
        "--container",
        type=click.Choice(["auto", "always", "never"]),
        help="When to build in a container: auto (only what cannot be compiled on this machine), always (all that "
        "has no wheel, and the project itself) or never. [default: from the settings, else auto]",
    ),
    click.option(
        "--container-engine",
        metavar="COMMAND",
        help="docker, podman, finch or a path. [default: $CDK_DOCKER, else the first that is installed]",
    ),
    click.option(
        "--container-image",
        metavar="IMAGE",
        help="The image to build in. [default: from the settings, else AWS's for the target]",
    ),
)

of_stage = shared(
    click.argument("stage", metavar="STAGE"),
    click.argument("names", nargs=-1, metavar="[NAME]..."),
)


of_stages = shared(
    click.argument("stage", metavar="STAGE"),
    click.argument("names", nargs=-1, metavar="[STAGE]... [NAME]..."),
    click.option(
        "--all-regions",
        is_flag=True,
        help="Use all regions of the stage (`regions`), in parallel.",
    ),
)


def _share(
    _context: click.Context, _parameter: click.Parameter, text: str | None
) -> float | str | None:
    """A share of calls: ``10%`` or ``0.1``; or steps: ``10%/5m,50%/10m``."""
    if text is None:
        return None
    if "/" in text:
        from wherry.aws.switch.steps import parse_canary

        parse_canary(text)
        return text
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(%?)", text.strip())
    value = float(match[1]) / (100 if match[2] else 1) if match else 0.0
    # A hundredth of a percent is the smallest share.
    if not 0 < round(value, 4) < 1:
        raise click.UsageError(f"`{text}` is not a share of calls: write --canary 10%")
    return round(value, 4)


canary = click.option(
    "--canary",
    callback=_share,
    metavar="SHARE",
    help="Give the new version this share of the alias's calls, such as 10%. With times, such as 10%/5m,50%/10m, give it "
    "more step by step, and take it back if an alarm of the stage goes off or too many calls fail.",
)

from_stage = click.option(
    "--from",
    "source",
    metavar="STAGE",
    help="Deploy what this other stage runs, byte for byte, and build nothing.",
)

of_build = shared(
    of_handler,
    of_target,
    of_lock,
    of_config,
    of_container,
    path_option(
        "-o",
        "--output",
        metavar="PATH",
        help="A folder for the packages, or FILE.zip. [default: dist/lambda in the project]",
    ),
)
"""The options of every command that builds: the keys of ``wherry.pipeline.request.BuildOptions``."""

of_deployment = shared(
    in_project,
    of_build,
    click.option(
        "--no-build",
        is_flag=True,
        help="Use the packages that were written, without building first.",
    ),
    click.option(
        "-v", "--verbose", is_flag=True, help="Also show what the build did, and the calls to AWS."
    ),
    quiet,
)
"""The options of every command that brings a stage to what is built."""

of_written = shared(
    in_project,
    _name,
    of_target,
    of_config,
    path_option(
        "-o",
        "--output",
        metavar="PATH",
        help="Where the packages were written. [default: dist/lambda in the project]",
    ),
    quiet,
)
"""The options of every command that takes what was built to AWS."""
