"""``wherry upload``: upload built packages to the bucket of a stage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import click

from wherry.cli.options import as_json, of_stage, of_written
from wherry.cli.render import Terminal, print_result
from wherry.sizes import count, format_size

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.pipeline.options import PackageOptions

__all__ = ["command"]


@click.command("upload")
@of_stage
@as_json
@of_written
def command(
    *,
    stage: str,
    project: Path,
    as_json: bool,
    quiet: bool,
    **options: Unpack[PackageOptions],
) -> None:
    """Upload built packages to the bucket of a stage.

    One step of `wherry deploy` on its own. A package is stored under its digest, and is not sent again if it is
    there already. No other service than S3 is called. `wherry publish` and `wherry deploy` use the packages from
    there, and remove them afterwards unless the stage sets keep = true.

    The addresses of the packages (s3://BUCKET/KEY) go to stdout.

    \b
    Examples:
      wherry build && wherry upload staging
      wherry upload staging dependencies --json
    """  # noqa: D301  the backspace is click's mark
    from wherry.aws.upload import upload

    with Terminal(quiet=quiet) as terminal:
        uploaded = upload(project, stage, reporter=terminal, **options)
        sent = [package for package in uploaded.packages if package.sent]
        total = format_size(sum(package.size for package in sent))
        terminal.line(
            f"Uploaded {count(len(sent), 'package')} ({total}) in {terminal.took}"
            if sent
            else f"Everything is there; checked in {terminal.took}"
        )
    urls = [package.url for package in uploaded.packages]
    print_result(uploaded.document(), urls, as_json=as_json)
