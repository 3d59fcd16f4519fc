"""A server in front of functions that are plain callables of Python, in place of a process of their own each."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from wherry.errors import InvokeError
from wherry.invoke.api import Api
from wherry.invoke.builds import Builds, ServedBuild
from wherry.invoke.http_server import Listen
from wherry.invoke.later import Later
from wherry.invoke.outcome import FunctionError, Invocation
from wherry.invoke.request import EventFormat
from wherry.invoke.routes import parse_route
from wherry.invoke.runnable import Runnable
from wherry.invoke.served import ServedFunction
from wherry.invoke.server import FunctionServer, Served
from wherry.settings.model import CorsSettings
from wherry.target import Architecture, Target, find_runtime

__all__ = ["ANY_PORT", "CallableSession", "Handler", "build_of", "ran", "serve_build", "served_as"]

Handler = Callable[[bytes], Invocation]
ANY_PORT = Listen(port=0)


def ran(
    payload: bytes,
    *,
    error: FunctionError | None = None,
    log: bytes = b"",
    started: bool = True,
    request_id: str = "id",
) -> Invocation:
    return Invocation(
        request_id=request_id,
        payload=payload,
        error=error,
        seconds=0.0,
        init_seconds=None,
        peak_memory=None,
        timed_out=False,
        log=log,
        memory=128,
        started=started,
    )


class CallableSession:
    """A session whose function is a callable, which is given the event; what it was called with is kept."""

    def __init__(self, handler: Handler, *, error: FunctionError | None = None) -> None:
        self.handler, self.error = handler, error
        self.calls: list[dict[str, str | None]] = []
        self.is_open = False

    def __enter__(self) -> Self:
        self.is_open = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.is_open = False

    def invoke(
        self,
        event: bytes,
        *,
        client_context: str | None = None,
        request_id: str | None = None,
        qualifier: str | None = None,
    ) -> Invocation:
        if not self.is_open:
            raise InvokeError("the session is closed")
        self.calls.append(
            {"client_context": client_context, "request_id": request_id, "qualifier": qualifier}
        )
        return self.handler(event)

    def prepare(self) -> FunctionError | None:
        return self.error


def served_as(
    name: str,
    handler: Handler,
    *,
    concurrency: int = 20,
    cors: CorsSettings | None = None,
    digest: str = "",
    sessions: list[CallableSession] | None = None,
    log: Callable[[bytes], None] | None = None,
) -> ServedFunction:
    runnable = Runnable(
        name=name,
        target=Target(runtime=find_runtime("python3.13"), architecture=Architecture.X86_64),
        handler=f"{name}.handler",
        function=Path(f"{name}.zip"),
    )

    def open_session(_: int, __: Callable[[bytes], None]) -> CallableSession:
        session = CallableSession(handler)
        if sessions is not None:
            sessions.append(session)
        return session

    return ServedFunction(
        runnable, open_session, digest=digest, concurrency=concurrency, on_log=log, cors=cors
    )


def build_of(
    functions: Sequence[ServedFunction],
    routes: Mapping[str, Sequence[str]] | None = None,
    *,
    form: EventFormat = EventFormat.FUNCTION_URL,
    stage: str | None = None,
    aliases: Mapping[str, str] | None = None,
) -> ServedBuild:
    """A build of functions; the first takes every path where no routes are named."""
    texts = routes if routes is not None else {functions[0].name: ["$default"]}
    return ServedBuild(
        functions={each.name: each for each in functions},
        api=Api(
            form=form,
            routes=tuple(parse_route(text, name) for name, all_ in texts.items() for text in all_),
            functions=tuple(each.name for each in functions),
            stage=stage,
        ),
        aliases=aliases or {},
    )


@contextmanager
def serve_build(
    build: ServedBuild | Builds,
    *,
    served: list[Served] | None = None,
    listen: Listen = ANY_PORT,
    later: Later | None = None,
) -> Iterator[FunctionServer]:
    builds = build if isinstance(build, Builds) else Builds()
    if isinstance(build, ServedBuild):
        builds.put(build)
    server = FunctionServer(
        builds, listen=listen, later=later, on_served=None if served is None else served.append
    )
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        server.close()
        builds.close()
        thread.join()
