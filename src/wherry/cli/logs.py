"""``wherry logs``: show the logs of the functions of a stage."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from wherry.cli.options import of_stage, of_stage_names
from wherry.cli.render import Terminal, json_line
from wherry.visible import visible

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["command"]


@click.command("logs")
@of_stage
@click.option("-f", "--follow", is_flag=True, help="Keep showing new lines.")
@click.option(
    "--since",
    default="10m",
    metavar="TIME",
    help="How far back: 90s, 10m, 2h, 1d, or a time such as 2026-11-28T08:00Z. [default: 10m]",
)
@click.option(
    "--filter",
    "pattern",
    metavar="PATTERN",
    help="Show only lines that match this filter pattern of CloudWatch Logs, such as ERROR or '{ $.level = \"ERROR\" }'.",
)
@click.option("-t", "--timestamps", is_flag=True, help="Begin each line with its time, in UTC.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document per line on stdout.")
@of_stage_names
def command(
    *,
    stage: str,
    project: Path,
    follow: bool,
    since: str,
    pattern: str | None,
    timestamps: bool,
    as_json: bool,
    verbose: bool,  # noqa: ARG001  its calls repeat
    quiet: bool,
    **options: Any,
) -> None:
    """Show the logs of the functions of a stage, in order and each line once.

    They are read from CloudWatch Logs, from the log group that a function's configuration names. Lines go to stdout
    as the function wrote them. The logs of several functions are merged, with the function's name before each line.

    \b
    Examples:
      wherry logs staging
      wherry logs production api --since 2h --filter ERROR
      wherry logs production api --follow
    """  # noqa: D301  the backspace is click's mark
    from wherry.aws.logs import open_logs, parse_since

    moment = parse_since(since)
    with Terminal(quiet=quiet) as terminal:
        logs = open_logs(project, stage, reporter=terminal, **options)
        nothing = True
        for event in logs.events(since=moment, pattern=pattern, follow=follow):
            nothing = False
            if as_json:
                click.echo(json_line(event.document()))
                continue
            parts = [event.time] if timestamps else []
            if len(logs.groups) > 1:
                parts.append(f"{event.function}:")
            # Such as a traceback, whose lines are one event.
            text = re.sub(r"\r\n?", "\n", event.message)
            for line in text.split("\n"):
                click.echo(" ".join([*parts, visible(line)]))
        if nothing:
            terminal.line(f"Nothing was logged since {moment:%Y-%m-%d %H:%M:%S %Z}")
