"""``wherry serve``: an HTTP server in front of a function, as behind its service."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from wherry.cli.invoke import (
    end_on_sigterm,
    of_format,
    of_run,
    own_variables,
    report_line,
    runnable,
    to_stderr,
)
from wherry.cli.options import in_project, of_handler, of_lock, of_settings, of_target, quiet
from wherry.cli.render import Talk, seconds
from wherry.events import SILENT

if TYPE_CHECKING:
    from pathlib import Path

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
@of_handler
@of_target
@of_lock
@of_settings
@quiet
def command(
    *,
    function: str | None,
    host: str,
    port: int,
    form: str,
    concurrency: int,
    timeout: float,
    memory: int,
    python: Path | None,
    offline: bool,
    quiet: bool,
    **said: Any,
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
    import os

    from wherry.invoke.pool import Pool
    from wherry.invoke.request import EventFormat
    from wherry.invoke.server import FunctionServer
    from wherry.invoke.session import Session
    from wherry.invoke.variables import region

    # A server that is told to end has done its work.
    end_on_sigterm(0)
    own = own_variables(said["variables"], said["variable_files"])
    verbose = bool(said["verbose"])
    with Talk(quiet=quiet) as talk, ExitStack() as stack:
        what = runnable(talk, function, own, offline=offline, **said)
        sessions = []
        for number in range(concurrency):
            # What there is to say about the machine is said once.
            session = Session(
                what,
                python=python,
                timeout=timeout,
                memory=memory,
                offline=offline,
                on_log=to_stderr,
                reporter=talk if number == 0 else SILENT,
            )
            sessions.append(stack.enter_context(session))
        server = FunctionServer(
            Pool(sessions).invoke,
            form=EventFormat(form),
            host=host,
            port=port,
            region=region(os.environ, own),
            on_served=lambda served: _log(served, talk, memory, verbose=verbose),
        )
        stack.callback(server.close)
        if host not in {"127.0.0.1", "localhost", "::1"}:
            talk.warn(f"whoever reaches {host} can call the function")
        talk.line(
            f"Serving {what.name} for {what.target} as behind {_FRONTS[form]}; Ctrl-C ends it"
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


def _log(served: Served, talk: Talk, memory: int, *, verbose: bool) -> None:
    request, response = served.request, served.response
    query = f"?{request.query}" if request.query else ""
    with _talking:
        if served.invocation is not None and (
            verbose or served.invocation.init_seconds is not None
        ):
            talk.line(report_line(served.invocation, memory))
        talk.line(
            f"{request.method} {request.path}{query} {response.status} {len(response.body)} bytes "
            f"in {seconds(served.seconds)}"
        )
        if response.fault is not None:
            talk.warn(response.fault)
