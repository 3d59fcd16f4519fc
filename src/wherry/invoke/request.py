"""An HTTP request and response, as they cross the wire, and the services that turn them into events."""

from __future__ import annotations

import re
from enum import StrEnum

from wherry.structs import Struct

__all__ = ["TOKEN", "EventFormat", "HttpRequest", "HttpResponse"]

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""The name of a method or a header (RFC 9110, 5.6.2)."""


class EventFormat(StrEnum):
    """The service in front of the function, by the shape of its events."""

    FUNCTION_URL = "function-url"
    HTTP = "http"
    HTTP_1 = "http-1.0"
    REST = "rest"
    ALB = "alb"
    ALB_MULTI = "alb-multi"


class HttpRequest(Struct, frozen=True, kw_only=True):
    """A request.

    Attributes:
        path: percent-encoded, as it came.
        query: what follows the question mark, as it came.
        headers: names and values in the order they came; a name may repeat.
        scheme: ``https``, as it reaches AWS; a local server says what it speaks.
    """

    method: str
    path: str = "/"
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    source_ip: str = "127.0.0.1"
    scheme: str = "https"
    port: int = 443

    def header(self, name: str) -> str | None:
        """The last header of that name."""
        found = [value for key, value in self.headers if key.lower() == name]
        return found[-1] if found else None


class HttpResponse(Struct, frozen=True, kw_only=True):
    """A response.

    Attributes:
        headers: names and values; a name may repeat.
        fault: why the service did not take what the function returned; None when it did.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    fault: str | None = None
