"""Options that several commands share, worded once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    Command = TypeVar("Command", bound=Callable[..., Any])

__all__ = ["in_project", "of_lock", "of_target", "quiet", "shared"]


def shared(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Several options as one decorator, shown in the order given."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


in_project = click.option(
    "--project",
    type=click.Path(path_type=Path),
    default=Path(),
    metavar="DIR",
    help="The project's folder. [default: the current folder]",
)

of_target = shared(
    click.option(
        "--runtime",
        metavar="NAME",
        help="Lambda runtime, such as python3.13. "
        "[default: the settings', else the newest that requires-python admits]",
    ),
    click.option(
        "--architecture",
        metavar="NAME",
        help="x86_64 or arm64. [default: the settings', else x86_64]",
    ),
)

of_lock = shared(
    click.option(
        "--group",
        "groups",
        multiple=True,
        metavar="NAME",
        help="Include a dependency group beyond the default ones. May be repeated.",
    ),
    click.option(
        "--extra",
        "extras",
        multiple=True,
        metavar="NAME",
        help="Include an extra of the project. May be repeated.",
    ),
    click.option("--package", metavar="NAME", help="The member of a workspace."),
    click.option(
        "--lock",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="The lock file, where it is not to be looked for.",
    ),
    click.option(
        "--offline", is_flag=True, help="Use no network: what is not in the store is an error."
    ),
)

quiet = click.option("-q", "--quiet", is_flag=True, help="Say nothing but warnings and errors.")
