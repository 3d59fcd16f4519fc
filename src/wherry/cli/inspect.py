"""``wherry inspect``: show what is in packages, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import click

from wherry.cli.options import (
    as_json,
    drover_stage,
    in_project,
    of_build,
    path_option,
    quiet,
    zip_archives,
)
from wherry.cli.render import Terminal, print_result, write_page
from wherry.sizes import format_size, parse_size

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.pipeline.inspect import InspectReport
    from wherry.pipeline.options import InspectOptions

__all__ = ["command"]


def _bytes(_context: click.Context, _parameter: click.Parameter, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return parse_size(text)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


@click.command("inspect")
@click.argument("packages", nargs=-1, metavar="[NAME | FILE.zip]...")
@in_project
@click.option(
    "--by",
    type=click.Choice(["distribution", "folder", "kind"]),
    default="distribution",
    help="How files are grouped. [default: distribution]",
)
@click.option("--top", type=click.IntRange(min=1), metavar="N", help="Show only the N biggest.")
@path_option("--html", "html_file", help="Write a page with treemaps to this file.")
@path_option(
    "--profile",
    metavar="FILE",
    help="Show import times too, and in the page a flame graph: what `wherry invoke --cold 5 --profile --json` printed, or "
    "a log of `python -X importtime`.",
)
@click.option(
    "--why",
    metavar="NAME|PATH",
    help="Show what needs a distribution, a module or a file.",
)
@click.option(
    "--against",
    metavar="FILE|STAGE|REVISION",
    help="Compare with a zip file, with what a stage has on AWS, or with a branch, tag or commit of the project's git "
    "repository, which is built.",
)
@click.option(
    "--budget",
    callback=_bytes,
    metavar="SIZE",
    help="The most bytes that the zip file of a package may have, such as 5MB.",
)
@path_option(
    "--layer",
    "layer_files",
    multiple=True,
    metavar="FILE.zip|ARN",
    help="A layer of the zip files that are inspected: a zip file, or an ARN, which is fetched once. In a project, "
    "the ARN of a layer that its functions name. May be repeated, in the order of the function's layers.",
)
@click.option(
    "--no-build",
    is_flag=True,
    help="Inspect the packages that were written, without building first.",
)
@click.option(
    "--exit-code",
    is_flag=True,
    help="Exit with 3 if a package is over the budget; without a budget, if anything differs.",
)
@as_json
@of_build
@drover_stage
@click.option("-v", "--verbose", is_flag=True, help="Also show what the build did.")
@quiet
def command(
    *,
    packages: tuple[str, ...],
    project: Path,
    by: str,
    top: int | None,
    html_file: Path | None,
    exit_code: bool,
    as_json: bool,
    verbose: bool,
    quiet: bool,
    **options: Unpack[InspectOptions],
) -> int:
    """Show what is in packages: sizes by distribution, what is loaded when, and why it is there.

    Builds the project's packages, or takes zip files that any tool made. "Retained" is what the zip file would lose
    without a distribution and what only this one needs. "Loaded" says whether the handler's imports reach it: at
    init, lazily (when functions are called), or not at all. Nothing is executed.

    \b
    Examples:
      wherry inspect
      wherry inspect api --top 10 --html dist/api.html
      wherry inspect api --profile profile.json --html dist/api.html
      wherry inspect api --why numpy
      wherry inspect api --against main
      wherry inspect --against production
      wherry inspect function.zip --by kind --handler app.handler
      wherry inspect --budget 5MB --exit-code
    """  # noqa: D301  the backspace is click's mark
    from wherry.aws.inspect_stage import inspect
    from wherry.cli.inspect_lines import report_lines

    files, budget = zip_archives(packages), options["budget"]
    if not files:
        options["names"] = packages
    options["files"] = files
    of_one = as_json or options["why"] or options["against"]
    options["suggestions"] = html_file is not None or not of_one
    with Terminal(quiet=quiet, verbose=verbose) as terminal:
        report = inspect(
            project,
            reporter=terminal if files else terminal.brief,
            **options,
        )
    if html_file is not None:
        write_page(html_file, report, terminal)
    lines = [] if as_json else report_lines(report, by=by, top=top)
    print_result(report.document(), lines, as_json=as_json)
    for package in report.packages:
        if budget is not None and package.name in report.over_budget:
            more = format_size(package.size - budget)
            terminal.warn(f"`{package.name}` is over the budget by {more}")
    return 3 if exit_code and _fails(report, budget) else 0


def _fails(report: InspectReport, budget: int | None) -> bool:
    return report.differs if budget is None else bool(report.over_budget)
