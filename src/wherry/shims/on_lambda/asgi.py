"""An ASGI application answers, called by Mangum.

Mangum makes the scope and the response. Around it, ``_Repaired`` tells the application what the rewritten
event could not. The application's lifespan begins once, when the execution environment does: Mangum would
begin and end it with every event.
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
    """A function that answers a rewritten event with the application, whose lifespan begins here.

    Raises:
        RuntimeError: the application failed to start.
    """
    from mangum import Mangum

    loop = asyncio.new_event_loop()
    # Mangum and libraries of the application's ask for it.
    asyncio.set_event_loop(loop)
    lifespan = _Lifespan(application)
    loop.run_until_complete(lifespan.start())
    # No type counts as text to Mangum: what travels as text is decided when the event is answered.
    repaired: Any = _Repaired(application, lifespan)
    call: Any = Mangum(repaired, lifespan="off", text_mime_types=["wherry/none"])

    def respond(event: dict[str, Any], context: Any) -> dict[str, Any]:
        # Something may have run a loop of its own meanwhile and left none behind.
        asyncio.set_event_loop(loop)
        try:
            response: dict[str, Any] = call(event, context)
        except Exception:  # noqa: BLE001
            # Mangum itself answers with this when the application fails, and logs why.
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


# A response without a type is one of JSON to Mangum, so it is given one that is taken off again.
_UNTYPED = ("content-type", "wherry/untyped")


class _Lifespan:
    """The application's lifespan: begun, and never ended, as Lambda tells nobody when it ends."""

    def __init__(self, application: Callable[..., Any]) -> None:
        self._application = application
        self.state: dict[str, Any] = {}
        self.supported = False

    async def start(self) -> None:
        """Have the application start, if it knows of lifespans."""
        loop = asyncio.get_running_loop()
        started: asyncio.Future[str | None] = loop.create_future()
        # Asked for a second time, what comes next is the shutdown, which never does.
        waiting = [{"type": "lifespan.startup"}]

        async def receive() -> dict[str, Any]:
            return waiting.pop() if waiting else await loop.create_future()

        async def send(message: dict[str, Any]) -> None:
            if not started.done() and message["type"] == "lifespan.startup.complete":
                started.set_result(None)
            elif not started.done() and message["type"] == "lifespan.startup.failed":
                started.set_result(message.get("message") or "it did not say why")

        async def run() -> None:
            scope = {
                "type": "lifespan",
                "asgi": {"version": "3.0", "spec_version": "2.0"},
                "state": self.state,
            }
            await self._application(scope, receive, send)

        # Kept, or the loop would drop it.
        self._task = loop.create_task(run())
        awaited: list[asyncio.Future[Any]] = [self._task, started]
        await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
        if started.done():
            failure = started.result()
            if failure is not None:
                raise RuntimeError("the application failed to start: " + failure)
            self.supported = True
        else:
            # An application that knows of no lifespans fails here; that is how it says so. A failed start
            # says `lifespan.startup.failed`.
            self._task.exception()


class _Repaired:
    """The application, with its scope completed and its response as Mangum can read it."""

    def __init__(self, application: Callable[..., Any], lifespan: _Lifespan) -> None:
        self._application = application
        self._lifespan = lifespan

    async def __call__(
        self, scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]
    ) -> None:
        event = scope["aws.event"]
        told = event["wherry"]
        raw = told["root"] + event["rawPath"]
        headers = [(name.encode(), value.encode()) for name, value in told["headers"]]
        if event["cookies"]:
            headers.append((b"cookie", "; ".join(event["cookies"]).encode()))
        completed = {
            **scope,
            # The path is the whole one, of which `root_path` is the beginning.
            "path": unquote(raw),
            "raw_path": raw.encode(),
            "root_path": unquote(told["root"]),
            "scheme": told["scheme"],
            "server": (told["host"], told["port"]),
            "http_version": event["requestContext"]["http"]["protocol"].rpartition("/")[2],
            "headers": headers,
            "aws.event": told["event"],
        }
        if self._lifespan.supported:
            completed["state"] = self._lifespan.state.copy()

        async def repaired(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                given = [(bytes(name), _utf8(value)) for name, value in message.get("headers", ())]
                if not any(name.lower() == b"content-type" for name, _ in given):
                    given.append((_UNTYPED[0].encode(), _UNTYPED[1].encode()))
                message = {**message, "headers": given}
            await send(message)

        await self._application(completed, receive, repaired)


def _utf8(value: bytes) -> bytes:
    """The value as Mangum decodes it; frameworks send what is not ASCII as Latin-1."""
    try:
        value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1").encode()
    return bytes(value)
