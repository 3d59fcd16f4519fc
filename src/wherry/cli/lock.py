"""``wherry lock``: write ``pylock.toml`` for a project that has no lock."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from wherry.cli.options import (
    in_project,
    of_resolution,
    of_settings,
    of_target,
    offline,
    path_option,
    quiet,
)
from wherry.cli.render import Terminal

if TYPE_CHECKING:
    from wherry.pipeline.lock import LockOptions

__all__ = ["command"]


@click.command("lock")
@in_project
@of_target
@of_resolution
@path_option(
    "--lock",
    help="The file to resolve, such as requirements/prod.in. [default: the one that Wherry finds]",
)
@of_settings
@offline
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The file to write. [default: pylock.toml in the project]",
)
@quiet
def command(*, project: Path, quiet: bool, **options: Unpack[LockOptions]) -> None:
    """Resolve a project that has no lock, and write pylock.toml (PEP 751).

    uv resolves what pyproject.toml, requirements.in, Pipfile or setup.py declares, for the target alone.
    A project that uv, Poetry or Pipenv locks keeps its lock: run their own command.
    """
    from wherry.pipeline.lock import lock_all

    with Terminal(quiet=quiet) as terminal:
        paths = lock_all(project, reporter=terminal, **options)
    for path in paths:
        click.echo(path.as_posix())
