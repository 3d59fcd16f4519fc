"""``wherry plan``: what a deployment would do. Nothing on AWS is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from wherry.cli.options import canary, from_stage, in_project, of_deployment, of_stage, quiet
from wherry.cli.render import BriefReporter, Terminal, print_result

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.aws.deploy import Planned

__all__ = ["command", "show_plan"]


@click.command("plan")
@of_stage
@click.option(
    "--exit-code", is_flag=True, help="Exit with 3 when there is something to do, for CI."
)
@canary
@from_stage
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
@in_project
@of_deployment
@quiet
def command(
    *,
    stage: str,
    project: Path,
    exit_code: bool,
    as_json: bool,
    no_build: bool,
    verbose: bool,
    quiet: bool,
    **options: Any,
) -> int:
    """Say what `wherry deploy STAGE` would do, and change nothing.

    Builds first, looks at what is on AWS and compares digests. What would change inside of a package is told by
    distribution; of what is live, no more than the directory of the zip is read where the server lets it.

    \b
    Examples:
      wherry plan staging
      wherry plan staging api --json
      wherry plan production --exit-code
    """  # noqa: D301  the backspace is click's mark
    with Terminal(quiet=quiet) as terminal:
        planned = show_plan(
            project,
            stage,
            terminal,
            as_json=as_json,
            verbose=verbose,
            build=not no_build,
            **options,
        )
    return 3 if exit_code and planned.plan else 0


def show_plan(
    project: Path,
    stage: str,
    terminal: Terminal,
    *,
    as_json: bool,
    verbose: bool,
    **options: Any,
) -> Planned:
    """Plan a deployment: the plan on stdout; warnings, and the calls that were made, on stderr."""
    from wherry.aws.deploy import plan

    planned = plan(
        project,
        stage,
        differences=True,
        reporter=BriefReporter(terminal=terminal, verbose=verbose),
        **options,
    )
    for warning in planned.plan.warnings:
        terminal.warn(warning)
    if verbose:
        terminal.line(f"asked AWS {len(planned.calls)} times: {', '.join(planned.calls)}")
    print_result(planned.document(), planned.plan.lines(planned.differences), as_json=as_json)
    return planned
