"""``wherry schema``: print the JSON schema of the settings."""

from __future__ import annotations

import json

import click

__all__ = ["command"]


@click.command("schema")
@click.option(
    "--pyproject",
    is_flag=True,
    help="Print a schema of pyproject.toml that describes [tool.wherry] alone.",
)
def command(*, pyproject: bool) -> None:
    """Print the JSON schema of the settings, for editors.

    Without options it is the schema of wherry.toml (draft 7). Editors with Taplo or Even Better TOML check and
    complete settings by it, and show what each key means.

    \b
    Examples:
      wherry schema > wherry.schema.json
      wherry schema --pyproject > pyproject.schema.json
    """  # noqa: D301  the backspace is click's mark
    from wherry.settings.schema import pyproject_schema, settings_schema

    click.echo(json.dumps(pyproject_schema() if pyproject else settings_schema(), indent=2))
