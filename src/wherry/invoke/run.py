"""Running functions from Python: build, lay out as Lambda would, and call."""

from __future__ import annotations

import json
import os
import threading
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from msgspec.structs import replace

from wherry.events import SILENT, Reporter
from wherry.invoke.debugging import DebuggerPort, Debugging
from wherry.invoke.event import client_context
from wherry.invoke.options import InvokeOptions, ServeOptions
from wherry.invoke.runnable import Limits, Runnable, choose_function, find_runnable
from wherry.invoke.session import Session
from wherry.invoke.variables import passed_values
from wherry.pipeline.build import build_packages, provided_bundle
from wherry.pipeline.options import BuildOptions, build_options
from wherry.pipeline.request import BuildRequest, as_request, open_context
from wherry.pipeline.written import report_written
from wherry.problems import refuse_options
from wherry.settings.model import FunctionSettings
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from wherry.bundle.bundle import Bundle
    from wherry.context import Context
    from wherry.errors import WherryError
    from wherry.invoke.outcome import Invocation
    from wherry.invoke.server import FunctionServer, Served
    from wherry.invoke.serving import BuiltProject
    from wherry.pipeline.report import BuildReport
    from wherry.store import Store

__all__ = [
    "Callbacks",
    "invoke",
    "open_function",
    "open_server",
    "serve",
]


class Callbacks(Struct, frozen=True, kw_only=True):
    """Functions that are called while a function is run; each may be called from a thread.

    Attributes:
        log: with what the function writes, as it writes it.
        built: with the report of the build, before anything is run.
        served: with each request that was answered.
        failed: with the reason why the project cannot be built any more, or a function not be loaded.
        reloaded: with the names of the functions that run new code after an edit.
    """

    log: Callable[[bytes], None] | None = None
    built: Callable[[BuildReport], None] | None = None
    served: Callable[[Served], None] | None = None
    failed: Callable[[WherryError], None] | None = None
    reloaded: Callable[[Sequence[str]], None] | None = None


def invoke(
    project: Path | str = ".",
    event: object = None,
    *,
    callbacks: Callbacks = Callbacks(),
    store: Store | None = None,
    reporter: Reporter = SILENT,
    **options: Unpack[InvokeOptions],
) -> Invocation:
    """Call a function out of its written package, as AWS Lambda would; it is built first.

    Args:
        project: the project's folder.
        event: what JSON can hold, or bytes of a JSON document; by default an empty object.
        callbacks: told of the build and of what the function writes.
        store: where files are kept; by default the user's.
        reporter: told what happens.
        options: what is asked, as ``wherry.InvokeOptions`` and ``wherry.BuildOptions`` describe it.

    Raises:
        WherryError: the function cannot be built or run. That it failed itself is told by the result.
    """
    document = {} if event is None else event
    payload = document if isinstance(document, bytes) else json.dumps(document).encode()
    with open_function(
        project, options, callbacks=callbacks, store=store, reporter=reporter
    ) as session:
        context = client_context(options.get("client_context"))
        return session.invoke(payload, client_context=context)


