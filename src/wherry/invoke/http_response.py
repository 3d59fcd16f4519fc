"""The HTTP response that a service makes of what a function returned.

What a service does not understand it answers with its own error; why is then told beside it, where AWS would
only write it to a log, if at all.
"""

from __future__ import annotations

import base64
import binascii
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from wherry.invoke.http_event import MAX_ALB_BODY
from wherry.invoke.request import TOKEN, EventFormat, HttpRequest, HttpResponse
from wherry.untrusted import parse_json, parse_number

if TYPE_CHECKING:
    from wherry.invoke.outcome import Invocation
    from wherry.settings.model import CorsSettings

__all__ = ["http_response", "is_preflight", "no_route", "preflight", "service_error", "with_cors"]

# What a service answers when a function fails, or returns what it does not understand.
_ERRORS = {
    EventFormat.FUNCTION_URL: (502, "text/plain", b"Internal Server Error"),
    EventFormat.HTTP: (500, "application/json", b'{"message":"Internal Server Error"}'),
    EventFormat.REST: (502, "application/json", b'{"message": "Internal server error"}'),
    EventFormat.ALB: (502, "text/html", b"<html><h1>502 Bad Gateway</h1></html>\r\n"),
}
_TOO_LARGE = {
    EventFormat.FUNCTION_URL: (413, "text/plain", b"Request Entity Too Large"),
    EventFormat.HTTP: (413, "application/json", b'{"message":"Request Entity Too Large"}'),
    EventFormat.REST: (413, "application/json", b'{"message":"Request Too Long"}'),
    EventFormat.ALB: (413, "text/html", b"<html><h1>413 Request Entity Too Large</h1></html>\r\n"),
}
# What an API answers where no route matches.
_NO_ROUTE = {
    EventFormat.HTTP: (404, "application/json", b'{"message":"Not Found"}'),
    EventFormat.REST: (403, "application/json", b'{"message":"Missing Authentication Token"}'),
    EventFormat.ALB: (404, "text/html", b"<html><h1>404 Not Found</h1></html>\r\n"),
}
_DEFAULT_TYPE = {
    EventFormat.FUNCTION_URL: "application/json",
    EventFormat.HTTP: "text/plain;charset=UTF-8",
    EventFormat.REST: "application/json",
    EventFormat.ALB: "application/octet-stream",
}
# API Gateway and Function URLs say these themselves, and hand on the function's under another name.
_REMAPPED = frozenset({"connection", "content-length", "date", "server", "www-authenticate"})
_DROPPED = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding", "upgrade"})
_SAME_SERVICE = {EventFormat.ALB_MULTI: EventFormat.ALB, EventFormat.HTTP_1: EventFormat.HTTP}


def _front(form: EventFormat) -> EventFormat:
    """The service: it answers alike whatever the format of its events."""
    return _SAME_SERVICE.get(form, form)


class _Malformed(Exception):  # noqa: N818
    """The service does not understand what the function returned."""


def http_response(invocation: Invocation, form: EventFormat) -> HttpResponse:
    """The response to the client."""
    if invocation.error is not None:
        error = invocation.error
        return service_error(form, fault=f"the function failed: {error.type}: {error.message}")
    try:
        try:
            document = parse_json(invocation.payload)
        except ValueError as error:
            raise _Malformed(f"it is not JSON: {error}") from None
        if form not in {EventFormat.FUNCTION_URL, EventFormat.HTTP}:
            return _version_1(document, form)
        if isinstance(document, dict) and "statusCode" in document:
            return _version_2(document, form)
        # Whatever else it is, is the body.
        headers = (("Content-Type", "application/json"),)
        return HttpResponse(status=200, headers=headers, body=invocation.payload)
    except _Malformed as error:
        return service_error(form, fault=f"malformed response: {error}")


def service_error(form: EventFormat, *, fault: str, too_large: bool = False) -> HttpResponse:
    """The service's own answer when it has none of the function's."""
    status, kind, body = (_TOO_LARGE if too_large else _ERRORS)[_front(form)]
    return HttpResponse(status=status, headers=(("Content-Type", kind),), body=body, fault=fault)


def no_route(form: EventFormat, *, fault: str, in_stage: bool = True) -> HttpResponse:
    """The service's own answer to a request that is for no function; a REST API knows whether its stage was met."""
    # A Function URL has no routes: this is of the local server alone.
    own = (404, "text/plain; charset=utf-8", f"{fault}\n".encode())
    status, kind, body = _NO_ROUTE.get(_front(form), own)
    if form is EventFormat.REST and not in_stage:
        body = b'{"message":"Forbidden"}'
    return HttpResponse(status=status, headers=(("Content-Type", kind),), body=body, fault=fault)


