"""A small HTTP/1.1 server: a thread for each connection, the protocol by h11.

Beyond what h11 refuses, requests are refused that another reader of HTTP could understand in another way (RFC 9112):
lines that end without a carriage return, folded lines, and a length beside a chunked body. A request for another host
is refused too, as a page that a browser has open could send it (DNS rebinding).
"""

from __future__ import annotations

import re
import socket
import socketserver
import threading
import time
from contextlib import suppress
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import h11

from wherry.invoke.request import HttpRequest, HttpResponse
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["GoneError", "HttpServer", "Listen"]

_CHUNK = 1 << 16
_LARGEST_HEAD = 1 << 16
# Seconds: for the first byte of a next request, for all of its head, for all of its body, for taking an answer.
_IDLE, _HEAD_TIME, _BODY_TIME, _SEND_TIME = 75.0, 30.0, 300.0, 60.0
_CONNECTIONS = 1000
# How much is read, and how long, of what is being sent after it was refused: else the client misses the answer.
_LINGER_SIZE, _LINGER = 100 << 20, 10.0

# A line feed alone, a folded line, or a carriage return within a line.
_AMBIGUOUS = re.compile(rb"(?<!\r)\n|\n[ \t]|\r[^\n]")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~-]+)(?::[0-9]*)?")
_ABSOLUTE = re.compile(r"https?://([^/?#]*)(.*)", re.IGNORECASE | re.DOTALL)
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


class _RefusedError(Exception):
    """A request that gets an error of the server's own, with this status."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class GoneError(Exception):
    """The client has closed the connection, or was silent for too long."""


class Listen(Struct, frozen=True, kw_only=True):
    """The address that a server listens on, and the hosts that requests may be for.

    Attributes:
        port: 0 is any that is free.
        allowed_hosts: names besides the address and those of this machine for itself; ``*`` stands for all.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    allowed_hosts: tuple[str, ...] = ()


class HttpServer:
    """Listens from the start; ``serve`` answers until ``stop``."""

    def __init__(
        self,
        answer: Callable[[HttpRequest], HttpResponse],
        listen: Listen,
        *,
        largest_body: int,
        largest_head: int = _LARGEST_HEAD,
        idle: float = _IDLE,
    ) -> None:
        """Bind the port. Threads call ``answer``; of a body above ``largest_body`` bytes, it gets the beginning.

        Raises:
            OSError, OverflowError, TypeError, ValueError: the address cannot be listened on.
        """
        self.answer, self.idle = answer, idle
        self.largest_body, self.largest_head = largest_body, largest_head
        self._hosts = frozenset(map(_plain, (listen.host, *listen.allowed_hosts)))
        server = _Server6 if ":" in listen.host else _Server
        self._server = server((listen.host, listen.port), _Handler)
        self._server.front = self

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    def serve(self) -> None:
        """Answer requests until another thread calls ``stop``, or this one is interrupted."""
        self._server.serve_forever(poll_interval=0.05)

    def stop(self) -> None:
        """Have ``serve`` return."""
        self._server.shutdown()

    def close(self) -> None:
        """Stop listening."""
        self._server.server_close()

    def is_for(self, host: str, address: str) -> bool:
        """Whether a request for this host is for this server, which the client reached at ``address``."""
        name = _plain(host)
        return (
            name in _LOCAL
            or name.endswith(".localhost")
            or name == _plain(address)
            or not self._hosts.isdisjoint({name, "*"})
        )