@contextmanager
def serve(
    project: Path | str = ".",
    *,
    callbacks: Callbacks = Callbacks(),
    store: Store | None = None,
    reporter: Reporter = SILENT,
    **options: Unpack[ServeOptions],
) -> Iterator[FunctionServer]:
    """Put an HTTP server in front of a project's functions, for as long as the ``with`` block lasts.

    The server answers in a thread; its address is ``url``.

    Args:
        project: the project's folder.
        callbacks: told of the build, of what the function writes and of each request.
        store: where files are kept; by default the user's.
        reporter: told what happens.
        options: what is asked, as ``wherry.ServeOptions`` and those that it extends describe it.

    Raises:
        WherryError: the function cannot be built or run, or the address cannot be listened on.
    """
    with open_server(
        project, options, callbacks=callbacks, store=store, reporter=reporter
    ) as server:
        thread = threading.Thread(target=server.serve, name="wherry-serve", daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.stop()
            thread.join()


@contextmanager
def open_function(
    project: Path | str,
    options: InvokeOptions,
    *,
    callbacks: Callbacks,
    store: Store | None = None,
    reporter: Reporter = SILENT,
) -> Iterator[Session]:
    """A session that runs a function, event after event.

    Arguments and errors are those of ``invoke``.
    """
    refuse_options(options, InvokeOptions)
    name = options.get("function")
    built = _build(project, options, (name,), callbacks, store, reporter)
    with Session(
        _runnable(built, name, options, reporter),
        built.context,
        python=options.get("python"),
        on_log=callbacks.log,
        debugging=_debugging(project, options),
    ) as session:
        yield session


@contextmanager
def open_server(
    project: Path | str,
    options: ServeOptions,
    *,
    callbacks: Callbacks,
    store: Store | None = None,
    reporter: Reporter = SILENT,
) -> Iterator[FunctionServer]:
    """A server that listens, and answers once its ``serve`` is called.

    Arguments and errors are those of ``serve``.
    """
    from wherry.invoke.debugging import Debuggers
    from wherry.invoke.http_server import Listen
    from wherry.invoke.later import Later
    from wherry.invoke.reload import Reloader
    from wherry.invoke.request import EventFormat
    from wherry.invoke.server import FunctionServer
    from wherry.invoke.serving import Front, Maker, Serving

    refuse_options(options, ServeOptions)
    one, form = options.get("function"), options.get("form")
    names = tuple(options.get("functions", ())) or ((one,) if one is not None else ())
    front = Front(
        names=names,
        form=None if form is None else EventFormat(form),
        stage=options.get("stage_path"),
        cors_origins=tuple(options.get("cors", ())),
        concurrency=options.get("concurrency", 1),
    )

    debuggers = Debuggers(_debugging(project, options), reporter, concurrency=front.concurrency)

    def read() -> tuple[BuildRequest, Context]:
        request = as_request(project, _of_build(options, names))
        return request, open_context(request, store=store, reporter=SILENT)

    on_failed = callbacks.failed or (lambda _: None)
    serving = Serving(
        front,
        Maker(
            root=Path(project),
            read=read,
            build=lambda: _build(project, options, names, callbacks, store, reporter),
            runnable=lambda built, name, to: _runnable(built, name, options, to),
            open_session=lambda runnable, context, on_log: Session(
                runnable,
                context,
                python=options.get("python"),
                on_log=on_log,
                debugging=debuggers.of(runnable.name),
            ),
            on_log=callbacks.log,
            on_failed=on_failed,
            on_reloaded=callbacks.reloaded or (lambda _: None),
            debuggers=debuggers,
        ),
    )
    with ExitStack() as stack:
        stack.callback(serving.builds.close)
        server = FunctionServer(
            serving.builds,
            listen=Listen(
                host=options.get("host", "127.0.0.1"),
                port=options.get("port", 0),
                allowed_hosts=tuple(options.get("allowed_hosts", ())),
            ),
            later=Later(concurrency=front.concurrency, retries=options.get("retries", 2)),
            stage=front.stage,
            on_served=callbacks.served,
        )
        stack.callback(server.close)
        if options.get("reload", False):
            # An edit during the first build counts.
            reloader = Reloader(serving.reload, serving.watched(), on_failed)
            stack.callback(reloader.close)
            reloader.start(serving.load_or_tell)
        else:
            serving.load()
        yield server


def _debugging(project: Path | str, options: InvokeOptions) -> Debugging:
    number = options.get("debug")
    return Debugging(
        project=Path(project),
        port=None if number is None else DebuggerPort(number),
        terminal=options.get("terminal"),
    )


def _runnable(
    built: BuiltProject, name: str | None, options: InvokeOptions, reporter: Reporter
) -> Runnable:
    """A function as it is to run here; without a name the only one. Options have precedence over settings.

    Raises:
        InvokeError: there is no such function, it has no handler, or a limit is not one of AWS's.
        AwsError, FetchError: a layer cannot be fetched.
    """
    functions = {each.name: each for each in built.report.packages if each.kind == "function"}
    chosen = functions[choose_function(list(functions), name)]
    arns = [layer for layer in chosen.layers if layer.startswith("arn:")]
    fetched: Mapping[str, Path] = {}
    if arns and not options.get("skip_arn_layers"):
        from wherry.pipeline.arn_layers import fetch_layers

        fetched = fetch_layers(arns, replace(built.context, reporter=reporter))
    settings = built.request.settings.functions.get(chosen.name, FunctionSettings())
    variables = passed_values(settings.environment, os.environ)
    runnable = find_runnable(
        built.report,
        chosen.name,
        environment={**variables, **options.get("environment", {})},
        runtime_bundle=built.provided(name),
        fetched=fetched,
        reporter=reporter,
    )
    boto3 = options.get("boto3")
    return replace(
        runnable,
        limits=_limits(settings, options),
        boto3=settings.boto3 if boto3 is None else boto3,
        snap_start=options.get("snap_start", False),
    )


def _limits(settings: FunctionSettings, options: Mapping[str, object]) -> Limits:
    given: dict[str, Any] = {}
    for name in ("timeout", "memory", "ephemeral_storage"):
        value = options.get(name)
        value = getattr(settings, name) if value is None else value
        if value is not None:
            given[name] = value
    return Limits(**given, memory_ends="memory" in given)


def _build(
    project: Path | str,
    options: InvokeOptions,
    names: Sequence[str | None],
    callbacks: Callbacks,
    store: Store | None,
    reporter: Reporter,
) -> BuiltProject:
    """The packages of functions, built unless that is not wanted; of all without names, of the only one for None."""
    from wherry.invoke.serving import BuiltProject

    no_build = options.get("no_build", False)
    # Every function is known by name, and only those that are called are built.
    asked = () if no_build else tuple(filter(None, names))
    request = as_request(project, _of_build(options, asked))
    context = open_context(request, store=store, reporter=reporter)
    if no_build:
        from wherry.pipeline.written import written_target

        request = written_target(request, store)
        functions = [recipe.name for recipe in request.recipes if recipe.kind == "function"]
        if names:
            request = request.only(*(choose_function(functions, name) for name in names))
        report = report_written(request)
    else:
        report = build_packages(request, context)
        if callbacks.built is not None:
            callbacks.built(report)
    return BuiltProject(
        request=request,
        context=context,
        report=report,
        provided=lambda name: None if no_build else _provided(report, request, context, name),
    )


def _of_build(options: InvokeOptions, names: Sequence[str]) -> BuildOptions:
    """The options of the build before a run."""
    of_build = build_options(options)
    if names:
        of_build["names"] = names
    return of_build


def _provided(
    report: BuildReport, request: BuildRequest, context: Context, function: str | None
) -> Bundle | None:
    """The distributions that the runtime has and the package has not, in the versions that the lock names."""
    wanted = {
        package.name: package.provided
        for package in report.packages
        if package.kind == "function" and package.provided and function in {None, package.name}
    }
    return provided_bundle(wanted, request, context) if wanted else None
