"""``wherry build``: lock → deployment packages under ``dist/lambda/``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import click

from wherry.cli.options import as_json, drover_stage, in_project, of_build, path_option, quiet
from wherry.cli.render import Terminal, print_result
from wherry.sizes import count, format_size, seconds

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.pipeline.options import BuildOptions
    from wherry.pipeline.report import BuildReport, DistributionReport, PackageReport

__all__ = ["command"]

_BIGGEST = 5


@click.command("build")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@in_project
@of_build
@drover_stage
@path_option(
    "--unpacked",
    metavar="DIR",
    help="Write the files of one package to this folder, with fixed dates and modes, instead of a zip file.",
)
@click.option(
    "--expect",
    multiple=True,
    metavar="DIGEST",
    help="Fail unless the inputs have this digest, which `wherry digest` prints. May be repeated, for several packages.",
)
@as_json
@click.option(
    "-v",
    "--verbose",
    is_flag=True,
    help="List every distribution in the summary, and show the output of hooks.",
)
@quiet
def command(
    *,
    project: Path,
    expect: tuple[str, ...],
    as_json: bool,
    verbose: bool,
    quiet: bool,
    **options: Unpack[BuildOptions],
) -> None:
    """Build deployment packages and layers from the project's lock.

    Reads pylock.toml, uv.lock, poetry.lock, pdm.lock, Pipfile.lock or requirements.txt, fetches the wheels that run
    on the target, and writes dist/lambda/NAME.zip with them and the project's own code. The same lock,
    sources and settings give the same bytes on every machine. If nothing has changed, nothing is written.

    Without settings there is one function that contains everything. [tool.wherry.functions.NAME] and
    [tool.wherry.layers.NAME] define several; NAME... builds only these.

    \b
    Examples:
      wherry build
      wherry build --app shop.web:app
      wherry build --runtime python3.13 --architecture arm64
      wherry build --project services/api --output build/api.zip
      wherry build --json | jq -r '.packages[].code_sha256'
    """  # noqa: D301  the backspace is click's mark
    if options.get("output") and options.get("unpacked"):
        raise click.UsageError(
            "--output is for a zip file and --unpacked for its files: leave out one of them, or build twice"
        )
    from wherry.pipeline.build import build

    with Terminal(quiet=quiet, verbose=verbose) as terminal:
        report = build(project, reporter=terminal, expect=expect, **options)
    summarize(report, terminal, verbose=verbose)
    paths = [package.path.as_posix() for package in report.packages]
    print_result(report.document(), paths, as_json=as_json)


def summarize(report: BuildReport, terminal: Terminal, *, verbose: bool) -> None:
    """Say on stderr what was built: sizes against the quotas, and the biggest distributions."""
    from wherry.target.quotas import DIRECT_UPLOAD

    several = len(report.packages) > 1
    for package in report.packages:
        verb = "Wrote" if package.changed else "Unchanged:"
        what = "layer " if package.kind == "layer" else ""
        targets = str(report.target)
        if len(package.runtimes) > 1 or len(package.architectures) > 1:
            targets = f"{', '.join(package.runtimes)} on {', '.join(package.architectures)}"
        took = "" if several else f" in {seconds(report.seconds)}"
        terminal.line(f"{verb} {what}{package.path.as_posix()} for {targets}{took}")
        terminal.line(f"  {_against_quotas(package)}")
        if package.slimmed_files:
            zipped = format_size(package.slimmed_size)
            terminal.line(
                f"  left out {count(package.slimmed_files, 'file')} of dependencies: "
                f"{format_size(package.slimmed_unzipped_size)} less unzipped, {zipped} less zipped"
            )
        if package.stripped_files:
            terminal.line(f"  {_saved(package)}")
        if package.bytecode_files:
            terminal.line(f"  {_compiled(package)}")
        if package.handler:
            terminal.line(f"  handler {package.handler}")
        if package.layers:
            terminal.line(f"  layers {', '.join(package.layers)}")
        terminal.line(f"  code sha256 {package.code_sha256}")
        if package.size > DIRECT_UPLOAD:
            terminal.warn(
                f"`{package.name}` is too big for a direct upload, which takes {format_size(DIRECT_UPLOAD)}",
                hint="upload it through an S3 bucket in the function's region",
            )
        ranked = sorted(package.distributions, key=lambda one: (-one.unzipped_size, one.name))
        shown = ranked if verbose else ranked[:_BIGGEST]
        heading = count(len(ranked), "distribution")
        terminal.line(f"  {heading}{'' if len(shown) == len(ranked) else ', the biggest:'}")
        for line in _table(shown):
            terminal.line(f"    {line}")
    if several:
        changed = sum(package.changed for package in report.packages)
        terminal.line(
            f"{count(len(report.packages), 'package')}, {changed or 'none'} written, in "
            f"{seconds(report.seconds)}"
        )


def _against_quotas(package: PackageReport) -> str:
    from wherry.target.quotas import DIRECT_UPLOAD, UNZIPPED

    zipped = f"{format_size(package.size)} zipped ({package.size / DIRECT_UPLOAD:.0%} of a direct upload)"
    plain = f"{format_size(package.unzipped_size)} unzipped"
    share = f"{package.unzipped_size_with_layers / UNZIPPED:.0%} of the quota"
    if package.unzipped_size_with_layers != package.unzipped_size:
        share = f"{format_size(package.unzipped_size_with_layers)} with its layers, {share}"
    return f"{zipped}, {plain} ({share}), {count(package.files, 'file')}"


def _saved(package: PackageReport) -> str:
    files = count(package.stripped_files, "file")
    zipped = f"{format_size(abs(package.stripped_size))} {'more' if package.stripped_size < 0 else 'less'} zipped"
    return (
        f"stripped {files}: {format_size(package.stripped_unzipped_size)} less unzipped, {zipped}"
    )


def _compiled(package: PackageReport) -> str:
    return (
        f"compiled {count(package.bytecode_files, 'module')}: {format_size(package.bytecode_unzipped_size)} more "
        f"unzipped, {format_size(package.bytecode_size)} more zipped"
    )


def _table(distributions: list[DistributionReport]) -> list[str]:
    names = [f"{one.name} {one.version or ''}".rstrip() for one in distributions]
    width = max((len(name) for name in names), default=0)
    return [
        f"{name:<{width}}  {format_size(one.size):>10} zipped  {format_size(one.unzipped_size):>10} unzipped"
        for name, one in zip(names, distributions, strict=True)
    ]