def _plain(host: str) -> str:
    """A name or address as it is compared: without port, brackets and final dot."""
    if host.count(":") == 1 or host.startswith("["):
        host = re.sub(r":[0-9]*$", "", host)
    return host.strip("[]").removesuffix(".").lower().removeprefix("::ffff:")


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    front: HttpServer

    def __init__(self, *given: Any) -> None:
        self._free = threading.BoundedSemaphore(_CONNECTIONS)
        super().__init__(*given)

    def process_request(self, request: Any, client_address: Any) -> None:
        # Others wait in the system's queue.
        if not self._free.acquire(timeout=1.0):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that goes away is not an event."""


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Handler(socketserver.BaseRequestHandler):
    """A connection."""

    server: _Server
    request: socket.socket

    def handle(self) -> None:
        """Answer its requests, one after the other."""
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        unread = b""
        with suppress(GoneError, OSError):
            while (rest := self._exchange(unread)) is not None:
                unread = rest

    def _exchange(self, unread: bytes) -> bytes | None:
        """Answer one request; what came after it, or None where the connection ends."""
        # A new one for each request, so that what came after it is looked at here first.
        connection = h11.Connection(
            h11.SERVER, max_incomplete_event_size=self.server.front.largest_head
        )
        try:
            connection.receive_data(self._head(unread))
            request = self._request(connection)
        except h11.RemoteProtocolError as error:
            status = 431 if error.error_status_hint == 431 else 400
            self._refuse(status, str(error))
            return None
        except _RefusedError as error:
            self._refuse(error.status, str(error))
            return None
        response = self.server.front.answer(request)
        try:
            self._send(connection, response, method=request.method)
        except h11.LocalProtocolError as error:
            self._refuse(502, f"the response cannot be sent by HTTP: {error}")
            return None
        if connection.our_state is h11.DONE and connection.their_state is h11.DONE:
            return bytes(connection.trailing_data[0])
        if connection.their_state is not h11.DONE:
            self._linger()
        return None

    def _head(self, unread: bytes) -> bytes:
        """A request up to its body, and what came with it.

        Raises:
            _RefusedError: it is too large, or can be understood in several ways.
        """
        head = bytearray(unread)
        checked, dropped, largest = 0, 0, self.server.front.largest_head
        until = time.monotonic() + (_HEAD_TIME if head else self.server.front.idle)
        while True:
            # An empty line before the request is allowed (RFC 9112, 2.2).
            while head.startswith(b"\r\n"):
                del head[:2]
                dropped += 2
            end = head.find(b"\r\n\r\n", max(0, checked - 3))
            if _AMBIGUOUS.search(head, max(0, checked - 2), len(head) if end < 0 else end + 4):
                raise _RefusedError(400, "a line of the request does not end as HTTP demands")
            if end >= 0:
                break
            # Of what follows, which need not have a line end, a browser would wait for the answer.
            if head.startswith(b"\x16\x03"):
                raise _RefusedError(400, "this is TLS, and only http:// is spoken here")
            checked = len(head)
            if checked + dropped > largest:
                raise _RefusedError(431, f"the headers have more than {largest:,} bytes")
            piece = self._receive(until)
            if not head:
                until = time.monotonic() + _HEAD_TIME
            head += piece
        if end > largest:
            raise _RefusedError(431, f"the headers have more than {largest:,} bytes")
        line = head.index(b"\r\n")
        # As many clients send paths; h11 takes nothing but ASCII.
        quoted = re.sub(rb"[\x80-\xff]", lambda found: b"%%%02X" % found[0][0], head[:line])
        return bytes(quoted + head[line:])

    def _receive(self, until: float) -> bytes:
        """The next bytes that the client sends."""
        seconds = until - time.monotonic()
        if seconds <= 0:
            raise GoneError
        self.request.settimeout(seconds)
        piece = self.request.recv(_CHUNK)
        if not piece:
            raise GoneError
        return piece

    def _request(self, connection: h11.Connection) -> HttpRequest:
        # A function may stream for as long as it works.
        until = time.monotonic() + max(_BODY_TIME, self.server.front.idle)
        head = connection.next_event()
        assert isinstance(head, h11.Request)  # noqa: S101  all of the head is there
        names = {name for name, _ in head.headers}
        if not head.http_version.startswith(b"1."):
            raise _RefusedError(505, "only HTTP/1.1 is spoken here")
        if b"transfer-encoding" in names and (
            b"content-length" in names or head.http_version == b"1.0"
        ):
            raise _RefusedError(400, "the request gives the length of its body in two ways")
        headers = tuple((name.decode(), _text(value)) for name, value in head.headers.raw_items())
        path, query = self._target(head, headers)
        body = self._body(connection, until)
        return HttpRequest(
            method=head.method.decode(),
            path=path,
            query=query,
            headers=headers,
            body=body,
            source_ip=str(self.client_address[0]),
            # Else an app would send a browser to a place that speaks TLS.
            scheme="http",
            port=self.server.front.port,
        )

    def _target(self, head: h11.Request, headers: tuple[tuple[str, str], ...]) -> tuple[str, str]:
        """The path and the query.

        Raises:
            _RefusedError: the request is for another host, or for none.
        """
        target = head.target.decode("ascii")
        hosts = [value for name, value in headers if name.lower() == "host"]
        if head.method == b"CONNECT":
            raise _RefusedError(405, "this is not a proxy")
        # As a proxy is asked.
        if absolute := _ABSOLUTE.fullmatch(target):
            hosts.append(absolute[1])
            target = absolute[2] if absolute[2].startswith("/") else f"/{absolute[2]}"
        for host in hosts:
            if not _HOST.fullmatch(host):
                raise _RefusedError(400, f"`{host[:200]}` is not a host")
            if not self.server.front.is_for(host, self.request.getsockname()[0]):
                raise _RefusedError(
                    421,
                    f"`{host[:200]}` is not served here; --allow-host {_plain(host)[:200]} lets it",
                )
        if not target.startswith("/") and (target, head.method) != ("*", b"OPTIONS"):
            raise _RefusedError(400, "the target of the request is not a path")
        path, _, query = target.partition("#")[0].partition("?")
        return path, query

    def _body(self, connection: h11.Connection, until: float) -> bytes:
        """The body, or the beginning of one that is too large."""
        pieces, size = [], 0
        while size <= self.server.front.largest_body:
            match connection.next_event():
                case h11.Data(data=data):
                    pieces.append(bytes(data))
                    size += len(data)
                case h11.EndOfMessage():
                    break
                case _:  # more is needed
                    if connection.they_are_waiting_for_100_continue:
                        answer = h11.InformationalResponse(status_code=100, headers=[])
                        self._write(connection.send(answer))
                    connection.receive_data(self._receive(until))
        return b"".join(pieces)

    def _send(self, connection: h11.Connection, response: HttpResponse, *, method: str) -> None:
        headers = [("Date", formatdate(usegmt=True))]
        headers += [
            (name, value.encode("utf-8", "replace").strip(b" \t"))  # type: ignore[misc]
            for name, value in response.headers
        ]
        bodiless = response.status in {204, 304} or response.status < 200
        if not bodiless:
            headers.append(("Content-Length", str(len(response.body))))
        if connection.their_state is not h11.DONE:
            headers.append(("Connection", "close"))
        message: list[Any] = [h11.Response(status_code=response.status, headers=headers)]
        if method != "HEAD" and not bodiless:
            message.append(h11.Data(data=response.body))
        data = b"".join(connection.send(event) or b"" for event in (*message, h11.EndOfMessage()))
        self._write(data)

    def _write(self, data: bytes | None) -> None:
        self.request.settimeout(_SEND_TIME)
        self.request.sendall(data or b"")

    def _refuse(self, status: int, reason: str) -> None:
        """Answer with an error of the server's own, and end the connection."""
        headers = (("Content-Type", "text/plain; charset=utf-8"),)
        body = f"{status}: {reason}\n".encode("utf-8", "replace")
        answer = HttpResponse(status=status, headers=headers, body=body)
        # On the connection of the request h11 may send nothing any more; on a new one it ends the connection.
        self._send(h11.Connection(h11.SERVER), answer, method="GET")
        self._linger()

    def _linger(self) -> None:
        """Read on for a while, so that a client that is still sending hears the answer."""
        self.request.shutdown(socket.SHUT_WR)
        until, left = time.monotonic() + _LINGER, _LINGER_SIZE
        while left > 0:
            left -= len(self._receive(until))


def _text(value: bytes) -> str:
    """A header's value, whose bytes are UTF-8 where they can be."""
    try:
        return value.decode()
    except UnicodeError:
        return value.decode("latin-1")
