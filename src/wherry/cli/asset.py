"""``wherry asset``: build the package of one folder, for constructs in other languages."""

from __future__ import annotations

import sys

import click

from wherry.cli.render import error_text, print_result
from wherry.errors import WherryError

__all__ = ["command"]


@click.command("asset")
@click.option(
    "--lines",
    is_flag=True,
    help="Answer one object a line until stdin ends. An error is an object with `error`.",
)
def command(lines: bool) -> None:
    """Build the package of a folder that a JSON object on stdin describes, for constructs of other tools.

    The object has `entry`, `runtime`, `architecture`, `index` and `handler` (or `app`), `layers` (true if the
    function has some), `layer` with `runtimes` and `architectures`, and `bundling`. The package is written to
    the store. A JSON object on stdout has its `path`, `handler`, `runtime`, `architecture`, `asset_hash` and
    `warnings`.

    \b
    Example:
      echo '{"entry": "services/api", "runtime": "python3.13", "index": "app.py"}' | wherry asset
    """  # noqa: D301  the backspace is click's mark
    from wherry.pipeline.entry import answer_json

    if not lines:
        print_result(answer_json(sys.stdin.read()), (), as_json=True)
        return
    for query in sys.stdin:
        try:
            answer = answer_json(query)
        except WherryError as error:
            answer = {"error": error_text(error, color=False)}
        print_result(answer, (), as_json=True)
