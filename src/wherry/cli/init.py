"""``wherry init``: write ``[tool.wherry]`` for a project."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Unpack

import click

from wherry.cli.options import as_json, in_project, of_target, path_option, quiet
from wherry.cli.render import Terminal
from wherry.pipeline.blocks.block import TOOLS

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.settings.init.write import InitOptions

__all__ = ["command"]


@click.command("init")
@in_project
@of_target
@path_option(
    "--config",
    help="drover.yml, settings.spindrift, template.yaml, serverless.yml or the like. "
    "[default: the one in the project's folder, if any]",
)
@click.option(
    "--stage",
    metavar="NAME",
    help="The stage of drover.yml, if it has several; with --from, the stage that is written.",
)
@click.option(
    "--from",
    "functions",
    multiple=True,
    metavar="FUNCTION",
    help="Write the stage from a function that AWS has: its name or ARN, with NAME= before it where the settings "
    "have several. May be repeated.",
)
@click.option("--region", metavar="NAME", help="With --from: the region of the functions.")
@click.option("--profile", metavar="NAME", help="With --from: a profile of the AWS configuration.")
@path_option(
    "--install-path",
    metavar="DIR",
    help="The folder that `pip install --target` makes, instead of a lock.",
)
@click.option("--dry-run", is_flag=True, help="Print the settings on stdout and write nothing.")
@click.option(
    "--for",
    "tool",
    type=click.Choice(TOOLS),
    help="Print, for a project that has settings, the block with which this tool takes its functions and layers.",
)
@as_json
@quiet
def command(
    *,
    project: Path,
    functions: tuple[str, ...],
    region: str | None,
    profile: str | None,
    dry_run: bool,
    tool: str | None,
    as_json: bool,
    quiet: bool,
    **options: Unpack[InitOptions],
) -> None:
    """Write settings for a project: [tool.wherry] in pyproject.toml, or wherry.toml.

    They are taken from drover.yml, settings.spindrift, template.yaml (AWS SAM), serverless.yml,
    zappa_settings.json, .chalice/config.json or the app of a cdk.json, or else from the project itself: its
    requires-python, its lock, its Flask, FastAPI or Django application, its handlers and its folders. No code of the project is run. The
    existing content of pyproject.toml stays as it is, byte for byte, and existing settings are not replaced.

    With --from, a stage is added: region, names, aliases and layers of functions on AWS.

    With --for, nothing is written: the names, handlers, layers, runtime and architecture of the settings are printed
    in the form that the AWS CDK, Terraform, AWS SAM, the Serverless Framework or GitHub Actions reads.

    \b
    Examples:
      wherry init
      wherry init --dry-run
      wherry init --for terraform > functions.tf
      wherry init --config drover.yml --stage staging --install-path install
      wherry init --stage production --from shop-api --region eu-west-1
    """  # noqa: D301  the backspace is click's mark
    if tool is not None:
        _print_block(project, tool, as_json=as_json, dry_run=dry_run, **options)
        return
    from wherry.pipeline.first_settings import init

    stage = options["stage"]
    if functions and stage is None:
        raise click.UsageError("--from needs the name of the stage that is written: --stage NAME")
    if functions and (options["config"] or options["install_path"]):
        raise click.UsageError("--from reads AWS: leave --config and --install-path out")
    if (region or profile) and not functions:
        raise click.UsageError("--region and --profile say where --from FUNCTION is")
    with Terminal(quiet=quiet) as terminal:
        if functions:
            from wherry.aws.init_stage import init_stage

            first = init_stage(
                project,
                stage or "",
                functions,
                write=not dry_run,
                reporter=terminal,
                region=region,
                profile=profile,
                runtime=options["runtime"],
                architecture=options["architecture"],
            )
        else:
            first = init(project, write=not dry_run, reporter=terminal, **options)
    if as_json:
        click.echo(json.dumps(first.document()))
    else:
        click.echo(first.text if dry_run else first.path.as_posix(), nl=not dry_run)


def _print_block(
    project: Path, tool: str, *, as_json: bool, dry_run: bool, **options: Unpack[InitOptions]
) -> None:
    from wherry.pipeline.blocks.block import block

    runtime, architecture = options.pop("runtime", None), options.pop("architecture", None)
    if as_json or dry_run or any(options.values()):
        raise click.UsageError("--for goes with --project, --runtime and --architecture alone")
    click.echo(block(tool, project, runtime=runtime, architecture=architecture), nl=False)
