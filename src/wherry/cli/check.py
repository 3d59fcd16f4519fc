"""``wherry check``: check built packages, or any zip archive."""

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
from wherry.cli.render import Terminal, print_result
from wherry.sizes import count

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from wherry.checks.model import Finding
    from wherry.pipeline.check import CheckReport
    from wherry.pipeline.options import CheckOptions

__all__ = ["command"]


@click.command("check")
@click.argument("packages", nargs=-1, metavar="[NAME | FILE.zip]...")
@in_project
@path_option(
    "--layer",
    "layer_files",
    multiple=True,
    metavar="FILE.zip|ARN",
    help="A layer of the zip archives that are checked: a zip file, or an ARN, which is fetched once. In a project, "
    "the ARN of a layer that its functions name. May be repeated, in the order of the function's layers.",
)
@click.option(
    "--select",
    multiple=True,
    metavar="CODE",
    help="Report only this code, or codes that begin with it, such as ELF. May be repeated.",
)
@click.option(
    "--ignore",
    multiple=True,
    metavar="CODE",
    help="Leave out this code, or codes that begin with it. May be repeated.",
)
@click.option(
    "--strict",
    is_flag=True,
    help="Also report, as notes, what may be intended or may never be used.",
)
@click.option("--advisories", is_flag=True, help="Also ask for known vulnerabilities (`uv audit`).")
@click.option(
    "--no-build", is_flag=True, help="Check the packages that were written, without building first."
)
@click.option(
    "--exit-code", is_flag=True, help="Exit with 3 if there are errors. Warnings do not count."
)
@as_json
@click.option("--sarif", "as_sarif", is_flag=True, help="Print a SARIF log, for GitHub.")
@of_build
@drover_stage
@click.option("-v", "--verbose", is_flag=True, help="Also show what the build did.")
@quiet
def command(
    *,
    packages: tuple[str, ...],
    project: Path,
    exit_code: bool,
    as_json: bool,
    as_sarif: bool,
    verbose: bool,
    quiet: bool,
    **options: Unpack[CheckOptions],
) -> int:
    """Check packages for what fails on Lambda, before they are deployed.

    Builds the project's packages, or takes zip archives that any tool made, reads them with their layers, and
    compares them with what the runtime has: compiled files and the libraries that they need, all imports that the
    handler leads to, required distributions, the handler itself, sizes, secrets, permissions. Nothing is executed.
    docs/reference/checks.md describes every code.

    \b
    Examples:
      wherry check
      wherry check api --strict
      wherry check function.zip --handler app.handler --runtime python3.13 --architecture arm64
      wherry check function.zip --layer dependencies.zip --select ELF --select IMP
      wherry check function.zip --layer arn:aws:lambda:eu-west-1:123456789012:layer:shared:7
      wherry check --exit-code --sarif > wherry.sarif
    """  # noqa: D301  the backspace is click's mark
    from wherry.pipeline.check import check

    if as_json and as_sarif:
        raise click.UsageError("`--json` and `--sarif` exclude each other")
    files = options["files"] = zip_archives(packages)
    if not files:
        options["names"] = packages
    with Terminal(quiet=quiet, verbose=verbose) as terminal:
        report = check(project, reporter=terminal if files else terminal.brief, **options)
    document = report.sarif() if as_sarif else report.document()
    lines = [] if as_json or as_sarif else _lines(report.findings)
    print_result(document, lines, as_json=as_json or as_sarif)
    _summarize(report, terminal)
    return 3 if exit_code and report.failed else 0


def _lines(findings: Sequence[Finding]) -> list[str]:
    """A line for each finding; below the last with the same code and hint, what to do about them."""
    lines = []
    for number, finding in enumerate(findings):
        where = f"{finding.package}: {finding.where}" if finding.where else finding.package
        lines.append(f"{finding.severity} {finding.code} {where}: {finding.message}")
        after = findings[number + 1] if number + 1 < len(findings) else None
        if after is None or (after.code, after.hint) != (finding.code, finding.hint):
            lines.append(f"  hint: {finding.hint}")
    return lines


def _summarize(report: CheckReport, terminal: Terminal) -> None:
    """Say on stderr how many findings there are."""
    severities = [finding.severity for finding in report.findings]
    counted = ", ".join(
        count(severities.count(severity), severity)
        for severity in ("error", "warning", "note")
        if severity in severities
    )
    checked = ", ".join(report.packages)
    terminal.line(f"Checked {checked} for {report.target}: {counted or 'nothing found'}")
