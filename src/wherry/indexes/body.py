"""The bodies of responses, read within limits."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from wherry.errors import FetchError
from wherry.indexes.failures import explained, shown_url
from wherry.indexes.session import timeouts
from wherry.untrusted import decoded, read_all

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests

__all__ = ["read_body", "sent_pieces"]

_LONGEST_BODY = 300.0
_CHUNK = 1 << 18
_SLOWEST = 1 << 10
"""Bytes a second; a modem is faster."""


def sent_pieces(response: requests.Response, *, what: str, shown: str) -> Iterator[bytes]:
    """The body of a response that was asked for with ``stream=True``, as it was sent, in pieces of about 256 KiB.

    ``what`` is the file or page, and ``shown`` its address, as messages call them.

    Raises:
        FetchError: for as long as one may wait for a byte, less than a kilobyte a second came.
        urllib3.exceptions.HTTPError: the connection is lost, or nothing comes.
    """
    _, window = timeouts()
    # Of urllib3 since 2.1: what has come, while `read` waits until there is as much as was asked for.
    read = getattr(response.raw, "read1", response.raw.read)
    received, until = 0, time.monotonic() + window
    pending = bytearray()
    while piece := read(_CHUNK, decode_content=False):
        pending += piece
        received += len(piece)
        if (now := time.monotonic()) > until:
            if received < _SLOWEST * window:
                raise FetchError(
                    f"cannot fetch {what}",
                    where=[
                        f"from {shown_url(shown)}",
                        f"it sent {received:,} bytes within {window:g} s",
                    ],
                    hint="try again, or set `WHERRY_HTTP_TIMEOUT` to more seconds",
                )
            received, until = 0, now + window
        if len(pending) >= _CHUNK:
            yield bytes(pending)
            pending.clear()
    yield bytes(pending)


def read_body(response: requests.Response, *, what: str, shown: str, most: int) -> bytes:
    """The body of a response that was asked for with ``stream=True``, however it is encoded.

    Arguments as for ``sent_pieces``; it may have ``most`` bytes.

    Raises:
        FetchError: it is larger, takes too long, is damaged, or the connection is lost.
    """
    encoding = response.headers.get("Content-Encoding", "")
    with explained(shown, what=what):
        pieces = sent_pieces(response, what=what, shown=shown)
        try:
            return read_all(decoded(pieces, encoding), most=most, seconds=_LONGEST_BODY)
        except ValueError as error:
            raise FetchError(
                f"cannot fetch {what}", where=[f"from {shown_url(shown)}", str(error)]
            ) from None
