"""A server on loopback that answers every request with the same bytes, whatever they are."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

__all__ = ["Answering", "serve_bytes"]


class Answering:
    """The bytes of the answer, and the address."""

    def __init__(self, port: int) -> None:
        self.data = b""
        self.url = f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def serve_bytes() -> Iterator[Answering]:
    """Serve until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        answering = Answering(listener.getsockname()[1])
        thread = threading.Thread(target=_serve, args=(listener, answering), daemon=True)
        thread.start()
        yield answering
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def _serve(listener: socket.socket, answering: Answering) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection, contextlib.suppress(OSError):
            connection.settimeout(5)
            request = b""
            while b"\r\n\r\n" not in request and (more := connection.recv(1 << 16)):
                request += more
            connection.sendall(answering.data)
