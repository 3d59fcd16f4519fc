"""``wherry build``: lock → deployment packages under ``dist/lambda/``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wherry.cli.options import in_project, of_lock, of_target, quiet
from wherry.cli.render import Talk, count, seconds, size

if TYPE_CHECKING:
    from wherry.report import BuildReport, DistributionReport, PackageReport

__all__ = ["command"]

_BIGGEST = 5


@click.command("build")
@in_project
@of_target
@of_lock
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="A folder for the packages, or FILE.zip. [default: dist/lambda in the project]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
@click.option("-v", "--verbose", is_flag=True, help="List every distribution in the summary.")
@quiet
def command(
    *,
    project: Path,
    runtime: str | None,
    architecture: str | None,
    groups: tuple[str, ...],
    extras: tuple[str, ...],
    package: str | None,
    lock: Path | None,
    offline: bool,
    output: Path | None,
    as_json: bool,
    verbose: bool,
    quiet: bool,
) -> None:
    """Build a deployment package from the project's lock.

    Reads pylock.toml, uv.lock, poetry.lock, Pipfile.lock or requirements.txt, fetches the wheels that run
    on the target, and writes dist/lambda/NAME.zip with them and the project's own code. The same lock,
    sources and settings give the same bytes on every machine; when nothing changed, nothing is written.

    \b
    Examples:
      wherry build
      wherry build --runtime python3.13 --architecture arm64
      wherry build --project services/api --output build/api.zip
      wherry build --json | jq -r '.packages[].code_sha256'
    """  # noqa: D301  the backspace is click's mark
    from wherry.pipeline import build

    with Talk(quiet=quiet) as talk:
        report = build(
            project,
            runtime=runtime,
            architecture=architecture,
            groups=groups,
            extras=extras,
            package=package,
            lock=lock,
            output=output,
            offline=offline,
            reporter=talk,
        )
    summarize(report, talk, verbose=verbose)
    if as_json:
        click.echo(json.dumps(report.document()))
    else:
        for written in report.packages:
            click.echo(written.path.as_posix())


def summarize(report: BuildReport, talk: Talk, *, verbose: bool) -> None:
    """Say on stderr what was built: sizes against the quotas, and the biggest distributions."""
    for package in report.packages:
        verb = "Wrote" if package.changed else "Unchanged:"
        talk.line(
            f"{verb} {package.path.as_posix()} for {report.target} in {seconds(report.seconds)}"
        )
        talk.line(f"  {_against_quotas(package)}")
        talk.line(f"  code sha256 {package.code_sha256}")
        _warn_of_quotas(package, talk)
        ranked = sorted(package.distributions, key=lambda one: (-one.unzipped_size, one.name))
        shown = ranked if verbose else ranked[:_BIGGEST]
        heading = count(len(ranked), "distribution")
        talk.line(f"  {heading}{'' if len(shown) == len(ranked) else ', the biggest:'}")
        for line in _table(shown):
            talk.line(f"    {line}")


def _against_quotas(package: PackageReport) -> str:
    from wherry.quotas import DIRECT_UPLOAD, UNZIPPED

    zipped = f"{size(package.size)} zipped ({package.size / DIRECT_UPLOAD:.0%} of a direct upload)"
    plain = f"{size(package.unzipped_size)} unzipped ({package.unzipped_size / UNZIPPED:.0%} of the quota)"
    return f"{zipped}, {plain}, {count(package.files, 'file')}"


def _warn_of_quotas(package: PackageReport, talk: Talk) -> None:
    from wherry.quotas import DIRECT_UPLOAD, UNZIPPED

    biggest = ", ".join(
        f"{one.name} ({size(one.unzipped_size)})"
        for one in sorted(package.distributions, key=lambda one: -one.unzipped_size)[:3]
    )
    if package.unzipped_size > UNZIPPED:
        talk.warn(
            f"AWS Lambda will refuse `{package.name}`: {size(package.unzipped_size)} unzipped is more than "
            f"its {size(UNZIPPED)}",
            hint=f"the biggest are {biggest}: leave out what the function does not need",
        )
    elif package.size > DIRECT_UPLOAD:
        talk.warn(
            f"`{package.name}` is too big for a direct upload, which takes {size(DIRECT_UPLOAD)}",
            hint="upload it through an S3 bucket in the function's region",
        )


def _table(distributions: list[DistributionReport]) -> list[str]:
    names = [f"{one.name} {one.version or ''}".rstrip() for one in distributions]
    width = max((len(name) for name in names), default=0)
    return [
        f"{name:<{width}}  {size(one.size):>10} zipped  {size(one.unzipped_size):>10} unzipped"
        for name, one in zip(names, distributions, strict=True)
    ]
