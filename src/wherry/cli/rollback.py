"""``wherry rollback``: go back to the previous versions of functions."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from wherry.cli.options import as_json, of_stage, of_stage_names
from wherry.cli.render import Terminal, print_result
from wherry.sizes import count
from wherry.visible import visible

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from wherry.aws.rollback.find import Rollback

__all__ = ["command"]


@click.command("rollback")
@of_stage
@click.option(
    "--to",
    type=click.IntRange(min=1),
    metavar="VERSION",
    help="Go to this version, of one function. [default: the one before]",
)
@click.option(
    "--delete",
    is_flag=True,
    help="Then delete the version that the function ran before, if nothing else refers to it.",
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Print what would be done on stdout, and do nothing.")
@as_json
@of_stage_names
def command(
    *,
    stage: str,
    project: Path,
    yes: bool,
    dry_run: bool,
    as_json: bool,
    verbose: bool,
    quiet: bool,
    **options: Any,
) -> int:
    """Go back to the previous versions of functions: code, layers and configuration together.

    An alias is moved to the version before the current one, which is one call and takes effect at once. A canary
    is ended. If a function has no alias, its $LATEST is restored from its newest other version: code,
    layers, handler, runtime and architecture. Nothing is built, and no version is deleted unless --delete is given;
    --to can also go forward again. The next `wherry deploy` deploys what is built again.

    Shows first what will be done, and asks on a terminal. Without a terminal, --yes is required.

    The ARNs of the functions, with the alias, go to stdout.

    \b
    Examples:
      wherry rollback production
      wherry rollback production api --to 41 --yes
      wherry rollback production api --delete
      wherry rollback production --dry-run
    """  # noqa: D301  the backspace is click's mark
    from wherry.aws.rollback.rollback import rollback

    asked = not (yes or dry_run)
    if asked and not sys.stdin.isatty():
        raise click.UsageError(
            "there is no terminal to ask on: add --yes, or --dry-run to only look"
        )
    refused = False
    with Terminal(quiet=quiet) as terminal:

        def confirm(rollbacks: Sequence[Rollback]) -> bool:
            nonlocal refused
            for line in _lines(rollbacks):
                # Who is asked must know what.
                click.echo(visible(line), err=True) if asked else terminal.line(line)
            if asked and not click.confirm("Go back?", err=True):
                refused = True
            return not refused

        found = rollback(
            project, stage, dry_run=dry_run, confirm=confirm, reporter=terminal, **options
        )
        if verbose:
            terminal.line(f"called AWS {len(found.calls)} times: {', '.join(found.calls)}")
        if refused:
            terminal.line("Nothing was changed")
        elif not found.rollbacks:
            terminal.line(f"Stage {stage} is there already")
        elif found.done:
            number = count(len(found.rollbacks), "function")
            terminal.line(f"Rolled back {stage}: {number} in {terminal.took}")
    lines = _lines(found.rollbacks) if dry_run else []
    if found.done:
        lines = [
            ":".join(filter(None, (each.observed.arn, each.alias))) for each in found.rollbacks
        ]
    print_result(found.document(), lines, as_json=as_json)
    return 1 if refused else 0


def _lines(rollbacks: Sequence[Rollback]) -> list[str]:
    lines = []
    for each in rollbacks:
        lines.append(str(each))
        lines.extend(f"  {what} of version {each.to} is not restored" for what in each.stays)
    return lines
