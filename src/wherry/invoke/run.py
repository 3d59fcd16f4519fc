"""Running functions from Python: build, lay out as Lambda would, and call."""

from __future__ import annotations

import json
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Unpack, cast

from wherry.events import SILENT
from wherry.invoke.debugging import Debugging
from wherry.invoke.runnable import Limits, choose_function, find_runnable
from wherry.invoke.session import Pool, Session
from wherry.pipeline.build import build_packages, provided_bundle
from wherry.pipeline.request import BuildOptions, as_request, open_context
from wherry.pipeline.written import report_written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from wherry.bundle.bundle import Bundle
    from wherry.context import Context
    from wherry.events import Reporter
    from wherry.invoke.outcome import Invocation
    from wherry.invoke.runnable import Runnable
    from wherry.invoke.server import FunctionServer, Served
    from wherry.pipeline.report import BuildReport
    from wherry.pipeline.request import BuildRequest
    from wherry.store import Store

__all__ = [
    "Callbacks",
    "InvokeOptions",
    "ServeOptions",
    "invoke",
    "open_function",
    "open_server",
    "serve",
]


class InvokeOptions(BuildOptions, total=False):
    """The options of a local run, besides those of the build before it.

    Attributes:
        function: the name of the function; it may be left out where there is one.
        environment: environment variables of the function.
        timeout: seconds that the function may take for an event; by default 30.
        memory: in MB, as the function is told; by default 128. It is not enforced.
        python: the interpreter; by default one of the target's version is looked for.
        no_build: run what is written, without building first.
        debug: the port of 127.0.0.1 on which debugpy waits for an editor before the function is loaded; no timeout ends
            such a run.
        terminal: the descriptor of a terminal that ``breakpoint()`` reads from; no timeout ends a run that has stopped
            there.
    """

    function: str | None
    environment: Mapping[str, str]
    timeout: float
    memory: int
    python: Path | str | None
    no_build: bool
    debug: int | None
    terminal: int | None


class ServeOptions(InvokeOptions, total=False):
    """The options of a local server.

    Attributes:
        form: the service in front of the function: ``function-url``, which is the default, ``http``, ``rest``,
            ``alb`` or ``alb-multi``.
        host: the address to listen on; by default ``127.0.0.1``.
        port: 0, which is the default, takes any that is free.
        concurrency: how many environments answer at once; by default 1.
        allowed_hosts: names that requests may be for (their ``Host`` header), besides the address and those of
            this machine for itself; ``*`` stands for all.
    """

    form: Literal["function-url", "http", "rest", "alb", "alb-multi"]
    host: str
    port: int
    concurrency: int
    allowed_hosts: Sequence[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Callbacks:
    """Functions that are called while a function is run; each may be called from a thread.

    Attributes:
        log: with what the function writes, as it writes it.
        built: with the report of the build, before anything is run.
        served: with each request that was answered.
    """

    log: Callable[[bytes], None] | None = None
    built: Callable[[BuildReport], None] | None = None
    served: Callable[[Served], None] | None = None


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
        return session.invoke(payload)


@contextmanager
def serve(
    project: Path | str = ".",
    *,
    callbacks: Callbacks = Callbacks(),
    store: Store | None = None,
    reporter: Reporter = SILENT,
    **options: Unpack[ServeOptions],
) -> Iterator[FunctionServer]:
    """Put an HTTP server in front of a function, for as long as the ``with`` block lasts.

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
    runnable, context = _prepare(project, options, callbacks, store, reporter)
    debugging = Debugging(
        project=Path(project), port=options.get("debug"), terminal=options.get("terminal")
    )
    with _session(runnable, context, options, callbacks, debugging) as session:
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
    from wherry.invoke.http_server import Listen
    from wherry.invoke.request import EventFormat
    from wherry.invoke.server import FunctionServer

    runnable, context = _prepare(project, options, callbacks, store, reporter)
    with ExitStack() as stack:
        sessions = [
            stack.enter_context(
                # What there is to say about the machine is said once.
                _session(
                    runnable,
                    context if number == 0 else replace(context, reporter=SILENT),
                    options,
                    callbacks,
                )
            )
            for number in range(options.get("concurrency", 1))
        ]
        server = FunctionServer(
            Pool(sessions).invoke,
            runnable,
            form=EventFormat(options.get("form", "function-url")),
            listen=Listen(
                host=options.get("host", "127.0.0.1"),
                port=options.get("port", 0),
                allowed_hosts=tuple(options.get("allowed_hosts", ())),
            ),
            on_served=callbacks.served,
        )
        stack.callback(server.close)
        yield server


def _session(
    runnable: Runnable,
    context: Context,
    options: InvokeOptions,
    callbacks: Callbacks,
    debugging: Debugging | None = None,
) -> Session:
    default, python = Limits(), options.get("python")
    return Session(
        runnable,
        context,
        limits=Limits(
            timeout=options.get("timeout", default.timeout),
            memory=options.get("memory", default.memory),
        ),
        python=None if python is None else Path(python),
        on_log=callbacks.log,
        debugging=debugging,
    )


def _prepare(
    project: Path | str,
    options: InvokeOptions,
    callbacks: Callbacks,
    store: Store | None,
    reporter: Reporter,
) -> tuple[Runnable, Context]:
    """The function to run, built unless that is not wanted, and the context of the run."""
    of_build = cast(
        "BuildOptions",
        {key: value for key, value in options.items() if key in BuildOptions.__optional_keys__},
    )
    name, no_build = options.get("function"), options.get("no_build", False)
    if name is not None and not no_build:
        # Every function is known by name, and only the one that is called is built.
        of_build["names"] = (name,)
    request = as_request(project, of_build)
    context = open_context(request, store=store, reporter=reporter)
    provided = None
    if no_build:
        from wherry.pipeline.target import written_target

        request = written_target(request, store)
        names = [recipe.name for recipe in request.recipes if recipe.kind == "function"]
        report = report_written(request.only(choose_function(names, name)))
    else:
        report = build_packages(request, context)
        if callbacks.built is not None:
            callbacks.built(report)
        provided = _provided(report, request, context, name)
    runnable = find_runnable(
        report,
        name,
        environment=options.get("environment", {}),
        runtime_bundle=provided,
        reporter=reporter,
    )
    return runnable, context


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
