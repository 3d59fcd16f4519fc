"""Ways for an index on loopback to misbehave: each is a value for ``Index.fault``."""

from __future__ import annotations

import gzip
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from http.server import BaseHTTPRequestHandler

    Fault = Callable[[BaseHTTPRequestHandler, str], bool]

__all__ = [
    "answers",
    "breaks_off",
    "drips",
    "fails",
    "gzips",
    "hangs",
    "never_ends",
    "redirects",
    "refuses_to_talk",
]


def _limited(fault: Fault, *, below: str, times: int | None) -> Fault:
    """The fault, for paths below a prefix, the first so many times."""
    left = [times]
    guard = threading.Lock()

    def limited(handler: BaseHTTPRequestHandler, path: str) -> bool:
        if not path.startswith(below):
            return False
        with guard:
            if left[0] == 0:
                return False
            if left[0] is not None:
                left[0] -= 1
        return fault(handler, path)

    return limited


def _send(handler: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> bool:
    handler.send_response(status)
    headers = {"Content_Length": str(len(body)), **headers}
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    with suppress(ConnectionError):  # Who has seen enough may go.
        handler.wfile.write(body)
    return True


def fails(
    status: int, *, below: str = "/", times: int | None = None, retry_after: str | None = None
) -> Fault:
    """Answer with this status."""
    headers = {"Retry_After": retry_after} if retry_after is not None else {}
    return _limited(
        lambda handler, _: _send(handler, status, b"no", **headers), below=below, times=times
    )


def answers(body: bytes, *, below: str = "/", kind: str = "application/octet-stream") -> Fault:
    """Answer with these bytes, whatever was asked for."""
    return _limited(
        lambda handler, _: _send(handler, 200, body, Content_Type=kind), below=below, times=None
    )


def gzips(body: bytes, *, below: str = "/") -> Fault:
    """Answer with this body, already compressed, and say so; as servers do that take .gz for an encoding."""
    return _limited(
        lambda handler, _: _send(
            handler, 200, gzip.compress(body, mtime=0), Content_Encoding="gzip"
        ),
        below=below,
        times=None,
    )


def never_ends(pieces: Callable[[], Iterator[bytes]], **headers: str) -> Fault:
    """Answer with pieces without end, until the client goes away."""

    def fault(handler: BaseHTTPRequestHandler, _: str) -> bool:
        handler.close_connection = True
        handler.send_response(200)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        with suppress(OSError):
            for piece in pieces():
                handler.wfile.write(piece)
        return True

    return fault


def breaks_off(
    body: bytes, *, below: str = "/", times: int | None = None, sized: bool = True
) -> Fault:
    """Announce these bytes, send half of them, and close."""

    def fault(handler: BaseHTTPRequestHandler, _: str) -> bool:
        handler.close_connection = True
        handler.send_response(200)
        if sized:
            handler.send_header("Content-Length", str(len(body)))
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.wfile.write(body[: len(body) // 2])
        return True

    return _limited(fault, below=below, times=times)


def hangs(release: threading.Event, *, below: str = "/", body: bytes | None = None) -> Fault:
    """Say nothing until released; with a body, say half of it first."""

    def fault(handler: BaseHTTPRequestHandler, _: str) -> bool:
        handler.close_connection = True
        if body is not None:
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body[: len(body) // 2])
            handler.wfile.flush()
        release.wait()
        return True

    return _limited(fault, below=below, times=None)


def drips(release: threading.Event, *, below: str = "/", to: str | None = None) -> Fault:
    """Send a byte now and then, until released; as the body of a redirect where there is an address."""

    def fault(handler: BaseHTTPRequestHandler, path: str) -> bool:
        handler.close_connection = True
        handler.send_response(200 if to is None else 302)
        if to is not None:
            handler.send_header("Location", f"{to}{path}")
        handler.end_headers()
        with suppress(OSError):
            while not release.wait(0.02):
                handler.wfile.write(b"x")
                handler.wfile.flush()
        return True

    return _limited(fault, below=below, times=None)


def redirects(to: str, *, below: str = "/") -> Fault:
    """Redirect to another server, same path."""

    def fault(handler: BaseHTTPRequestHandler, path: str) -> bool:
        return _send(handler, 302, b"", Location=f"{to}{path}")

    return _limited(fault, below=below, times=None)


def refuses_to_talk(*, below: str = "/", times: int | None = None) -> Fault:
    """Close the connection without a word."""

    def fault(handler: BaseHTTPRequestHandler, _: str) -> bool:
        handler.close_connection = True
        return True

    return _limited(fault, below=below, times=times)
