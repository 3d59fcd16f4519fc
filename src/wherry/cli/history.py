"""``wherry history``: show which versions the aliases of a stage pointed to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from wherry.cli.options import as_json, of_stage, of_stage_names
from wherry.cli.render import Terminal, print_result

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["command"]


@click.command("history")
@of_stage
@as_json
@of_stage_names
def command(
    *, stage: str, project: Path, as_json: bool, verbose: bool, quiet: bool, **options: Any
) -> None:
    """Show which versions the aliases of a stage pointed to, when, and with which package.

    The current versions come first, with their share of the calls. Then come the versions that callers had before,
    newest first, and the rejected ones, to which `wherry rollback` never goes. Wherry records its moves in the
    description of each alias. Nothing on AWS is changed.

    \b
    Examples:
      wherry history production
      wherry history production api --json
    """  # noqa: D301  the backspace is click's mark
    from wherry.aws.past import history

    with Terminal(quiet=quiet) as terminal:
        found = history(project, stage, reporter=terminal, **options)
        if verbose:
            terminal.line(f"asked AWS {len(found.calls)} times: {', '.join(found.calls)}")
    print_result(found.document(), found.lines(), as_json=as_json)
