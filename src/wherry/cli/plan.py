"""``wherry plan``: show what a deployment would do. Nothing on AWS is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from wherry.cli.options import as_json, canary, from_stage, of_deployment, of_stages
from wherry.cli.render import Terminal, print_result

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.aws.deploy import Planned

__all__ = ["command", "show_plans"]


@click.command("plan")
@of_stages
@click.option("--exit-code", is_flag=True, help="Exit with 3 if there is something to do, for CI.")
@canary
@from_stage
@as_json
@of_deployment
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
    """Show what `wherry deploy STAGE` would do, and change nothing.

    Several stages, or one in all its regions, are built once and compared in parallel.

    Builds first, looks at what is on AWS, and compares digests. Changes inside a package are shown by
    distribution. Of the live package, only the directory of the zip is read, if the server allows that.

    \b
    Examples:
      wherry plan staging
      wherry plan staging api --json
      wherry plan staging production-eu production-us
      wherry plan production --exit-code
    """  # noqa: D301  the backspace is click's mark
    with Terminal(quiet=quiet, verbose=verbose) as terminal:
        options["build"] = not no_build
        plans = show_plans(project, stage, terminal, as_json=as_json, **options)
    return 3 if exit_code and any(planned.plan for planned in plans) else 0


def show_plans(
    project: Path,
    stage: str,
    terminal: Terminal,
    *,
    as_json: bool,
    **options: Any,
) -> tuple[Planned, ...]:
    """Plan a deployment: the plans on stdout; warnings, and the calls that were made, on stderr."""
    from wherry.aws.deploy import plan
    from wherry.cli.several import Stages, plan_lines, stages_of

    stages = stages_of(stage, options, project)

    def show(planned: Planned) -> None:
        for warning in planned.plan.warnings:
            terminal.warn(warning)
        if terminal.verbose:
            terminal.line(f"asked AWS {len(planned.calls)} times: {', '.join(planned.calls)}")
        lines = planned.plan.lines(planned.differences)
        if not as_json:
            shown = lines if len(stages) == 1 else plan_lines(planned.plan, lines)
            print_result({}, shown, as_json=False)

    plans = Stages(stages=stages, terminal=terminal, as_json=as_json, changed="to do:")
    return plans.run(plan, show, project, differences=True, **options)
