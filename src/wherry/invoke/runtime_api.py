"""AWS's Lambda Runtime API (2018-06-01) on loopback, for one environment.

The runtime asks for the next event and is kept waiting until there is one; it answers with a response or an
error. What it says is handed on as it comes.
"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

from wherry.invoke.http_server import GoneError, HttpServer, Listen
from wherry.invoke.request import HttpRequest, HttpResponse
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "MAX_EVENT",
    "MAX_RESPONSE",
    "Answered",
    "Failed",
    "InitFailed",
    "Order",
    "Ready",
    "RuntimeApi",
]

MAX_EVENT = 6 * 1024 * 1024
"""Bytes of an event that Lambda takes in a synchronous invocation."""
MAX_RESPONSE = MAX_EVENT + 100
"""Bytes of a response that Lambda hands on."""

_PREFIX = "/2018-06-01/runtime/"
_LARGEST = 1 << 28
_LARGEST_HEAD = 1 << 21
"""Bytes of the headers: in one of them AWS's client tells the cause of an error, in up to 1 MB."""
# Between two requests on one connection, the function works.
_IDLE = 86400.0


class Order(Struct, frozen=True, kw_only=True):
    """An event for the runtime, and what it is told with it."""

    request_id: str
    event: bytes
    deadline_ms: int
    trace_id: str
    client_context: str | None = None
    qualifier: str | None = None


class Ready(Struct, frozen=True, kw_only=True):
    """The runtime asks for an event."""


class Answered(Struct, frozen=True, kw_only=True):
    """The function returned."""

    request_id: str
    payload: bytes


class Failed(Struct, frozen=True, kw_only=True):
    """The function raised; the payload is AWS's error document."""

    request_id: str
    payload: bytes


class InitFailed(Struct, frozen=True, kw_only=True):
    """The runtime could not load the function; the payload is AWS's error document."""

    payload: bytes


class RuntimeApi:
    """The server. Use it as long as the environment lives, then close it."""

    def __init__(
        self, arn: str, tell: Callable[[Ready | Answered | Failed | InitFailed], None]
    ) -> None:
        """Listen; ``tell`` is called in the server's threads."""
        self._arn, self._tell = arn, tell
        self._changed = threading.Condition()
        self._waiting: Order | None = None
        self._current: str | None = None
        self._closed = False
        self._server = HttpServer(
            self._answer,
            Listen(port=0),
            largest_body=_LARGEST,
            largest_head=_LARGEST_HEAD,
            idle=_IDLE,
        )
        self._thread = threading.Thread(target=self._server.serve, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._server.port}"

    def order(self, order: Order) -> None:
        """Have the runtime do this when it asks next."""
        with self._changed:
            self._waiting = order
            self._changed.notify_all()

    @property
    def taken(self) -> bool:
        """Whether the runtime has taken what was ordered last."""
        return self._waiting is None

    def close(self) -> None:
        """Stop listening, and release everybody who waits."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._server.stop()
        self._server.close()
        self._thread.join()

    def _answer(self, request: HttpRequest) -> HttpResponse:
        body = request.body
        match (request.method, *request.path.removeprefix(_PREFIX).split("/")):
            case ("GET", "invocation", "next"):
                return self._next()
            case ("GET", "restore", "next"):
                # Of SnapStart there is nothing here to wait for.
                return _response(200, b"{}")
            case ("POST", "init" | "restore", "error"):
                self._tell(InitFailed(payload=_as_utf_8(body)))
            case ("POST", "invocation", request_id, ("response" | "error") as what):
                too_large = what == "response" and len(body) > MAX_RESPONSE
                if too_large:
                    body = _error(
                        "Function.ResponseSizeTooLarge",
                        f"Response payload size exceeded maximum allowed payload size ({MAX_RESPONSE} bytes).",
                    )
                if not self._respond(request_id, body, failed=too_large or what == "error"):
                    return _response(400, _error("InvalidRequestID", "Invalid request ID"))
                if too_large:
                    message = "Exceeded maximum payload size"
                    return _response(413, _error("RequestEntityTooLarge", message))
            case _:
                return _response(404, _error("NotFound", "Not found"))
        return _response(202, b'{"status":"OK"}')

    def _next(self) -> HttpResponse:
        """The next order, waited for."""
        self._tell(Ready())
        with self._changed:
            while self._waiting is None and not self._closed:
                self._changed.wait()
            order, self._waiting = self._waiting, None
            if self._closed or order is None:
                raise GoneError
            self._current = order.request_id
        arn = self._arn if order.qualifier is None else f"{self._arn}:{order.qualifier}"
        headers = {
            "Lambda-Runtime-Aws-Request-Id": order.request_id,
            "Lambda-Runtime-Deadline-Ms": str(order.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": arn,
            "Lambda-Runtime-Trace-Id": order.trace_id,
        }
        if order.client_context is not None:
            headers["Lambda-Runtime-Client-Context"] = order.client_context
        return _response(200, order.event, headers)

    def _respond(self, request_id: str, payload: bytes, *, failed: bool) -> bool:
        """Take an answer; False when nobody asked for it."""
        with self._changed:
            if request_id != self._current:
                return False
            self._current = None
        kind = Failed if failed else Answered
        self._tell(kind(request_id=request_id, payload=payload))
        return True


def _response(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> HttpResponse:
    pairs = (*(headers or {}).items(), ("Content-Type", "application/json"))
    return HttpResponse(status=status, headers=pairs, body=body)


def _as_utf_8(document: bytes) -> bytes:
    """The document of an error in UTF-8; AWS's client sends that of a failed start in Latin-1 on newer runtimes."""
    try:
        document.decode()
    except UnicodeDecodeError:
        return document.decode("latin-1").encode()
    return document


def _error(kind: str, message: str) -> bytes:
    return json.dumps({"errorMessage": message, "errorType": kind}).encode()
