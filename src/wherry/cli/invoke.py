"""``wherry invoke``: run a function from its package, as Lambda would."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from wherry.cli.keyboard import keyboard, warn_of_prompt
from wherry.cli.options import in_project, of_build, path_option, quiet, shared
from wherry.cli.render import Terminal, json_line, print_result, write_page
from wherry.target.quotas import MEMORY, STORAGE, TIMEOUT
from wherry.visible import Lines, visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wherry.aws.call import RemoteFunction
    from wherry.invoke.cold_start import ColdStarts
    from wherry.invoke.options import InvokeOptions
    from wherry.invoke.outcome import Invocation
    from wherry.invoke.request import HttpResponse
    from wherry.invoke.run import Callbacks
    from wherry.invoke.session import Session
    from wherry.pipeline.report import BuildReport

__all__ = ["FORMATS", "callbacks", "command", "of_run"]

of_run = shared(
    click.option(
        "--timeout",
        type=click.FloatRange(*TIMEOUT),
        metavar="SECONDS",
        help="The time limit for an event, 1 to 900. [default: from the settings, else 30]",
    ),
    click.option(
        "--memory",
        type=click.IntRange(*MEMORY),
        metavar="MB",
        help="The memory of the function, 128 to 10240; one that uses more is ended, as on Lambda. "
        "[default: from the settings, else 128 and a warning]",
    ),
    click.option(
        "--ephemeral-storage",
        type=click.IntRange(*STORAGE),
        metavar="MB",
        help="The size of /tmp, 512 to 10240. [default: from the settings, else 512]",
    ),
    click.option(
        "--env",
        "variables",
        multiple=True,
        metavar="KEY[=VALUE]",
        help="An environment variable of the function; KEY alone passes on this shell's. May be repeated.",
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
        help="The interpreter. [default: an installed one of the target's version]",
    ),
    click.option(
        "--boto3/--no-boto3",
        default=None,
        help="Provide boto3 to a function that does not ship it, as on Lambda. [default: from the settings, else yes]",
    ),
    click.option(
        "--skip-arn-layers",
        is_flag=True,
        help="Leave out layers that are named by ARN, instead of fetching them from AWS.",
    ),
    click.option(
        "--snap-start",
        is_flag=True,
        help="Start the function as for SnapStart: with the hooks that it registers.",
    ),
    click.option(
        "--no-build",
        is_flag=True,
        help="Run the packages that were written, without building first.",
    ),
    click.option("-v", "--verbose", is_flag=True, help="Also show what the build did."),
)

_NO_REQUEST = "this event is no HTTP request"
"""How the error of a web application begins that got another event."""

FORMATS = ["function-url", "http", "http-1.0", "rest", "alb", "alb-multi"]

of_format = click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
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
    help="A file with a JSON document; - is stdin. A JSON object or array may stand here itself. May be repeated: one "
    "environment gets them one after another. [default: {}]",
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
@click.option(
    "-d", "--data", metavar="BODY", help="The body of the request; @FILE reads a file, @- stdin."
)
@of_format
@click.option(
    "--client-context",
    "context",
    metavar="JSON",
    help="What the function finds as context.client_context: a JSON object, or a file that holds one.",
)
@click.option(
    "--repeat",
    type=click.IntRange(min=1),
    default=1,
    metavar="N",
    help="Send all events N times. [default: 1]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document per call on stdout.")
@click.option(
    "--debug",
    type=click.IntRange(1, 65535),
    metavar="PORT",
    help="Wait for an editor's debugger (debugpy) on this port before the function is loaded.",
)
@click.option(
    "--cold",
    type=click.IntRange(min=1),
    metavar="N",
    help="Send no event, and measure how long N fresh processes take to initialize.",
)
@click.option("--profile", is_flag=True, help="With --cold: also show the time of each import.")
@path_option(
    "--html",
    "html_file",
    help="With --cold: write a page with a flame graph of imports, and treemaps of the packages. Means --profile, too.",
)
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
def command(
    *,
    project: Path,
    qualifier: str | None,
    events: tuple[str, ...],
    http: tuple[str, str] | None,
    headers: tuple[str, ...],
    data: str | None,
    form: str,
    context: str | None,
    repeat: int,
    as_json: bool,
    cold: int | None,
    profile: bool,
    html_file: Path | None,
    variables: tuple[str, ...],
    variable_files: tuple[Path, ...],
    verbose: bool,
    quiet: bool,
    **options: Unpack[InvokeOptions],
) -> None:
    """Run a function from its package on this machine, as AWS Lambda would; with --stage, on AWS.

    Builds first, which takes no time if nothing has changed, and runs the zips: code at /var/task and layers
    at /opt, both read-only, Lambda's search path and environment, AWS's own runtime client, an interpreter of
    the target's version. The result goes to stdout; the function's log and a report to stderr.

    With --stage nothing is built: the deployed function is called, and the end of its log is shown.

    \b
    Examples:
      wherry invoke api --event event.json
      echo '{"id": 7}' | wherry invoke api --event -
      wherry invoke web --http POST /items -H 'content-type: application/json' -d '{"name": "x"}'
      wherry invoke api --event event.json --debug 5678
      wherry invoke api --cold 5 --html dist/start.html
      wherry invoke api --event event.json --stage staging
    """  # noqa: D301  the backspace is click's mark
    from wherry.invoke.event import read_client_context, read_event, request_event
    from wherry.invoke.http_response import http_response
    from wherry.invoke.request import EventFormat
    from wherry.invoke.run import open_function
    from wherry.invoke.variables import read_variables

    if http and events:
        raise click.UsageError("--event and --http exclude each other")
    if not http and (headers or data is not None):
        raise click.UsageError("--header and --data are parts of a request: add --http METHOD PATH")
    if cold is not None and (http or events or repeat > 1 or options["debug"] is not None):
        raise click.UsageError("--cold sends no event: leave out the other options")
    if profile and cold is None:
        raise click.UsageError("--profile belongs to --cold: write --cold 5 --profile")
    if html_file is not None and cold is None:
        raise click.UsageError(f"--html belongs to --cold: write --cold 5 --html {html_file}")
    remote = options["stage"] is not None and not _is_legacy(options["config"])
    if qualifier is not None and not remote:
        raise click.UsageError("--qualifier chooses a version on AWS: add --stage STAGE")
    if remote:
        _refuse_local_options(click.get_current_context())
    environment = options["environment"] = read_variables(variables, variable_files)
    if cold is not None:
        from wherry.invoke.cold_start import cold_starts, report_cold_starts

        profile |= html_file is not None
        with Terminal(quiet=quiet, verbose=verbose) as terminal:
            starts = cold_starts(project, cold, profile=profile, reporter=terminal.brief, **options)
            if html_file is not None:
                write_page(html_file, report_cold_starts(project, starts, **options), terminal)
        print_result(starts.document(), _cold_lines(starts), as_json=as_json)
        return
    service = EventFormat(form) if http else None
    if http:
        payloads = [request_event(*http, EventFormat(form), headers, data, environment)]
    else:
        payloads = [read_event(source) for source in events] or [b"{}"]
    about_caller = read_client_context(context)
    if not remote:
        options["terminal"] = keyboard()
    with Terminal(quiet=quiet, verbose=verbose) as terminal:
        opened: AbstractContextManager[Session | RemoteFunction]
        if remote:
            opened = nullcontext(_remote_function(project, options, qualifier, terminal))
        else:
            opened = open_function(
                project,
                options,
                callbacks=callbacks(terminal),
                reporter=terminal.brief,
            )
        with opened as session:
            failed = False
            for payload in payloads * repeat:
                invocation = session.invoke(payload, client_context=about_caller)
                error = invocation.error
                response = None if service is None else http_response(invocation, service)
                terminal.end_line()
                if remote:
                    # What it logged comes with the answer, AWS's report included.
                    text = invocation.log.decode(errors="replace").replace("\r", "\n").rstrip()
                    if text:
                        click.echo(visible(Lines(text)), err=True)
                else:
                    terminal.line(invocation.report_line)
                if not options.get("terminal"):
                    warn_of_prompt(invocation, terminal)
                if error is not None and error.message.startswith(_NO_REQUEST):
                    terminal.warn(
                        "the function is a web application, and the event no request",
                        hint="send it one: --http GET /",
                    )
                if error is not None and not invocation.log:
                    click.echo(f"[ERROR] {error.type}: {error.message}", err=True)
                if as_json:
                    click.echo(json_line(invocation.document(response)))
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


# Options of local runs: a function on AWS has these already, or gets them with the event.
_OF_REMOTE = frozenset(
    {
        *("function", "stage", "qualifier", "project", "config", "name"),
        *("events", "http", "headers", "data", "form", "repeat", "context"),
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


def callbacks(terminal: Terminal) -> Callbacks:
    """Callbacks that write a function's output to stderr, and the summary of the build for those who asked."""
    from wherry.cli.build import summarize
    from wherry.invoke.run import Callbacks

    def built(report: BuildReport) -> None:
        if terminal.verbose:
            summarize(report, terminal, verbose=False)

    return Callbacks(log=terminal.output, built=built)


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


_MOST_IMPORTS = 20


def _cold_lines(starts: ColdStarts) -> Iterator[str]:
    """The figures of cold starts, and the longest imports of one package by another."""
    quickest, slowest = min(starts.seconds) * 1000, max(starts.seconds) * 1000
    memory = "" if starts.peak_memory is None else f", {starts.peak_memory / 1048576:.0f} MB"
    yield (
        f"{starts.function} initializes in {starts.median * 1000:.0f} ms "
        f"(median of {len(starts.seconds)}; {quickest:.0f} to {slowest:.0f} ms{memory})"
    )
    for each in [each for each in starts.imports if each.is_choice][:_MOST_IMPORTS]:
        above = f", imported by {each.imported_by}" if each.imported_by else ""
        yield f"{each.seconds * 1000:8.1f} ms  {each.module}{above}"
