"""The bodies of responses, read within limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.errors import FetchError
from wherry.indexes.session import explained, shown_url
from wherry.untrusted import decoded, read_all

if TYPE_CHECKING:
    import requests

__all__ = ["read_body"]

_LONGEST_BODY = 300.0
_CHUNK = 1 << 16


def read_body(response: requests.Response, *, what: str, shown: str, most: int) -> bytes:
    """The body of a response that was asked for with ``stream=True``, however it is encoded.

    Args:
        response: the response.
        what: the file or page, as messages call it.
        shown: its address, as messages may show it.
        most: bytes that it may have.

    Raises:
        FetchError: it is larger, takes too long, is damaged, or the connection is lost.
    """
    encoding = response.headers.get("Content-Encoding", "")
    with explained(shown, what=what):
        pieces = response.raw.stream(_CHUNK, decode_content=False)
        try:
            return read_all(decoded(pieces, encoding), most=most, seconds=_LONGEST_BODY)
        except ValueError as error:
            raise FetchError(
                f"cannot fetch {what}", where=[f"from {shown_url(shown)}", str(error)]
            ) from None
