"""``wherry invoke``: call a function out of its written package, as Lambda would."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wherry.cli.options import (
    in_project,
    of_handler,
    of_lock,
    of_settings,
    of_target,
    quiet,
    shared,
)
from wherry.cli.render import Talk
from wherry.errors import InvokeError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from wherry.bundle.algebra import Bundle
    from wherry.invoke.outcome import Invocation
    from wherry.invoke.request import EventFormat, HttpRequest, HttpResponse
    from wherry.invoke.runnable import Runnable
    from wherry.report import BuildReport

__all__ = [
    "command",
    "end_on_sigterm",
    "of_format",
    "of_run",
    "own_variables",
    "report_line",
    "runnable",
    "to_stderr",
]

FORMATS = ("function-url", "http", "rest", "alb", "alb-multi")

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
    click.option(
        "--env-file",
        "variable_files",
        type=click.Path(path_type=Path),
        multiple=True,
        metavar="FILE",
        help="Lines of KEY=VALUE. May be repeated; later files and --env win.",
    ),
    click.option(
        "--python",
        type=click.Path(path_type=Path),
        metavar="PATH",
        help="The interpreter. [default: one of the target's version, found]",
    ),
    click.option("--no-build", is_flag=True, help="Run what is written, without building first."),
    click.option("-v", "--verbose", is_flag=True, help="Say what the build did, too."),
)

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
@of_handler
@of_target
@of_lock
@of_settings
@quiet
def command(
    *,
    function: str | None,
    events: tuple[str, ...],
    http: tuple[str, str] | None,
    headers: tuple[str, ...],
    data: str | None,
    form: str,
    repeat: int,
    as_json: bool,
    timeout: float,
    memory: int,
    python: Path | None,
    offline: bool,
    quiet: bool,
    **said: Any,
) -> None:
    """Call a function out of its written package, as AWS Lambda would.

    Builds first, which takes no time when nothing has changed, and runs the zips: code at /var/task and layers
    at /opt, both read-only, Lambda's search path and environment, AWS's own runtime client, an interpreter of
    the target's version. The result goes to stdout; the function's log and a report to stderr.

    \b
    Examples:
      wherry invoke api --event event.json
      echo '{"id": 7}' | wherry invoke api --event -
      wherry invoke web --http POST /items -H 'content-type: application/json' -d '{"name": "x"}'
    """  # noqa: D301  the backspace is click's mark
    from wherry.invoke.http_event import http_event
    from wherry.invoke.request import EventFormat
    from wherry.invoke.session import Session
    from wherry.invoke.variables import region

    if http and events:
        raise click.UsageError("--event and --http exclude each other")
    if not http and (headers or data is not None):
        raise click.UsageError(
            "--header and --data are parts of a request: say --http METHOD PATH too"
        )
    end_on_sigterm()
    service = EventFormat(form)
    own = own_variables(said["variables"], said["variable_files"])
    if http:
        request = _request(http, headers, data)
        import os

        event = http_event(request, service, region=region(os.environ, own))
        payloads = [json.dumps(event, ensure_ascii=False).encode("utf-8", "replace")]
    else:
        payloads = [_event(source) for source in events] or [b"{}"]
    failed = False
    with Talk(quiet=quiet) as talk:
        what = runnable(talk, function, own, offline=offline, **said)
        with Session(
            what,
            python=python,
            timeout=timeout,
            memory=memory,
            offline=offline,
            on_log=to_stderr,
            reporter=talk,
        ) as session:
            for _ in range(repeat):
                for payload in payloads:
                    invocation = session.invoke(payload)
                    failed = (
                        _show(invocation, memory, service if http else None, as_json, talk)
                        or failed
                    )
    if failed:
        raise click.exceptions.Exit(1)


def _show(
    invocation: Invocation, memory: int, service: EventFormat | None, as_json: bool, talk: Talk
) -> bool:
    """Print what came of a call; True when it failed."""
    from wherry.invoke.http_response import http_response

    response = http_response(invocation, service) if service is not None else None
    talk.line(report_line(invocation, memory))
    if invocation.error is not None and not invocation.log:
        _tell_error(invocation)
    if as_json:
        click.echo(json.dumps(_document(invocation, memory, response), ensure_ascii=False))
    elif response is not None:
        lines = [
            f"HTTP {response.status}",
            *(f"{name}: {value}" for name, value in response.headers),
        ]
        talk.line("\n".join(lines))
        out = sys.stdout.buffer
        out.write(response.body)
        if response.body and not response.body.endswith(b"\n") and sys.stdout.isatty():
            out.write(b"\n")
        out.flush()
    else:
        sys.stdout.buffer.write(invocation.payload + b"\n")
        sys.stdout.buffer.flush()
    if response is not None and response.fault is not None and invocation.error is None:
        talk.warn(response.fault)
    return invocation.error is not None or (response is not None and response.fault is not None)


def _tell_error(invocation: Invocation) -> None:
    assert invocation.error is not None  # noqa: S101
    click.echo(f"[ERROR] {invocation.error.type}: {invocation.error.message}", err=True)


def report_line(invocation: Invocation, memory: int) -> str:
    """Lambda's last line about a call."""
    parts = [
        f"REPORT RequestId: {invocation.request_id}",
        f"Duration: {invocation.seconds * 1000:.2f} ms",
        f"Memory Size: {memory} MB",
    ]
    if invocation.peak_memory is not None:
        parts.append(f"Max Memory Used: {invocation.peak_memory / 1048576:.0f} MB")
    if invocation.init_seconds is not None:
        parts.append(f"Init Duration: {invocation.init_seconds * 1000:.2f} ms")
    if invocation.error is not None:
        parts.append("Status: timeout" if invocation.timed_out else "Status: error")
        parts.append(f"Error Type: {invocation.error.type}")
    return "  ".join(parts)


