"""``wherry digest``: print a digest of what packages are made of, without building them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Unpack

import click

from wherry.cli.options import as_json, drover_stage, in_project, of_build, quiet
from wherry.cli.render import Terminal, print_result

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.pipeline.options import BuildOptions

__all__ = ["command"]


@click.command("digest")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@in_project
@of_build
@drover_stage
@click.option(
    "--files",
    is_flag=True,
    help="List the files that the digest covers, relative to the project's folder.",
)
@as_json
@click.option(
    "--terraform",
    is_flag=True,
    help="Use Terraform's protocol for external data: a JSON object of strings on stdin (project, name, runtime, "
    "architecture, lock, config, package, output), and another one on stdout.",
)
@quiet
def command(
    *,
    project: Path,
    files: bool,
    as_json: bool,
    terraform: bool,
    quiet: bool,
    **options: Unpack[BuildOptions],
) -> None:
    """Print a digest of what packages are made of, without building them.

    The digest covers the lock as it is selected for the target, the project's own files, the settings that have an
    effect and the rules of this version of Wherry: equal digests give equal packages, on every machine and in every
    folder. Nothing is fetched and no index is asked. A project without a lock has no digest.

    With --json, code_sha256 is included if this machine has built the same inputs before.

    \b
    Examples:
      wherry digest
      wherry digest api --json | jq -r '.packages[0].inputs_sha256'
      wherry digest --files
      wherry build api --expect "$(wherry digest api | cut -d' ' -f1)"
    """  # noqa: D301  the backspace is click's mark
    if terraform:
        _answer(project, as_json=as_json or files, names=options.get("names", ()))
        return
    from wherry.pipeline.digest import digest

    with Terminal(quiet=quiet) as terminal:
        report = digest(project, reporter=terminal, **options)
    asked = [one for one in report.packages if one.name in options["names"]] or report.packages
    lines = [f"{one.inputs_sha256}  {one.name}" for one in asked]
    if files:
        lines = sorted({path for one in asked for path in one.files})
    print_result(report.document(files=files), lines, as_json=as_json)


def _answer(project: Path, *, as_json: bool, names: object) -> None:
    from wherry.pipeline.terraform import answer_terraform

    if as_json or names:
        raise click.UsageError(
            "--terraform takes everything from stdin: no NAME, --json or --files"
        )
    with Terminal(quiet=True) as terminal:
        answer = answer_terraform(sys.stdin.read(), project=project, reporter=terminal)
    print_result(dict(answer), (), as_json=True)
