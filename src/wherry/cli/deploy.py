"""``wherry deploy``: deploy functions and layers to a stage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from wherry.cli.options import as_json, from_stage, of_deployment, of_stages
from wherry.cli.options import canary as of_canary
from wherry.cli.render import Terminal, print_result
from wherry.sizes import count

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.aws.deploy import Deployed

__all__ = ["command"]


@click.command("deploy")
@of_stages
@of_canary
@click.option(
    "--test",
    "tests",
    multiple=True,
    metavar="[NAME=]EVENT",
    help="Call new versions with this event (a JSON file) before aliases move; if one fails, none moves. For one "
    "function after its NAME, else for all. May be repeated. The stage's own tests are run in any case.",
)
@click.option(
    "--no-traffic",
    is_flag=True,
    help="Publish versions, but move no alias: callers get nothing new until --promote.",
)
@click.option(
    "--promote",
    is_flag=True,
    help="Give all calls to the version of the canary, or of --no-traffic, and do nothing else.",
)
@from_stage
@click.option("--dry-run", is_flag=True, help="Show what would be done, as `wherry plan` does.")
@as_json
@of_deployment
def command(
    *,
    stage: str,
    project: Path,
    no_traffic: bool,
    promote: bool,
    dry_run: bool,
    as_json: bool,
    no_build: bool,
    verbose: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Deploy functions and layers to a stage on AWS.

    Builds first, which takes no time if nothing has changed, looks at what is on AWS, and changes what differs:
    publishes layers, updates code and layers of functions, publishes versions and moves aliases. If nothing differs,
    nothing is changed. After an interruption, the same command continues.

    New versions can be tested before callers get them (--test, --no-traffic), and can get calls step by step, with
    alarms watched and a way back (--canary 10%/5m,50%/10m). Ctrl-C leaves such a canary as it is, and says how to
    continue.

    The ARNs of layer versions and functions go to stdout.

    Several stages, or one in all its regions, are built once and deployed in parallel. If one fails, the others are
    still completed and reported.

    \b
    Examples:
      wherry deploy staging
      wherry deploy staging production-eu production-us
      wherry deploy production --all-regions
      wherry deploy production api --canary 10%
      wherry deploy production api --promote
      wherry deploy production --test tests/events/order.json --canary 10%/5m,50%/10m
      wherry deploy production --no-traffic
      wherry deploy production --from staging
      wherry deploy --config drover.yml --install-path install staging
    """  # noqa: D301  the backspace is click's mark
    from wherry.aws.deploy import deploy
    from wherry.aws.promote import promote as promote_canary
    from wherry.cli.several import Stages, stages_of

    canary, tests = options["canary"], options["tests"]
    if promote and (canary is not None or dry_run or tests or no_traffic or options["source"]):
        raise click.UsageError("--promote does nothing else: leave out the other options")
    if no_traffic and canary is not None:
        raise click.UsageError("a canary gets calls: leave --canary or --no-traffic out")
    with Terminal(quiet=quiet, verbose=verbose) as terminal:
        if dry_run:
            from wherry.cli.plan import show_plans

            del options["tests"]
            options["build"] = not no_build
            show_plans(project, stage, terminal, as_json=as_json, **options)
            return
        stages = stages_of(stage, options, project)
        options |= {"build": not (no_build or promote), "traffic": not no_traffic}

        def work(project: Any, stage: str, **given: Any) -> Deployed:
            if not promote:
                return deploy(project, stage, **given)
            of_stage = {key: options[key] for key in ("names", "name", "config")}
            return promote_canary(project, stage, reporter=given["reporter"], **of_stage)

        def show(deployed: Deployed) -> None:
            calls, stage, number = deployed.calls, deployed.plan.stage, deployed.changes
            if verbose:
                terminal.line(f"called AWS {len(calls)} times: {', '.join(calls)}")
            terminal.line(
                f"Deployed {stage}: {count(number, 'change')} in {terminal.took}"
                if number
                else f"Stage {stage} is as it should be; checked in {terminal.took}"
            )
            if not as_json:
                print_result({}, _arns(deployed), as_json=False)

        deployment = Stages(stages=stages, terminal=terminal, as_json=as_json, changed="deployed,")
        deployment.run(work, show, project, **options)


def _arns(deployed: Deployed) -> list[str]:
    """The ARNs of layer versions and functions, with what callers use."""
    arns = [layer.arn for layer in deployed.applied.layers]
    for function in deployed.applied.functions:
        qualifier = function.alias or function.version
        arns.append(function.arn if qualifier is None else f"{function.arn}:{qualifier}")
    return arns
