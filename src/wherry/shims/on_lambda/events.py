"""The function that Lambda calls: it gives requests to the application, and its responses to the service.

Every request is rewritten as an event of a function URL, the most precise of the formats. So the adapter that calls the
application handles one format only.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from .answers import answer, body_of
from .sources import Request, read_request

__all__ = ["Options", "Responder", "make_handler", "rewrite"]

Event = dict[str, Any]
Responder = Callable[[Event, Any], Event]

_ERRORS = 400
_BODILESS = (204, 304)
# Python refuses to read numbers of thousands of digits.
_LONG_PORT = 6
# What `quote` leaves as it is when only characters beyond ASCII are to be encoded.
_ASCII = "".join(map(chr, range(33, 127)))


class Options(NamedTuple):
    """The settings of a web application.

    Attributes:
        base_path: taken off the path before the application sees it, as a part of the root.
        stage_in_path: whether the application is told the stage as its root where the address has it.
        text_types: media types whose responses are text, besides those that are known.
        events: the path to which events are posted that are not requests; empty to refuse them.
    """

    base_path: str = ""
    stage_in_path: bool = True
    text_types: tuple[str, ...] = ()
    events: str = ""


_DEFAULTS = Options()


def make_handler(respond: Responder, options: Options = _DEFAULTS) -> Callable[[Any, Any], Any]:
    """The function that Lambda calls.

    Args:
        respond: answers rewritten events.
        options: of the application.
    """

    def handler(event: Any, context: Any) -> Any:
        try:
            request = read_request(event)
            rewritten = rewrite(event, request, options) if request is not None else {}
        except (AttributeError, LookupError, TypeError, ValueError):
            # It has the keys of a request, with values that no service sends.
            request = None
        if request is None:
            return _post(event, context)
        # As the application sees it: below a base path, the path of the request is another.
        if options.events and _plain(rewritten["rawPath"]) == _plain(options.events):
            # Only AWS may post events: a client that may call any path could forge them.
            response: Event = {"statusCode": 404, "headers": {"content-type": "text/plain"}}
        else:
            response = respond(rewritten, context)
        if request.method == "HEAD" or response["statusCode"] in _BODILESS:
            # As servers do: some applications send one all the same.
            response = {**response, "body": ""}
        return answer(response, request.source, options.text_types)

    def _post(event: Any, context: Any) -> Any:
        if _is_warm_up(event):
            return {}
        if not options.events:
            found = ", ".join(sorted(map(str, event))) if isinstance(event, dict) else ""
            raise ValueError(
                "this event is no HTTP request of API Gateway, a load balancer, a function URL, VPC Lattice or "
                f"Lambda@Edge; it has {found or 'nothing' if isinstance(event, dict) else json.dumps(event)[:60]}"
            )
        request = Request(
            source="v2",
            method="POST",
            path=quote(options.events, safe="/%"),
            query="",
            headers=[("content-type", ["application/json"])],
            cookies=[],
            body=json.dumps(event),
            base64=False,
        )
        response = respond(rewrite(event, request), context)
        text = body_of(response).decode(errors="replace")
        if response["statusCode"] >= _ERRORS:
            # Lambda tries again, as the source of the event has it set.
            raise RuntimeError(
                f"the application answered {response['statusCode']} to the event: {text[:200]}"
            )
        try:
            return json.loads(text) if text else None
        except ValueError:
            return text

    return handler


def rewrite(event: Any, request: Request, options: Options = _DEFAULTS) -> Event:
    """The request as a function URL tells it, with the original event, and what the format lacks, under ``wherry``."""
    root = request.root if options.stage_in_path else ""
    path = request.path if request.path.startswith("/") else "/" + request.path
    base = options.base_path
    if base and (path == base or path.startswith(base + "/")):
        root, path = root + base, path[len(base) :] or "/"
    joined = {name: ", ".join(values) for name, values in request.headers if values}
    # API Gateway and function URLs use TLS only; the others say what they use.
    scheme = joined.get("x-forwarded-proto", "https").rpartition(",")[2].strip()
    port = joined.get("x-forwarded-port", "").rpartition(",")[2].strip()
    if not (port.isascii() and port.isdigit() and len(port) < _LONG_PORT):
        port = "443" if scheme == "https" else "80"
    context = event.get("requestContext") or {} if isinstance(event, dict) else {}
    # IPv6 addresses have colons of their own, in brackets.
    host, _, number = joined.get("host", "").rpartition(":")
    if not host or not number.isdigit():
        host = joined.get("host") or context.get("domainName") or "localhost"
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": quote(request.query, safe=_ASCII),
        # The adapters derive host and port from these; the real ones stand below.
        "headers": {
            **joined,
            "host": "localhost",
            "x-forwarded-proto": scheme,
            "x-forwarded-port": port,
        },
        "cookies": request.cookies,
        "requestContext": {
            "stage": "$default",
            "http": {
                "method": request.method,
                "path": path,
                "protocol": request.protocol or "HTTP/1.1",
                "sourceIp": request.client or "127.0.0.1",
            },
        },
        "body": request.body,
        "isBase64Encoded": request.base64,
        "wherry": {
            "event": event,
            "root": root,
            "headers": [(name, value) for name, values in request.headers for value in values],
            "host": host,
            "port": int(port),
            "scheme": scheme,
        },
    }


def _plain(path: str) -> str:
    """A path as most frameworks compare it: decoded, and without empty segments."""
    return "/".join(part for part in unquote(path).lower().split("/") if part)


def _is_warm_up(event: Any) -> bool:
    """Whether an event only keeps the function warm, as serverless-plugin-warmup, lambda-warmer and Zappa send it."""
    return isinstance(event, dict) and (
        event.get("source") == "serverless-plugin-warmup"
        or event.get("warmer") is True
        or "zappa-keep-warm" in str(event.get("resources") or "")
    )
