"""``wherry serve``: an HTTP server in front of a function, as behind its service."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Unpack

import click

from wherry.cli.invoke import callbacks, end_on_sigterm, of_format, of_run
from wherry.cli.options import drover_stage, in_project, of_build, quiet
from wherry.cli.render import BriefReporter, Terminal
from wherry.sizes import seconds

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.invoke.run import ServeOptions
    from wherry.invoke.server import Served

__all__ = ["command"]


@click.command("serve")
@click.argument("function", required=False, metavar="[NAME]")
@click.option("--host", default="127.0.0.1", metavar="ADDRESS", help="[default: 127.0.0.1]")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    metavar="N",
    help="0 takes any that is free. [default: 8000]",
)
@click.option(
    "--allow-host",
    "allowed_hosts",
    multiple=True,
    metavar="NAME",
    help="Answer requests for this host, too, such as that of a tunnel; * for all. May be repeated. "
    "[default: the address and localhost]",
)
@of_format
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    default=1,
    metavar="N",
    help="How many environments answer at once. [default: 1]",
)
@of_run
@in_project
@of_build
@drover_stage
@quiet
def command(
    *,
    project: Path,
    variables: tuple[str, ...],
    variable_files: tuple[Path, ...],
    verbose: bool,
    quiet: bool,
    **options: Unpack[ServeOptions],
) -> None:
    """Put an HTTP server in front of a function, as its service would stand there.

    Builds first, then runs the written zips as `wherry invoke` does. Each request becomes the event that a
    Function URL, an HTTP or REST API or a load balancer would make of it, and what the function returns becomes
    the response. The address is printed on stdout once it listens. Ctrl-C ends it.

    \b
    Examples:
      wherry serve web
      wherry serve web --port 0 --format rest --concurrency 4
    """  # noqa: D301  the backspace is click's mark
    from wherry.invoke.run import open_server
    from wherry.invoke.variables import read_variables

    # A server that is told to end has done its work.
    end_on_sigterm(0)
    options["environment"] = read_variables(variables, variable_files)
    with Terminal(quiet=quiet, verbose=verbose) as terminal:
        opened = open_server(
            project,
            options,
            callbacks=callbacks(
                terminal,
                verbose=verbose,
                served=lambda served: _log(served, terminal, verbose=verbose),
            ),
            reporter=BriefReporter(terminal=terminal, verbose=verbose),
        )
        with opened as server:
            if options["host"] not in {"127.0.0.1", "localhost", "::1"}:
                terminal.warn(f"whoever reaches {options['host']} can call the function")
            front = _FRONTS[options["form"]]
            terminal.line(
                f"Serving {server.function.name} for {server.function.target} as behind {front}; "
                "Ctrl-C ends it"
            )
            click.echo(server.url)
            server.serve()


_FRONTS = {
    "function-url": "a Function URL",
    "http": "an HTTP API",
    "rest": "a REST API",
    "alb": "a load balancer",
    "alb-multi": "a load balancer with multi-value headers",
}
_talking = threading.Lock()


def _log(served: Served, terminal: Terminal, *, verbose: bool) -> None:
    request, response = served.request, served.response
    query = f"?{request.query}" if request.query else ""
    with _talking:
        if served.invocation is not None and (
            verbose or served.invocation.init_seconds is not None
        ):
            terminal.line(served.invocation.report_line)
        terminal.line(
            f"{request.method} {request.path}{query} {response.status} {len(response.body)} bytes "
            f"in {seconds(served.seconds)}"
        )
        if response.fault is not None:
            terminal.warn(response.fault)
