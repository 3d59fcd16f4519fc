"""Calling an ASGI application, with Mangum.

Mangum makes the scope and the response. ``_Corrected`` adds what the rewritten event cannot hold. The application's
lifespan starts once, with the execution environment: Mangum would start and end it with every event.
"""

from __future__ import annotations

import asyncio
import sys
import traceback
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["responder"]


def responder(application: Callable[..., Any]) -> Callable[[dict[str, Any], Any], Any]:
    """A function that answers a rewritten event with the application, whose lifespan starts here.

    Raises:
        RuntimeError: the application failed to start.
    """
    from mangum import Mangum

    loop = asyncio.new_event_loop()
    # Mangum asks for it, and so do libraries of applications.
    asyncio.set_event_loop(loop)
    lifespan = _Lifespan(application)
    loop.run_until_complete(lifespan.start())
    # Mangum treats no type as text: that is decided when the event is answered.
    corrected: Any = _Corrected(application, lifespan)
    call: Any = Mangum(corrected, lifespan="off", text_mime_types=["wherry/none"])

    def respond(event: dict[str, Any], context: Any) -> dict[str, Any]:
        # Something may have run a loop of its own since, and left none.
        asyncio.set_event_loop(loop)
        try:
            response: dict[str, Any] = call(event, context)
        except Exception:  # noqa: BLE001
            # As servers do: the client is told nothing, the log everything.
            traceback.print_exc(file=sys.stderr)
            return {
                "statusCode": 500,
                "headers": {"content-type": "text/plain; charset=utf-8"},
                "body": "Internal Server Error",
            }
        headers = response.get("headers") or {}
        response["headers"] = {
            name: value for name, value in headers.items() if (name, value) != _UNTYPED
        }
        return response

    return respond


# Mangum declares a response without a type to be JSON, so it gets one that is removed again.
_UNTYPED = ("content-type", "wherry/untyped")


class _Lifespan:
    """The application's lifespan. It is started and never ended, because Lambda does not announce its end."""

    def __init__(self, application: Callable[..., Any]) -> None:
        self._application = application
        self.state: dict[str, Any] = {}
        self.supported = False

    async def start(self) -> None:
        """Start the application, if it supports lifespans."""
        loop = asyncio.get_running_loop()
        started: asyncio.Future[str | None] = loop.create_future()
        # The second event would be the shutdown, which never comes.
        waiting = [{"type": "lifespan.startup"}]

        async def receive() -> dict[str, Any]:
            return waiting.pop() if waiting else await loop.create_future()

        async def send(message: dict[str, Any]) -> None:
            if not started.done() and message["type"] == "lifespan.startup.complete":
                started.set_result(None)
            elif not started.done() and message["type"] == "lifespan.startup.failed":
                started.set_result(message.get("message") or "it gives no reason")

        async def run() -> None:
            scope = {
                "type": "lifespan",
                "asgi": {"version": "3.0", "spec_version": "2.0"},
                "state": self.state,
            }
            await self._application(scope, receive, send)

        # Kept, because the loop holds tasks weakly.
        self._task = loop.create_task(run())
        awaited: list[asyncio.Future[Any]] = [self._task, started]
        await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
        if started.done():
            failure = started.result()
            if failure is not None:
                # It raises the same now, which asyncio would log as forgotten.
                done, _ = await asyncio.wait([self._task], timeout=0.1)
                await asyncio.gather(*done, return_exceptions=True)
                raise RuntimeError("the application failed to start: " + failure)
            self.supported = True
        else:
            # An application that does not support lifespans fails here, as the specification has it. A start that
            # fails sends `lifespan.startup.failed`.
            await asyncio.gather(self._task, return_exceptions=True)


class _Corrected:
    """The application, with a corrected scope and a response that Mangum can read."""

    def __init__(self, application: Callable[..., Any], lifespan: _Lifespan) -> None:
        self._application = application
        self._lifespan = lifespan
        self._routes_below_root = _routes_below_root(application)

    async def __call__(
        self, scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]
    ) -> None:
        event = scope["aws.event"]
        details = event["wherry"]
        root = details["root"]
        raw = event["rawPath"] if self._routes_below_root else root + event["rawPath"]
        headers = [(name.encode(), value.encode()) for name, value in details["headers"]]
        if event["cookies"]:
            headers.append((b"cookie", "; ".join(event["cookies"]).encode()))
        completed = {
            **scope,
            # The whole path, which begins with `root_path`, as the specification says.
            "path": unquote(raw),
            "raw_path": raw.encode(),
            "root_path": unquote(root),
            "scheme": details["scheme"],
            "server": (details["host"], details["port"]),
            "http_version": event["requestContext"]["http"]["protocol"].rpartition("/")[2],
            "headers": headers,
            "aws.event": details["event"],
            # As Zappa names them.
            "lambda.event": details["event"],
            "lambda.context": scope.get("aws.context"),
        }
        if self._lifespan.supported:
            completed["state"] = self._lifespan.state.copy()
        unread, complete = [receive], asyncio.Event()

        async def received() -> dict[str, Any]:
            if unread:
                message: dict[str, Any] = await unread.pop()()
                return message
            # Mangum says this once only: whoever asks again would wait for ever.
            await complete.wait()
            return {"type": "http.disconnect"}

        async def corrected(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                sent = [(bytes(name), _utf8(value)) for name, value in message.get("headers", ())]
                if not any(name.lower() == b"content-type" for name, _ in sent):
                    sent.append((_UNTYPED[0].encode(), _UNTYPED[1].encode()))
                message = {**message, "headers": sent}
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                complete.set()

        await self._application(completed, received, corrected)
        if not complete.is_set():
            raise RuntimeError("the application returned before its response was complete")


# Frameworks that compare their routes with the whole path, and not with what follows `root_path`.
_ROUTE_BELOW_ROOT = frozenset({"falcon", "sanic"})
_WRAPPED = ("app", "_app", "application", "asgi_app", "inner")
_DEEPEST = 10


def _routes_below_root(application: Any) -> bool:
    """Whether a framework, below wrappers, is one whose ``path`` must not have the root."""
    for _ in range(_DEEPEST):
        for kind in type(application).__mro__:
            if kind.__module__.partition(".")[0] in _ROUTE_BELOW_ROOT:
                return True
        names = (name for name in _WRAPPED if callable(getattr(application, name, None)))
        application = getattr(application, next(names, ""), None)
        if application is None:
            break
    return False


def _utf8(value: bytes) -> bytes:
    """The value as Mangum decodes it; frameworks send what is beyond ASCII as Latin-1."""
    try:
        value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1").encode()
    return bytes(value)
