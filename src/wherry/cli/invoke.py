"""``wherry invoke``: call a function out of its written package, as Lambda would."""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from wherry.cli.options import in_project, of_build, path_option, quiet, shared
from wherry.cli.render import BriefReporter, Terminal
from wherry.visible import Lines, visible

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from wherry.aws.call import RemoteFunction
    from wherry.invoke.outcome import Invocation
    from wherry.invoke.request import HttpResponse
    from wherry.invoke.run import Callbacks, InvokeOptions
    from wherry.invoke.server import Served
    from wherry.invoke.session import Session
    from wherry.pipeline.report import BuildReport

__all__ = ["callbacks", "command", "end_on_sigterm", "of_format", "of_run"]

of_run = shared(
    click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        default=30.0,
        metavar="SECONDS",
        help="How long the function may take for an event. [default: 30]",
    ),
    click.option(
        "--memory",
        type=click.IntRange(min=1),
        default=128,
        metavar="MB",
        help="The memory that the function is told it has; not enforced. [default: 128]",
    ),
    click.option(
        "--env",
        "variables",
        multiple=True,
        metavar="KEY=VALUE",
        help="An environment variable of the function. May be repeated.",
    ),
    path_option(
        "--env-file",
        "variable_files",
        multiple=True,
        help="Lines of KEY=VALUE. May be repeated; later files and --env win.",
    ),
    path_option(
        "--python",
        metavar="PATH",
        help="The interpreter. [default: one of the target's version, found]",
    ),
    click.option("--no-build", is_flag=True, help="Run what is written, without building first."),
    click.option("-v", "--verbose", is_flag=True, help="Say what the build did, too."),
)

of_format = click.option(
    "--format",
    "form",
    type=click.Choice(["function-url", "http", "rest", "alb", "alb-multi"]),
    default="function-url",
    help="The service in front of the function. [default: function-url]",
)


@click.command("invoke")
@click.argument("function", required=False, metavar="[NAME]")
@click.option(
    "-e",
    "--event",
    "events",
    multiple=True,
    metavar="FILE",
    help="A JSON document; - is stdin. May be repeated: one environment gets them one after another. "
    "[default: {}]",
)
@click.option(
    "--http",
    "http",
    nargs=2,
    metavar="METHOD PATH",
    help="Make the event of an HTTP request, such as --http GET '/items?page=2'.",
)
@click.option(
    "-H", "--header", "headers", multiple=True, metavar="NAME:VALUE", help="A header of it."
)
@click.option("-d", "--data", metavar="BODY", help="The body of it; @FILE reads a file, @- stdin.")
@of_format
@click.option(
    "--repeat",
    type=click.IntRange(min=1),
    default=1,
    metavar="N",
    help="Send everything that many times. [default: 1]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document a call on stdout.")
