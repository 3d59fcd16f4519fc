"""``wherry serve``: serve a project's functions over HTTP."""

from __future__ import annotations

import signal
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Unpack

import click
from msgspec.structs import replace

from wherry.cli.invoke import FORMATS, callbacks, of_run
from wherry.cli.keyboard import keyboard, warn_of_prompt
from wherry.cli.options import drover_stage, in_project, of_build, quiet
from wherry.cli.render import Terminal, print_error
from wherry.sizes import seconds

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.errors import WherryError
    from wherry.invoke.options import ServeOptions
    from wherry.invoke.server import Served

__all__ = ["command"]

_OPEN_FILES = 10240
"""The most that macOS takes, and enough for a thousand environments."""


@click.command("serve")
@click.argument("functions", nargs=-1, metavar="[NAME]...")
@click.option(
    "--reload", is_flag=True, help="Build again after each edit, and answer with the new code."
)
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
    help="Also answer requests for this host, such as that of a tunnel; * for all. May be repeated. "
    "[default: the address and localhost]",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="The service in front of the functions. [default: that of the routes, else function-url]",
)
@click.option(
    "--stage-path",
    metavar="NAME",
    help="Put a stage of API Gateway into the path, as in AWS's addresses: /NAME/items.",
)
@click.option(
    "--cors",
    multiple=True,
    metavar="ORIGIN",
    help="Let pages of this origin call the functions, as a Function URL does; * for all. May be repeated.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    default=1,
    metavar="N",
    help="How many environments of a function answer at the same time. [default: 1]",
)
@click.option(
    "--retries",
    type=click.IntRange(0, 2),
    default=2,
    metavar="N",
    help="How often a function gets an asynchronous event again after it failed, 0 to 2. [default: 2]",
)
@click.option(
    "--debug",
    type=click.IntRange(1, 65535),
    metavar="PORT",
    help="Wait for an editor's debugger (debugpy) on this port before the function is loaded; "
    "of several functions, each has the next port.",
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
    """Serve a project's functions over HTTP on this machine.

    Builds first, then runs the written zips as `wherry invoke` does. Each request becomes the event that a
    Function URL, an HTTP or REST API or a load balancer would make of it, and what the function returns becomes
    the response. The setting `routes` decides which function gets a request, else template.yaml (AWS SAM)
    or serverless.yml, else the first part of the path: /NAME. A single function gets every request. AWS's clients
    can call the functions, too, with the address as their endpoint.

    The address is printed on stdout as soon as the server listens. Ctrl-C ends it.

    \b
    Examples:
      wherry serve --reload
      wherry serve web --port 0 --format rest --concurrency 4
      wherry serve web --reload --debug 5678
      aws lambda invoke --function-name web --endpoint-url http://127.0.0.1:8000 out.json
    """  # noqa: D301  the backspace is click's mark
    from wherry.invoke.run import open_server
    from wherry.invoke.variables import read_variables

    # A server that is told to end has done its work.
    signal.signal(signal.SIGTERM, _end)
    _open_more_files()
    options["environment"] = read_variables(variables, variable_files)
    options["terminal"] = keyboard()
    with Terminal(quiet=quiet, verbose=verbose) as terminal:
        opened = open_server(
            project,
            options,
            callbacks=replace(
                callbacks(terminal),
                served=lambda served: _log(
                    served, terminal, has_keyboard=options["terminal"] is not None
                ),
                failed=_tell,
                reloaded=lambda names: terminal.line(f"Reloaded {', '.join(names)}"),
            ),
            reporter=terminal.brief,
        )
        with opened as server:
            if options["host"] not in {"127.0.0.1", "localhost", "::1"}:
                terminal.warn(f"everybody who can reach {options['host']} can call the functions")
            for line in server.summary():
                terminal.line(line)
            click.echo(server.url)
            server.serve()


def _open_more_files() -> None:
    """Raise the soft limit of open files: each environment has some, and on macOS a process has 256 at first."""
    # Not on Windows; and macOS refuses what it calls unlimited.
    with suppress(ImportError, OSError, ValueError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
        if soft != resource.RLIM_INFINITY and soft < most:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _end(_number: int, _frame: object) -> None:
    raise SystemExit(0)


_talking = threading.Lock()


def _log(served: Served, terminal: Terminal, *, has_keyboard: bool) -> None:
    request, response = served.request, served.response
    query = f"?{request.query}" if request.query else ""
    with _talking:
        if served.invocation is not None and (
            terminal.verbose or served.invocation.init_seconds is not None
        ):
            terminal.line(served.invocation.report_line)
        function = f" → {served.function}" if served.function is not None else ""
        terminal.line(
            f"{request.method} {request.path}{query}{function} {response.status} {len(response.body)} bytes "
            f"in {seconds(served.seconds)}"
        )
        if response.fault is not None:
            terminal.warn(response.fault)
        if served.invocation is not None and not has_keyboard:
            warn_of_prompt(served.invocation, terminal)


def _tell(error: WherryError) -> None:
    with _talking:
        print_error(error)
