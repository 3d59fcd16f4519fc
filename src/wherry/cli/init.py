"""``wherry init``: write ``[tool.wherry]`` for a project."""

from __future__ import annotations

import json
from pathlib import Path

import click

from wherry.cli.options import in_project, of_target, quiet
from wherry.cli.render import Talk

__all__ = ["command"]


@click.command("init")
@in_project
@of_target
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="drover.yml or settings.spindrift. [default: the one in the project's folder, if any]",
)
@click.option("--stage", metavar="NAME", help="The stage of drover.yml, where it has several.")
@click.option(
    "--install-path",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The folder that `pip install --target` makes, in place of a lock.",
)
@click.option("--dry-run", is_flag=True, help="Print the settings on stdout and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
@quiet
def command(
    *,
    project: Path,
    runtime: str | None,
    architecture: str | None,
    config: Path | None,
    stage: str | None,
    install_path: Path | None,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Write settings for a project: [tool.wherry] in pyproject.toml, or wherry.toml.

    They come from drover.yml or settings.spindrift, or else from looking at the project: its
    requires-python, its lock, its Flask, FastAPI or Django application, its handlers. Nothing of it is run.
    What pyproject.toml holds already stays as it is, byte for byte; settings that are there are not replaced.

    \b
    Examples:
      wherry init
      wherry init --dry-run
      wherry init --config drover.yml --stage staging --install-path install
    """  # noqa: D301  the backspace is click's mark
    from wherry.init import insert, propose
    from wherry.init.insert import file_of, text_for
    from wherry.project import read_project

    found = read_project(project)
    with Talk(quiet=quiet) as talk:
        proposal = propose(
            found,
            runtime=runtime,
            architecture=architecture,
            config=config,
            stage=stage,
            install_path=None if install_path is None else install_path.as_posix(),
        )
        for note in proposal.notes:
            talk.note(note)
        for warning in proposal.warnings:
            talk.warn(warning)
        path = file_of(found.root)
        if dry_run:
            text = text_for(path, proposal.table, proposal.comments)
        else:
            text = insert(path, proposal.table, proposal.comments)
            talk.line(f"Wrote settings to {path.name}")
    shown = project / path.name
    if as_json:
        document = {
            "schema": 1,
            "path": shown.as_posix(),
            "written": not dry_run,
            "settings": proposal.table,
            "text": text,
        }
        click.echo(json.dumps(document))
    else:
        click.echo(text if dry_run else shown.as_posix(), nl=not dry_run)
