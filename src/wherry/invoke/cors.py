"""The headers that a Function URL with ``Cors`` adds to responses, and its answers to preflight requests.

After AWS's ``Cors`` type of Lambda and the Fetch standard. The headers that the function itself sends stay: where both
name an origin, a browser refuses the response, here as there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from wherry.invoke.request import HttpResponse

if TYPE_CHECKING:
    from wherry.invoke.request import HttpRequest
    from wherry.settings.model import CorsSettings

__all__ = ["is_preflight", "preflight", "with_cors"]


def is_preflight(request: HttpRequest) -> bool:
    """Whether a browser asks if a page may send a request."""
    return (
        request.method == "OPTIONS"
        and request.header("origin") is not None
        and request.header("access-control-request-method") is not None
    )


def preflight(request: HttpRequest, cors: CorsSettings) -> HttpResponse:
    """The answer to a preflight request; without permission where the settings give none."""
    headers = _origin(request, cors)
    method = request.header("access-control-request-method") or ""
    if headers and ("*" in cors.allow_methods or method in cors.allow_methods):
        allowed = [method] if "*" in cors.allow_methods else list(cors.allow_methods)
        headers.append(("Access-Control-Allow-Methods", ",".join(allowed)))
        wanted = request.header("access-control-request-headers")
        if "*" in cors.allow_headers and wanted:
            headers.append(("Access-Control-Allow-Headers", wanted))
        elif cors.allow_headers:
            headers.append(("Access-Control-Allow-Headers", ",".join(cors.allow_headers)))
        if cors.max_age:
            headers.append(("Access-Control-Max-Age", str(cors.max_age)))
    return HttpResponse(status=200, headers=tuple(headers), body=b"")


def with_cors(response: HttpResponse, request: HttpRequest, cors: CorsSettings) -> HttpResponse:
    """The response to a request of a page, with the headers that let the page read it."""
    headers = _origin(request, cors)
    if headers and cors.expose_headers:
        headers.append(("Access-Control-Expose-Headers", ",".join(cors.expose_headers)))
    return replace(response, headers=(*response.headers, *headers)) if headers else response


def _origin(request: HttpRequest, cors: CorsSettings) -> list[tuple[str, str]]:
    """The headers that allow the origin of a request; empty where it is not allowed."""
    origin = request.header("origin")
    if origin is None or not {origin, "*"} & set(cors.allow_origins):
        return []
    # Any origin with credentials has to be named.
    anyone = "*" in cors.allow_origins and not cors.allow_credentials
    headers = [("Access-Control-Allow-Origin", "*" if anyone else origin)]
    if not anyone:
        headers.append(("Vary", "Origin"))
    if cors.allow_credentials:
        headers.append(("Access-Control-Allow-Credentials", "true"))
    return headers
