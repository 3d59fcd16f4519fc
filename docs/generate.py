"""Write the generated parts of the documentation (run `python docs/generate.py`).

``docs/reference/command-line.md`` contains the help text of every command. The table of runtimes in
``docs/reference/targets.md`` is made from ``wherry.target.RUNTIMES``. A test compares both with the committed files.
"""  # noqa: INP001

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wherry.cli import main
from wherry.target import FACTS_AS_OF, RUNTIMES

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCS = Path(__file__).resolve().parent
COMMAND_LINE = DOCS / "reference" / "command-line.md"
TARGETS = DOCS / "reference" / "targets.md"

_WIDTH = 100
_RUNTIMES = re.compile(r"(?<=<!-- generated: runtimes -->\n).*?(?=<!-- end -->)", re.DOTALL)

_HEAD = """\
# Command line

<!-- Written by docs/generate.py: edit src/wherry/cli instead. -->

This page has the `--help` text of every command. Results go to stdout: paths, or JSON with `--json`
([the fields](json.md)). Everything else goes to stderr. [Errors](errors.md#exit-codes) lists the exit codes,
[Settings](settings.md#environment-variables) the environment variables.
"""


def command_line() -> str:
    """Return the page about the command line."""
    return "\n".join([_HEAD, *_sections(main, "wherry", None)])


def _sections(command: click.Command, name: str, parent: click.Context | None) -> Iterator[str]:
    context = click.Context(
        command, parent=parent, info_name=name, terminal_width=_WIDTH, **command.context_settings
    )
    text = command.get_help(context)
    yield f"## `{context.command_path}`\n\n```text\n{text}\n```\n"
    if isinstance(command, click.Group):
        for inner_name in command.list_commands(context):
            inner = command.get_command(context, inner_name)
            if inner is not None:
                yield from _sections(inner, inner_name, context)


def targets(page: str) -> str:
    """Return the page about targets, with the current table of runtimes."""
    rows = [
        f"| `{runtime.name}` | {runtime.system} | {'.'.join(map(str, runtime.glibc))} "
        f"| `{runtime.python_full_version}` | {runtime.deprecation or 'unknown'} |"
        for runtime in RUNTIMES.values()
    ]
    table = "\n".join(
        [
            "| Runtime | System | glibc | Python that markers see | Deprecation |",
            "|---|---|---|---|---|",
            *rows,
            "",
            f"As AWS's documentation had it on {FACTS_AS_OF}.",
            "",
        ]
    )
    return _RUNTIMES.sub(lambda _: f"\n{table}\n", page)


if __name__ == "__main__":
    COMMAND_LINE.write_text(command_line(), encoding="utf-8")
    TARGETS.write_text(targets(TARGETS.read_text(encoding="utf-8")), encoding="utf-8")
