"""The options of local runs and servers, as Python and the command line take them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from wherry.pipeline.options import BuildOptions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["InvokeOptions", "ServeOptions"]


class InvokeOptions(BuildOptions, total=False):
    """The options of a local run, besides those of the build before it.

    Attributes:
        function: the name of the function; it may be left out where there is one.
        client_context: a JSON document, or what JSON can hold, for ``context.client_context``; for ``invoke``.
        python: the interpreter; by default one of the target's version is looked for.
        no_build: run what is written, without building first.
        debug: the port of 127.0.0.1 on which debugpy waits for an editor before the function is loaded; no timeout ends
            such a run. Of several functions that are served, each has the next port.
        terminal: the descriptor of a terminal that ``breakpoint()`` reads from; no timeout ends a run that has stopped
            there.
        environment: environment variables of the function, besides those of its settings.
        timeout: seconds that the function may take for an event, 1 to 900; by default those of its settings, else 30.
        memory: in MB, 128 to 10,240; by default that of its settings. A function that uses more is ended as on
            Lambda. If neither sets it, the function is told 128, and there is only a warning.
        ephemeral_storage: the size of ``/tmp`` in MB, 512 to 10,240; by default that of its settings, else 512.
        boto3: whether a function that has no boto3 finds one, as on Lambda; by default as its settings say, else yes.
        skip_arn_layers: leave out layers that are named by ARN, instead of fetching them.
        snap_start: start the function as for SnapStart, with the hooks that it registers.
    """

    function: str | None
    client_context: object
    python: Path | str | None
    no_build: bool
    debug: int | None
    terminal: int | None
    environment: Mapping[str, str]
    timeout: float | None
    memory: int | None
    ephemeral_storage: int | None
    boto3: bool | None
    skip_arn_layers: bool
    snap_start: bool


class ServeOptions(InvokeOptions, total=False):
    """The options of a local server.

    Attributes:
        functions: the names of the functions to serve; by default all.
        form: the service in front of the functions: ``function-url``, ``http``, ``http-1.0``, ``rest``, ``alb`` or
            ``alb-multi``; by default that of the routes, and ``function-url`` without routes.
        stage_path: the stage of an API that every path begins with.
        cors: origins whose pages may call the functions, as a Function URL lets them; ``*`` stands for all.
        reload: build again after each edit, and serve the new code.
        host: the address to listen on; by default ``127.0.0.1``.
        port: 0, which is the default, takes any that is free.
        concurrency: how many environments of a function answer at once; by default 1.
        retries: how often a function gets an asynchronous event again on which it failed, 0 to 2; by default 2.
        allowed_hosts: names that requests may be for (their ``Host`` header), besides the address and those of
            this machine for itself; ``*`` stands for all.
    """

    functions: Sequence[str]
    form: Literal["function-url", "http", "http-1.0", "rest", "alb", "alb-multi"] | None
    stage_path: str | None
    cors: Sequence[str]
    reload: bool
    host: str
    port: int
    concurrency: int
    retries: int
    allowed_hosts: Sequence[str]