def _document(
    invocation: Invocation, memory: int, response: HttpResponse | None
) -> Mapping[str, object]:
    import math

    error = invocation.error
    try:
        result = json.loads(invocation.payload) if error is None else None
    except ValueError:
        result = invocation.payload.decode(errors="replace")
    init = invocation.init_seconds
    document: dict[str, object] = {
        "schema": 1,
        "request_id": invocation.request_id,
        "result": result,
        "error": None
        if error is None
        else {"type": error.type, "message": error.message, "stack_trace": list(error.stack_trace)},
        "timed_out": invocation.timed_out,
        "duration_ms": round(invocation.seconds * 1000, 2),
        "init_ms": None if init is None else round(init * 1000, 2),
        "billed_ms": math.ceil((invocation.seconds + (init or 0)) * 1000),
        "memory_mb": memory,
        "peak_memory_bytes": invocation.peak_memory,
        "log": invocation.log.decode(errors="replace"),
    }
    if response is not None:
        import base64

        try:
            body, encoded = response.body.decode(), False
        except UnicodeDecodeError:
            body, encoded = base64.b64encode(response.body).decode(), True
        document["http"] = {
            "status": response.status,
            "headers": [list(pair) for pair in response.headers],
            "body": body,
            "base64": encoded,
            "fault": response.fault,
        }
    return document


def runnable(
    talk: Talk,
    function: str | None,
    environment: Mapping[str, str],
    *,
    project: Path,
    runtime: str | None,
    architecture: str | None,
    offline: bool,
    no_build: bool,
    verbose: bool,
    variables: Sequence[str] = (),
    variable_files: Sequence[Path] = (),
    **said: Any,
) -> Runnable:
    """The function that the options mean, built unless that is not wanted."""
    del variables, variable_files
    if no_build:
        return _written(
            talk,
            function,
            environment,
            project=project,
            runtime=runtime,
            architecture=architecture,
            **said,
        )
    from wherry.invoke.find import runnable_of_report
    from wherry.pipeline import build

    # Every function is known by name, and only the one that is called is built.
    options = {
        **said,
        "runtime": runtime,
        "architecture": architecture,
        "offline": offline,
        "names": (function,) if function else (),
    }
    report = build(project, reporter=_Less(talk, verbose=verbose), **options)
    if verbose:
        from wherry.cli.build import summarize

        summarize(report, talk, verbose=False)
    return runnable_of_report(
        report,
        function,
        environment=environment,
        runtime_bundle=_provided(report, function, project, options),
        reporter=talk,
    )


def _provided(
    report: BuildReport, function: str | None, project: Path, options: Mapping[str, Any]
) -> Bundle | None:
    """What the runtime has and the package has not, in the versions that the lock names."""
    wanted = {
        one.name
        for one in report.packages
        if one.kind == "function" and one.provided and function in {None, one.name}
    }
    if not wanted:
        return None
    from wherry.bundle.algebra import Bundle
    from wherry.pipeline import compose_project

    bundles = [
        distribution.bundle
        for package in compose_project(project, **options).packages
        if package.name in wanted
        for distribution in package.provided
    ]
    return Bundle().merge(*bundles)


class _Less:
    """Lets through what matters to somebody who wants to run, not to build."""

    def __init__(self, talk: Talk, *, verbose: bool) -> None:
        self._talk = talk
        self._verbose = verbose

    def emit(self, event: Any) -> None:
        from wherry.events import LockRead, Note

        if self._verbose or not isinstance(event, LockRead | Note):
            self._talk.emit(event)


