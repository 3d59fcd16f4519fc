"""An HTTP server in front of a function, as its service would stand there."""

from __future__ import annotations

import json
import os
import re
import socket
import time
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from wherry.errors import InvokeError
from wherry.invoke.http_event import MAX_ALB_BODY, http_event
from wherry.invoke.http_response import http_response, service_error
from wherry.invoke.request import EventFormat, HttpRequest, HttpResponse
from wherry.invoke.runtime_api import MAX_EVENT
from wherry.invoke.variables import region

if TYPE_CHECKING:
    from collections.abc import Callable

    from wherry.invoke.outcome import Invocation
    from wherry.invoke.runnable import Runnable

__all__ = ["FunctionServer", "Served"]

_LINE_LIMIT = 65536


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """A request that was answered, for the log.

    Attributes:
        request: what came; without its body.
        invocation: what came of the function; None where it was not called.
    """

    request: HttpRequest
    response: HttpResponse
    invocation: Invocation | None
    seconds: float


class FunctionServer:
    """Listens from the start; ``serve`` answers until ``close``."""

    def __init__(
        self,
        invoke: Callable[[bytes], Invocation],
        function: Runnable,
        *,
        form: EventFormat,
        host: str = "127.0.0.1",
        port: int = 8000,
        on_served: Callable[[Served], None] | None = None,
    ) -> None:
        """Bind the port; 0 is any that is free. The function's environment says the region.

        Raises:
            InvokeError: the address cannot be listened on.
        """
        self.invoke, self.function = invoke, function
        self.form, self.on_served = form, on_served
        self._region = region(os.environ, function.environment)
        handler = type("Handler", (_Handler,), {"front": self})
        server = _Server6 if ":" in host else _Server
        try:
            self._server = server((host, port), handler)
        except (OSError, OverflowError) as error:
            raise InvokeError(
                f"cannot listen on {host} port {port}",
                where=[getattr(error, "strerror", None) or str(error)],
                hint="choose another with `--port`; 0 takes one that is free",
            ) from error
        self._host = f"[{host}]" if ":" in host else host

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self._host}:{self.port}/"

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    def serve(self) -> None:
        """Answer requests until another thread calls ``stop``, or this one is interrupted."""
        self._server.serve_forever(poll_interval=0.1)

    def stop(self) -> None:
        """Have ``serve`` return."""
        self._server.shutdown()

    def close(self) -> None:
        """Stop listening."""
        self._server.server_close()

    def answer(self, request: HttpRequest, *, too_large: bool = False) -> HttpResponse:
        """The response to a request. For the handler."""
        begin = time.monotonic()
        invocation = None
        event = json.dumps(
            http_event(request, self.form, region=self._region), ensure_ascii=False
        ).encode("utf-8", "replace")
        balanced = self.form in {EventFormat.ALB, EventFormat.ALB_MULTI}
        too_large |= len(event) > MAX_EVENT or (balanced and len(request.body) > MAX_ALB_BODY)
        if too_large:
            fault = "the request is larger than the service carries"
            response = service_error(self.form, fault=fault, too_large=True)
        else:
            try:
                invocation = self.invoke(event)
                response = http_response(invocation, self.form)
            except InvokeError as error:
                response = service_error(self.form, fault=str(error))
        if self.on_served is not None:
            self.on_served(
                Served(
                    request=request,
                    response=response,
                    invocation=invocation,
                    seconds=time.monotonic() - begin,
                )
            )
        return response


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that goes away is not an event."""


class _Server6(_Server):
    address_family = socket.AF_INET6


class _TooLarge(Exception):  # noqa: N818
    """The body is larger than any service carries."""


class _Handler(BaseHTTPRequestHandler):
    front: FunctionServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def __getattr__(self, name: str) -> Any:
        # Every method is the function's business.
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing: whoever started the server is told."""

    def _serve(self) -> None:
        path, _, query = self.path.partition("?")
        if re.match(r"https?://", path):  # as a proxy is asked
            path = "/" + path.split("://", 1)[1].partition("/")[2]
        request = HttpRequest(
            method=self.command,
            path=path.partition("#")[0] or "/",
            query=query.partition("#")[0],
            headers=tuple((name, _latin(value)) for name, value in self.headers.items()),
            source_ip=str(self.client_address[0]),
            # Else an app would send a browser to a place that speaks TLS.
            scheme="http",
            port=self.front.port,
        )
        try:
            body = self._body()
        except _TooLarge:
            self.close_connection = True
            self._send(self.front.answer(request, too_large=True))
            return
        except ValueError:
            self.close_connection = True
            self.send_error(400)
            return
        self._send(self.front.answer(replace(request, body=body)))

    def _body(self) -> bytes:
        encoding = self.headers.get("Transfer-Encoding", "").lower()
        if encoding:
            if encoding != "chunked" or self.headers.get("Content-Length"):
                raise ValueError(self.requestline)
            return self._chunks()
        size = int(self.headers.get("Content-Length") or 0)
        if size < 0:
            raise ValueError(self.requestline)
        if size > MAX_EVENT:
            self._swallow(size)
            raise _TooLarge
        body = self.rfile.read(size)
        if len(body) < size:
            raise ValueError(self.requestline)
        return body

    def _chunks(self) -> bytes:
        pieces, size = [], 0
        while True:
            length = int(self.rfile.readline(_LINE_LIMIT).partition(b";")[0], 16)
            if length < 0:
                raise ValueError(self.requestline)
            size += length
            if size > MAX_EVENT:
                raise _TooLarge
            if length == 0:
                break
            piece = self.rfile.read(length)
            if len(piece) < length or self.rfile.readline(_LINE_LIMIT).strip():
                raise ValueError(self.requestline)
            pieces.append(piece)
        while self.rfile.readline(_LINE_LIMIT).strip():
            pass
        return b"".join(pieces)

    def _swallow(self, size: int) -> None:
        """Take what is being sent, up to a point, so that the client hears the answer."""
        left = min(size, 16 * MAX_EVENT)
        while left > 0 and (piece := self.rfile.read(min(left, 1 << 16))):
            left -= len(piece)

    def _send(self, response: HttpResponse) -> None:
        self.send_response_only(response.status)
        self.send_header("Date", self.date_time_string())
        for name, value in response.headers:
            self.send_header(name, value.encode("utf-8").decode("latin-1"))
        bodiless = response.status in {204, 304} or response.status < 200
        if not bodiless:
            self.send_header("Content-Length", str(len(response.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD" and not bodiless:
            self.wfile.write(response.body)
        self.wfile.flush()


def _latin(value: str) -> str:
    """A header's value, whose bytes are UTF-8 where they can be."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value