def _version_2(document: dict[str, Any], form: EventFormat) -> HttpResponse:
    headers = _single(document.get("headers"))
    cookies = document.get("cookies")
    if cookies is not None and not (
        isinstance(cookies, list) and all(isinstance(one, str) for one in cookies)
    ):
        raise _Malformed("`cookies` is not a list of strings")
    headers += [("Set-Cookie", _value("cookies", cookie)) for cookie in cookies or ()]
    return _made(document, headers, form)


def _version_1(document: object, form: EventFormat) -> HttpResponse:
    """REST APIs, load balancers, and HTTP APIs with the older format, which infers nothing."""
    if not isinstance(document, dict):
        raise _Malformed("it is not an object")
    if "statusCode" not in document:
        raise _Malformed("it has no `statusCode`")
    headers: list[tuple[str, str]] = []
    # A load balancer takes the kind that its target group is set to; an API merges both.
    if form is not EventFormat.ALB_MULTI:
        headers += _single(document.get("headers"))
    if form is not EventFormat.ALB:
        multiple = _multiple(document.get("multiValueHeaders"))
        # Where both name a pair, it is said once.
        headers = [pair for pair in headers if pair not in multiple] + multiple
    made = _made(document, headers, form)
    if _front(form) is EventFormat.ALB and len(made.body) > MAX_ALB_BODY:
        raise _Malformed(
            f"a load balancer carries {MAX_ALB_BODY:,} bytes of body, not {len(made.body):,}"
        )
    return made


def _made(
    document: dict[str, Any], headers: list[tuple[str, str]], form: EventFormat
) -> HttpResponse:
    status = document["statusCode"]
    if isinstance(status, str):
        with suppress(ValueError):
            status = parse_number(status, most=999)
    if isinstance(status, float) and status.is_integer():
        status = int(status)
    if isinstance(status, bool) or not isinstance(status, int) or not 200 <= status <= 999:
        raise _Malformed(f"`statusCode` is {json.dumps(status)[:100]}, not a status")
    given = document.get("body")
    if given is not None and not isinstance(given, str):
        raise _Malformed("`body` is not a string; make one with `json.dumps`")
    encoded = document.get("isBase64Encoded", False)
    if not isinstance(encoded, bool) and encoded is not None:
        raise _Malformed("`isBase64Encoded` is not true or false")
    body = (given or "").encode("utf-8", "surrogatepass")
    if encoded:
        try:
            body = base64.b64decode(body, validate=True)
        except binascii.Error:
            raise _Malformed("`isBase64Encoded` is true and `body` is not base64") from None
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", _DEFAULT_TYPE[_front(form)]))
    remaps = form not in {EventFormat.ALB, EventFormat.ALB_MULTI}
    sent = []
    for name, value in headers:
        if remaps and name.lower() in _REMAPPED:
            sent.append((f"x-amzn-Remapped-{name}", value))
        elif name.lower() not in _DROPPED:
            sent.append((name, value))
    return HttpResponse(status=status, headers=tuple(sent), body=body)


def _single(headers: object) -> list[tuple[str, str]]:
    if headers is None:
        return []
    if not isinstance(headers, dict):
        raise _Malformed("`headers` is not an object")
    return [(_name(name), _value(name, value)) for name, value in headers.items()]


def _multiple(headers: object) -> list[tuple[str, str]]:
    if headers is None:
        return []
    if not isinstance(headers, dict) or not all(isinstance(one, list) for one in headers.values()):
        raise _Malformed("`multiValueHeaders` is not an object of lists")
    return [
        (_name(name), _value(name, value)) for name, values in headers.items() for value in values
    ]


def _name(name: str) -> str:
    if not TOKEN.fullmatch(name):
        raise _Malformed(f"{name!r} is not a header's name")
    return name


def _value(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int | float):
        raise _Malformed(f"the header `{name}` is not a string")
    text = str(value)
    if "\r" in text or "\n" in text or "\0" in text:
        raise _Malformed(f"the header `{name}` has a line break")
    return text


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
    """The response to a request of a page, with the headers that let the page read it.

    After AWS's ``Cors`` type of Lambda and the Fetch standard. The headers that the function itself sends stay: where
    both name an origin, a browser refuses the response, here as there.
    """
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