def _written(
    talk: Talk,
    function: str | None,
    environment: Mapping[str, str],
    *,
    project: Path,
    runtime: str | None,
    architecture: str | None,
    **said: Any,
) -> Runnable:
    from wherry.compose.recipe import with_handler
    from wherry.invoke.find import runnable_of_written
    from wherry.project import DEFAULT_OUTPUT, choose_target, read_project

    found = read_project(
        project,
        config=said["config"],
        stage=said["stage"],
        install_path=said["install_path"],
        name=said["name"],
    )
    target, _ = choose_target(found, runtime=runtime, architecture=architecture)
    settings = found.settings
    if said["app"]:
        from dataclasses import replace

        settings = with_handler(
            settings, name=found.name, app=said["app"], interface=said["interface"]
        )
        found = replace(found, settings=settings)
    return runnable_of_written(
        found,
        target,
        project / (settings.output or DEFAULT_OUTPUT),
        function,
        handler=said["handler"],
        environment=environment,
        reporter=talk,
    )


def _event(source: str) -> bytes:
    """A JSON document from a file or stdin.

    Raises:
        InvokeError: it cannot be read, or is not JSON.
    """
    name = "stdin" if source == "-" else f"`{source}`"
    try:
        data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except OSError as error:
        raise InvokeError(
            f"cannot read the event {name}", where=[error.strerror or str(error)]
        ) from error
    try:
        json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InvokeError(
            f"the event in {name} is not JSON",
            where=[str(error)],
            hint='an event is a JSON document, such as {"id": 7}',
        ) from error
    return data.decode("utf-8-sig").encode() if data.startswith(b"\xef\xbb\xbf") else data


def _request(http: tuple[str, str], headers: Sequence[str], data: str | None) -> HttpRequest:
    """The request that the options describe.

    Raises:
        InvokeError: a header has no colon, the path no slash, or the body cannot be read.
    """
    from urllib.parse import quote

    from wherry.invoke.request import HttpRequest

    method, target = http
    if not target.startswith("/"):
        raise InvokeError(
            f"`{target}` is not the path of a request",
            hint="a path begins with a slash: --http GET /items",
        )
    path, _, query = target.partition("#")[0].partition("?")
    pairs = []
    for header in headers:
        name, colon, value = header.partition(":")
        if not colon or not name.strip():
            raise InvokeError(f"`{header}` is not a header", hint="write --header 'Name: value'")
        pairs.append((name.strip(), value.strip()))
    body = _body(data)
    present = {name.lower() for name, _ in pairs}
    if body and "content-type" not in present:
        kind = "application/json" if _is_json(body) else "application/x-www-form-urlencoded"
        pairs.append(("Content-Type", kind))
    if body and "content-length" not in present:
        pairs.append(("Content-Length", str(len(body))))
    if "user-agent" not in present:
        pairs.append(("User-Agent", "wherry"))
    # What a browser would encode may be written as it reads.
    safe = "!#$%&'()*+,/:;=?@[]~"
    return HttpRequest(
        method=method.upper(),
        path=quote(path, safe=safe),
        query=quote(query, safe=safe),
        headers=tuple(pairs),
        body=body,
    )


def _body(data: str | None) -> bytes:
    if data is None:
        return b""
    if not data.startswith("@"):
        return data.encode("utf-8", "surrogateescape")
    source = data[1:]
    try:
        if source == "-":
            return sys.stdin.buffer.read()
        return Path(source).read_bytes()
    except OSError as error:
        raise InvokeError(
            f"cannot read the body `{source}`", where=[error.strerror or str(error)]
        ) from error


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True


def own_variables(pairs: Sequence[str], files: Sequence[Path]) -> dict[str, str]:
    """The function's own variables; what comes later wins.

    Raises:
        InvokeError: a line has no ``=``, a file cannot be read, or AWS would refuse a name.
    """
    from wherry.invoke.variables import check_variables

    found: dict[str, str] = {}
    for pair, where in (*_lines(files), *((pair, "--env") for pair in pairs)):
        name, equals, value = pair.partition("=")
        if not equals:
            # The value may be a secret that was put where the name belongs.
            raise InvokeError(
                "an environment variable has no `=`", where=[where], hint="write KEY=VALUE"
            )
        found[name.strip()] = value
    check_variables(found)
    return found


def _lines(files: Sequence[Path]) -> Iterator[tuple[str, str]]:
    for path in files:
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise InvokeError(f"cannot read `{path}`", where=[str(error)]) from error
        for number, line in enumerate(text.splitlines(), start=1):
            said = line.strip().removeprefix("export ").strip()
            if said and not said.startswith("#"):
                name, equals, value = said.partition("=")
                value = value.strip()
                if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
                    value = value[1:-1]
                yield f"{name}{equals}{value}", f"{path} line {number}"


def to_stderr(piece: bytes) -> None:
    """What the function writes, as it writes it."""
    stream = sys.stderr.buffer
    stream.write(piece)
    stream.flush()


def end_on_sigterm(status: int = 143) -> None:
    """Have a SIGTERM end this process as a Ctrl-C does: with everything put away."""
    import signal

    def end(_number: int, _frame: object) -> None:
        raise SystemExit(status)

    signal.signal(signal.SIGTERM, end)
