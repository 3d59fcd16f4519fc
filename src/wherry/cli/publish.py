"""``wherry publish``: publish versions of layers and functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from wherry.cli.options import as_json, of_stage, of_written, path_option
from wherry.cli.render import Terminal, print_result
from wherry.sizes import count

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["command"]


@click.command("publish")
@of_stage
@path_option(
    "--lock",
    help="The lock file that is kept in the bucket, beside each version of a layer. [default: the project's]",
)
@as_json
@of_written
def command(
    *,
    stage: str,
    project: Path,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Publish layers that were built, and versions of functions.

    One step of `wherry deploy` on its own. A layer is published if its content, runtimes or architectures differ
    from its latest version. A version of a function is published if no version has the code that the function runs
    now, and the stage sets `publish` or `alias`, or the function is named. No function is updated and no alias is
    moved: `wherry deploy` does that, and uses what is published.

    The ARNs of the versions go to stdout, including those that existed before.

    \b
    Examples:
      wherry build && wherry publish staging dependencies
      wherry publish staging --json
    """  # noqa: D301  the backspace is click's mark
    from wherry.aws.publish import publish

    with Terminal(quiet=quiet) as terminal:
        published = publish(project, stage, reporter=terminal, **options)
        new = [version for version in published.versions if version.published]
        terminal.line(
            f"Published {count(len(new), 'version')} in {terminal.took}"
            if new
            else f"Everything is published; checked in {terminal.took}"
        )
    arns = [version.arn for version in published.versions]
    print_result(published.document(), arns, as_json=as_json)