@of_run
@in_project
@of_build
@click.option(
    "--stage",
    metavar="NAME",
    help="Call the function of this stage on AWS, at the stage's alias. With drover.yml: build its stage.",
)
@click.option(
    "--qualifier",
    metavar="VERSION",
    help="With --stage: call this version or alias. [default: the stage's alias, else $LATEST]",
)
@quiet
@click.pass_context
def command(
    context: click.Context,
    *,
    project: Path,
    qualifier: str | None,
    events: tuple[str, ...],
    http: tuple[str, str] | None,
    headers: tuple[str, ...],
    data: str | None,
    form: str,
    repeat: int,
    as_json: bool,
    variables: tuple[str, ...],
    variable_files: tuple[Path, ...],
    verbose: bool,
    quiet: bool,
    **options: Unpack[InvokeOptions],
) -> None:
    """Call a function out of its written package, as AWS Lambda would; with --stage, the one on AWS.

    Builds first, which takes no time when nothing has changed, and runs the zips: code at /var/task and layers
    at /opt, both read-only, Lambda's search path and environment, AWS's own runtime client, an interpreter of
    the target's version. The result goes to stdout; the function's log and a report to stderr.

    With --stage nothing is built: the function is called where it was deployed to, and the end of its log shown.

    \b
    Examples:
      wherry invoke api --event event.json
      echo '{"id": 7}' | wherry invoke api --event -
      wherry invoke web --http POST /items -H 'content-type: application/json' -d '{"name": "x"}'
      wherry invoke api --event event.json --stage staging
    """  # noqa: D301  the backspace is click's mark
    from wherry.invoke.event import read_event, request_event
    from wherry.invoke.http_response import http_response
    from wherry.invoke.request import EventFormat
    from wherry.invoke.run import open_function
    from wherry.invoke.variables import read_variables

    if http and events:
        raise click.UsageError("--event and --http exclude each other")
    if not http and (headers or data is not None):
        raise click.UsageError(
            "--header and --data are parts of a request: say --http METHOD PATH too"
        )
    end_on_sigterm()
    remote = options["stage"] is not None and not _is_legacy(options["config"])
    if qualifier is not None and not remote:
        raise click.UsageError("--qualifier chooses a version on AWS: say --stage STAGE too")
    if remote:
        _refuse_local_options(context)
    environment = options["environment"] = read_variables(variables, variable_files)
    service = EventFormat(form) if http else None
    if http:
        payloads = [request_event(*http, EventFormat(form), headers, data, environment)]
    else:
        payloads = [read_event(source) for source in events] or [b"{}"]
    with Terminal(quiet=quiet) as terminal:
        opened: AbstractContextManager[Session | RemoteFunction]
        if remote:
            opened = nullcontext(_remote_function(project, options, qualifier, terminal))
        else:
            opened = open_function(
                project,
                options,
                callbacks=callbacks(terminal, verbose=verbose),
                reporter=BriefReporter(terminal=terminal, verbose=verbose),
            )
        with opened as session:
            failed = False
            for payload in payloads * repeat:
                invocation = session.invoke(payload)
                error = invocation.error
                response = None if service is None else http_response(invocation, service)
                if remote:
                    # What it logged comes with the answer, AWS's report included.
                    text = invocation.log.decode(errors="replace").replace("\r", "\n").rstrip()
                    if text:
                        click.echo(visible(Lines(text)), err=True)
                else:
                    terminal.line(invocation.report_line)
                if error is not None and not invocation.log:
                    click.echo(f"[ERROR] {error.type}: {error.message}", err=True)
                if as_json:
                    document = invocation.document(response)
                    click.echo(json.dumps(document, ensure_ascii=False))
                else:
                    _show(invocation, response, terminal)
                fault = response.fault if response is not None else None
                if fault is not None and error is None:
                    terminal.warn(fault)
                failed |= error is not None or fault is not None
    if failed:
        raise click.exceptions.Exit(1)


def _is_legacy(config: Path | str | None) -> bool:
    from wherry.settings.legacy.read import is_legacy

    return config is not None and is_legacy(Path(config))


# What a function on AWS has, or is told by the event.
_OF_REMOTE = frozenset(
    {
        *("function", "stage", "qualifier", "project", "config", "name"),
        *("events", "http", "headers", "data", "form", "repeat"),
        *("as_json", "quiet", "verbose"),
    }
)


def _refuse_local_options(context: click.Context) -> None:
    """Refuse options that say how a function is built or run here."""
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        given = source is click.core.ParameterSource.COMMANDLINE
        if given and parameter.name not in _OF_REMOTE:
            raise click.UsageError(
                f"{parameter.opts[0]} is for local runs: --stage calls what is on AWS"
            )


def _remote_function(
    project: Path, options: InvokeOptions, qualifier: str | None, terminal: Terminal
) -> RemoteFunction:
    from wherry.aws.call import find_function

    function = find_function(
        project,
        options["stage"] or "",
        options.get("function"),
        qualifier=qualifier,
        config=options.get("config"),
        name=options.get("name"),
    )
    terminal.line(f"Calling {function} in {function.client.region} ...")
    return function


def callbacks(
    terminal: Terminal, *, verbose: bool, served: Callable[[Served], None] | None = None
) -> Callbacks:
    """Callbacks that write a function's output to stderr, and the summary of the build for those who asked."""
    from wherry.cli.build import summarize
    from wherry.invoke.run import Callbacks

    def built(report: BuildReport) -> None:
        if verbose:
            summarize(report, terminal, verbose=False)

    return Callbacks(log=_to_stderr, built=built, served=served)


def _show(invocation: Invocation, response: HttpResponse | None, terminal: Terminal) -> None:
    """Print the result of a call."""
    if response is None:
        sys.stdout.buffer.write(invocation.payload + b"\n")
        sys.stdout.buffer.flush()
        return
    lines = [f"HTTP {response.status}", *(f"{name}: {value}" for name, value in response.headers)]
    terminal.line(Lines("\n".join(lines)))
    out = sys.stdout.buffer
    out.write(response.body)
    if response.body and not response.body.endswith(b"\n") and sys.stdout.isatty():
        out.write(b"\n")
    out.flush()


def _to_stderr(piece: bytes) -> None:
    """The output of the function, as it writes it."""
    stream = sys.stderr.buffer
    stream.write(piece)
    stream.flush()


def end_on_sigterm(status: int = 143) -> None:
    """Have a SIGTERM end this process as a Ctrl-C does: with everything put away."""
    import signal

    def end(_number: int, _frame: object) -> None:
        raise SystemExit(status)

    signal.signal(signal.SIGTERM, end)
