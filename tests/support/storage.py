"""A server of files, as S3 answers for a signed address."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from support.loopback import QuietHandler, serve

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Storage", "serve_storage"]


@dataclass
class Storage:
    """One file, or several by name; with ``ranges`` off it is a plain server.

    Attributes:
        data: of the file that every path leads to that is not in ``others``.
        others: files by their names.
        status: that is answered whatever is asked, where it is given.
        lie: what the server says of a part, in place of the truth.
        short: how many bytes of the end are held back.
        asked: the ranges that were asked for.
        logins: that came along.
        served: bytes that were sent.
    """

    data: bytes = b""
    others: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True
    status: int | None = None
    lie: str | None = None
    short: int = 0
    base: str = ""
    asked: list[str | None] = field(default_factory=list)
    logins: list[str | None] = field(default_factory=list)
    served: int = 0

    def url(self, name: str = "code.zip") -> str:
        """Where a file is, with a signature."""
        return f"{self.base}/{name}?X-Amz-Signature=secret-signature"


@contextmanager
def serve_storage(storage: Storage) -> Iterator[Storage]:
    """It listens until the context ends."""

    class Handler(QuietHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            wanted = self.headers["Range"]
            storage.asked.append(wanted)
            storage.logins.append(self.headers["Authorization"])
            if storage.status is not None:
                self.answer(storage.status)
                return
            name = self.path.partition("?")[0].removeprefix("/")
            data = whole = storage.others.get(name, storage.data)
            if wanted and storage.ranges:
                begin, _, end = wanted.removeprefix("bytes=").partition("-")
                first = int(begin) if begin else max(0, len(whole) - int(end))
                data = whole[first : int(end) + 1 if begin and end else None]
                self.send_response(206)
                said = f"bytes {first}-{first + len(data) - 1}/{len(whole)}"
                self.send_header("Content-Range", storage.lie or said)
            else:
                self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            sent = data[: len(data) - storage.short]
            self.wfile.write(sent)
            storage.served += len(sent)
            if storage.short:
                self.close_connection = True

    with serve(Handler) as url:
        storage.base = url
        yield storage
