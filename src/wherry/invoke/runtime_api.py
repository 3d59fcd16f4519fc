"""AWS's Lambda Runtime API (2018-06-01) on loopback, for one environment.

The runtime asks for the next event and is kept waiting until there is one; it answers with a response or an
error. What it says is handed on as it comes.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Callable

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
_LONGEST_LINE = 1 << 21
"""Bytes of a header: in one of them AWS's client tells the cause of an error, in up to 1 MB."""


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
        self.arn = arn
        self._tell = tell
        self._changed = threading.Condition()
        self._waiting: Order | None = None
        self._current: str | None = None
        self._closed = False
        handler = type("Handler", (_Handler,), {"api": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._server.server_address[1]}"

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
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def next(self) -> Order | None:
        """The next order, waited for; None when there will be none. For the handler."""
        self._tell(Ready())
        with self._changed:
            while self._waiting is None and not self._closed:
                self._changed.wait()
            order, self._waiting = self._waiting, None
            if self._closed or order is None:
                return None
            self._current = order.request_id
            return order

    def respond(self, request_id: str, payload: bytes, *, failed: bool) -> bool:
        """Take an answer; False when nobody asked for it. For the handler."""
        with self._changed:
            if request_id != self._current:
                return False
            self._current = None
        kind = Failed if failed else Answered
        self._tell(kind(request_id=request_id, payload=payload))
        return True

    def init_failed(self, payload: bytes) -> None:
        """Take the reason why the function cannot be loaded. For the handler."""
        self._tell(InitFailed(payload=payload))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Its threads end with the runtime, which keeps its connections open.
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a runtime that is ended lets go of its connections."""


class _Handler(BaseHTTPRequestHandler):
    api: RuntimeApi
    raw_requestline: bytes
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""

    def parse_request(self) -> bool:
        """Read the head of a request, whose lines may be longer than those that the standard library takes."""
        self.requestline = self.raw_requestline.decode("latin-1")
        self.command, self.path, self.request_version = self.requestline.split()
        self.headers = self.MessageClass()
        while line := self.rfile.readline(_LONGEST_LINE).decode("latin-1").strip():
            name, _, value = line.partition(":")
            self.headers[name] = value.strip()
        self.close_connection = self.headers.get("Connection", "").lower() == "close"
        return "Expect" not in self.headers or self.handle_expect_100()

    def do_GET(self) -> None:
        """``invocation/next``."""
        if self.path != f"{_PREFIX}invocation/next":
            # Of SnapStart there is nothing here to wait for.
            known = self.path == f"{_PREFIX}restore/next"
            self._answer(200 if known else 404, b"{}")
            return
        order = self.api.next()
        if order is None:
            self.close_connection = True
            return
        arn = self.api.arn if order.qualifier is None else f"{self.api.arn}:{order.qualifier}"
        headers = {
            "Lambda-Runtime-Aws-Request-Id": order.request_id,
            "Lambda-Runtime-Deadline-Ms": str(order.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": arn,
            "Lambda-Runtime-Trace-Id": order.trace_id,
        }
        if order.client_context is not None:
            headers["Lambda-Runtime-Client-Context"] = order.client_context
        self._answer(200, order.event, headers)

    def do_POST(self) -> None:
        """``invocation/ID/response``, ``invocation/ID/error``, ``init/error``."""
        body = self._body()
        parts = self.path.removeprefix(_PREFIX).split("/")
        match parts:
            case ["init" | "restore", "error"]:
                self.api.init_failed(_as_utf_8(body))
            case ["invocation", request_id, ("response" | "error") as what]:
                too_large = what == "response" and len(body) > MAX_RESPONSE
                if too_large:
                    body = _error(
                        "Function.ResponseSizeTooLarge",
                        f"Response payload size exceeded maximum allowed payload size ({MAX_RESPONSE} bytes).",
                    )
                if not self.api.respond(request_id, body, failed=too_large or what == "error"):
                    self._answer(400, _error("InvalidRequestID", "Invalid request ID"))
                    return
                if too_large:
                    self._answer(
                        413, _error("RequestEntityTooLarge", "Exceeded maximum payload size")
                    )
                    return
            case _:
                self._answer(404, _error("NotFound", "Not found"))
                return
        self._answer(202, b'{"status":"OK"}')

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        pieces = []
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # trailers, in which a streaming runtime reports an error
        return b"".join(pieces)

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


def _as_utf_8(document: bytes) -> bytes:
    """The document of an error in UTF-8; AWS's client sends that of a failed start in Latin-1 on newer runtimes."""
    try:
        document.decode()
    except UnicodeDecodeError:
        return document.decode("latin-1").encode()
    return document


def _error(kind: str, message: str) -> bytes:
    return json.dumps({"errorMessage": message, "errorType": kind}).encode()
