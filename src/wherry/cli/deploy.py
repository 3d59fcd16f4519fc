"""``wherry deploy``: bring a stage to what was built."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import click

from wherry.cli.options import canary as of_canary
from wherry.cli.options import in_project, of_deployment, of_stage, quiet
from wherry.cli.render import BriefReporter, Terminal, print_result
from wherry.sizes import count

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.pipeline.request import PackageOptions

__all__ = ["command"]


@click.command("deploy")
@of_stage
@of_canary
@click.option(
    "--promote",
    is_flag=True,
    help="Give the version of the canary all calls, and do nothing else.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done: `wherry plan`.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
@in_project
@of_deployment
@quiet
def command(
    *,
    stage: str,
    project: Path,
    canary: float | None,
    promote: bool,
    dry_run: bool,
    as_json: bool,
    no_build: bool,
    verbose: bool,
    quiet: bool,
    **options: Unpack[PackageOptions],
) -> None:
    """Bring a stage of the settings to what was built.

    Builds first, which takes no time when nothing has changed, looks at what is on AWS, and changes what differs:
    publishes layers, updates code and layers of functions, publishes versions and moves aliases. When all is as it
    should be, nothing is changed. After an interruption the same command goes on from there.

    The ARNs of layer versions and functions go to stdout.

    \b
    Examples:
      wherry deploy staging
      wherry deploy production api --canary 10%
      wherry deploy production api --promote
      wherry deploy --config drover.yml --install-path install staging
    """  # noqa: D301  the backspace is click's mark
    from wherry.aws.deploy import deploy
    from wherry.aws.promote import promote as promote_canary

    if promote and (canary is not None or dry_run):
        raise click.UsageError("--promote stands alone")
    with Terminal(quiet=quiet, verbose=verbose) as terminal:
        reporter = BriefReporter(terminal=terminal, verbose=verbose)
        if dry_run:
            from wherry.cli.plan import show_plan

            show_plan(
                project,
                stage,
                terminal,
                as_json=as_json,
                verbose=verbose,
                canary=canary,
                build=not no_build,
                **options,
            )
            return
        if promote:
            deployed = promote_canary(
                project,
                stage,
                names=options["names"],
                name=options["name"],
                config=options["config"],
                reporter=reporter,
            )
        else:
            deployed = deploy(
                project,
                stage,
                canary=canary,
                build=not no_build,
                reporter=reporter,
                **options,
            )
        number = len(deployed.plan.actions)
        if verbose:
            terminal.line(f"called AWS {len(deployed.calls)} times: {', '.join(deployed.calls)}")
        terminal.line(
            f"Deployed {stage}: {count(number, 'change')} in {terminal.took}"
            if number
            else f"Stage {stage} is as it should be; looked in {terminal.took}"
        )
    arns = [layer.arn for layer in deployed.applied.layers]
    for function in deployed.applied.functions:
        qualifier = function.alias or function.version
        arns.append(function.arn if qualifier is None else f"{function.arn}:{qualifier}")
    print_result(deployed.document(), arns, as_json=as_json)
