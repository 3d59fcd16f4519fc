"""``wherry prune``: remove old versions of functions and layers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from wherry.cli.options import as_json, of_stage, of_stage_names
from wherry.cli.render import Terminal
from wherry.events import Event, Removed
from wherry.sizes import count, format_size
from wherry.structs import Struct
from wherry.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from wherry.aws.prune.pruning import Removal

__all__ = ["command"]


@click.command("prune")
@of_stage
@click.option(
    "--keep-versions",
    type=click.IntRange(min=0),
    metavar="NUMBER",
    help="How many of the newest versions stay. [default: the stage's, else 10]",
)
@click.option(
    "--keep-days",
    type=click.IntRange(min=0, max=36500),
    metavar="NUMBER",
    help="How many days a version stays. [default: the stage's, else 30]",
)
@click.option(
    "-y", "--yes", is_flag=True, help="Remove them. Without this option, they are only listed."
)
@as_json
@of_stage_names
def command(
    *,
    stage: str,
    project: Path,
    yes: bool,
    as_json: bool,
    verbose: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Remove old versions of functions and layers; without --yes, list them.

    A version is removed if it is neither among the newest nor recent, and nothing uses it. A version of a function
    is used by aliases, canaries, provisioned concurrency and event sources; a version of a layer by any version of any
    function of the account. With a bucket, packages and unfinished uploads that deployments left there a day ago or
    longer are removed, too; if the stage keeps packages, they are kept as versions are.

    What is removed is printed on stdout; what is old and stays, on stderr.

    \b
    Examples:
      wherry prune staging
      wherry prune staging --yes
      wherry prune production api --keep-versions 3 --keep-days 7
    """  # noqa: D301  the backspace is click's mark
    from wherry.aws.prune.prune import prune

    with Terminal(quiet=quiet) as terminal:
        found = prune(
            project,
            stage,
            dry_run=not yes,
            reporter=_Removals(terminal, shown=not as_json),
            **options,
        )
        if verbose:
            terminal.line(f"called AWS {len(found.calls)} times: {', '.join(found.calls)}")
        shown = found.removed if found.done else found.pruning.removals
        if as_json:
            click.echo(json.dumps(found.document()))
        elif not found.done:
            for removal in shown:
                click.echo(visible(str(Removed(what=str(removal), size=removal.size))))
        what = _counted(shown)
        if not found.pruning:
            terminal.line(f"Stage {stage} has nothing to remove")
        elif found.done:
            terminal.line(f"Removed {what} in {terminal.took}")
        else:
            terminal.line(f"Would remove {what}; run with --yes to remove")


class _Removals(Struct, frozen=True):
    """Prints removals on stdout at once, so that they are known even if the next call fails."""

    terminal: Terminal
    shown: bool

    def emit(self, event: Event) -> None:
        if not isinstance(event, Removed):
            self.terminal.emit(event)
        elif self.shown:
            click.echo(visible(str(event)))


def _counted(removals: Iterable[Removal]) -> str:
    """``3 versions and 1 package``, with the sum of the known sizes."""
    removals = list(removals)
    versions = sum(removal.version is not None for removal in removals)
    parts = []
    if versions or not removals:
        parts.append(count(versions, "version"))
    if len(removals) > versions:
        parts.append(count(len(removals) - versions, "package"))
    total = sum(removal.size or 0 for removal in removals)
    return " and ".join(parts) + (f" ({format_size(total)})" if total else "")
