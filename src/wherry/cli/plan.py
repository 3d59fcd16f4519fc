"""``wherry plan``: what a deployment would do. Nothing on AWS is changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Unpack

import click

from wherry.cli.options import canary as of_canary
from wherry.cli.options import in_project, of_deployment, of_stage, quiet
from wherry.cli.render import BriefReporter, Terminal

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.aws.deploy import Planned
    from wherry.pipeline.request import PackageOptions

__all__ = ["command", "show"]


@click.command("plan")
@of_stage
@click.option(
    "--exit-code", is_flag=True, help="Exit with 3 when there is something to do, for CI."
)
@of_canary
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
@in_project
@of_deployment
@quiet
def command(
    *,
    stage: str,
    project: Path,
    exit_code: bool,
    canary: float | None,
    as_json: bool,
    no_build: bool,
    verbose: bool,
    quiet: bool,
    **options: Unpack[PackageOptions],
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
    from wherry.aws.deploy import plan

    with Terminal(quiet=quiet) as talk:
        planned = plan(
            project,
            stage,
            canary=canary,
            build=not no_build,
            differences=True,
            reporter=BriefReporter(talk, verbose=verbose),
            **options,
        )
        show(planned, talk, as_json=as_json, verbose=verbose)
    return 3 if exit_code and planned.plan else 0


def show(planned: Planned, talk: Terminal, *, as_json: bool, verbose: bool) -> None:
    """The plan on stdout; warnings, and the calls that were made, on stderr."""
    for warning in planned.plan.warnings:
        talk.warn(warning)
    if verbose:
        talk.line(f"asked AWS {len(planned.calls)} times: {', '.join(planned.calls)}")
    if as_json:
        click.echo(json.dumps(planned.document()))
        return
    for line in planned.plan.lines(planned.differences):
        click.echo(line)
