"""``wherry asset``: the package of one folder, for constructs in other languages."""

from __future__ import annotations

import sys

import click

from wherry.cli.render import print_result

__all__ = ["command"]


@click.command("asset")
def command() -> None:
    """Build the package of a folder that a JSON object on stdin describes, for constructs of other tools.

    The object has `entry`, `runtime`, `architecture`, `index` and `handler` (or `app`), `layer` with `runtimes` and
    `architectures`, and `bundling`. The package is written to the store. A JSON object on stdout has its `path`,
    `handler`, `runtime`, `architecture`, `asset_hash` and `warnings`.

    \b
    Example:
      echo '{"entry": "services/api", "runtime": "python3.13", "index": "app.py"}' | wherry asset
    """  # noqa: D301  the backspace is click's mark
    from wherry.pipeline.entry import answer_json

    print_result(answer_json(sys.stdin.read()), (), as_json=True)
