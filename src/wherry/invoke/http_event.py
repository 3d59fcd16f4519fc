"""The event that a service makes of an HTTP request.

After AWS's documentation of each: Function URLs and HTTP APIs (payload format 2.0), REST APIs (format 1.0, which
HTTP APIs can be set to as well) and Application Load Balancers, whose target groups send single or multiple values.
"""

from __future__ import annotations

import base64
import time
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, unquote_plus

from wherry.invoke.request import EventFormat, HttpRequest
from wherry.invoke.variables import ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Callable

    from wherry.invoke.routes import RouteMatch

__all__ = ["MAX_ALB_BODY", "http_event"]

MAX_ALB_BODY = 1024 * 1024
"""Bytes of a request or response body that a load balancer carries to or from a function."""

_API = "local"
# Bodies of other types are handed over in base64.
_TEXTUAL = frozenset({"application/json", "application/javascript", "application/xml"})


def http_event(
    request: HttpRequest,
    form: EventFormat,
    *,
    region: str = "us-east-1",
    route: RouteMatch | None = None,
    stage: str | None = None,
) -> dict[str, Any]:
    """The event, ready for JSON.

    The path of the request is without the stage, which was in the address of an API without a domain of its own.
    Without a route, an API takes every path.
    """
    match form:
        case EventFormat.FUNCTION_URL:
            return _version_2(request, form, region)
        case EventFormat.HTTP:
            event = _version_2(request, form, region)
            return _with_stage(_with_route(event, route), stage)
        case EventFormat.HTTP_1:
            return _http_api_version_1(request, region, route, stage)
        case EventFormat.REST:
            event = _with_resource(_version_1(request, region), route)
            if stage is not None:
                context = event["requestContext"]
                context |= {"stage": stage, "path": f"/{stage}{request.path}"}
            return event
        case EventFormat.ALB | EventFormat.ALB_MULTI:
            return _load_balancer(request, form, region)


def _version_2(request: HttpRequest, form: EventFormat, region: str) -> dict[str, Any]:
    is_url = form is EventFormat.FUNCTION_URL
    domain = (
        f"{_API}.lambda-url.{region}.on.aws"
        if is_url
        else f"{_API}.execute-api.{region}.amazonaws.com"
    )
    # An HTTP API hands on the path decoded; a Function URL as it came.
    path = request.path if is_url else unquote(request.path)
    headers: dict[str, str] = {}
    cookies: list[str] = []
    for name, value in _with_forwarded(request, domain):
        key = name.lower()
        if key == "cookie":
            cookies += [cookie for one in value.split(";") if (cookie := one.strip())]
        else:
            headers[key] = f"{headers[key]},{value}" if key in headers else value
    parameters: dict[str, str] = {}
    for name, value in _pairs(request.query, unquote_plus):
        parameters[name] = f"{parameters[name]},{value}" if name in parameters else value
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": request.query,
        **({"cookies": cookies} if cookies else {}),
        "headers": headers,
        **({"queryStringParameters": parameters} if parameters else {}),
        "requestContext": {
            "accountId": "anonymous" if is_url else ACCOUNT,
            "apiId": _API,
            "domainName": domain,
            "domainPrefix": _API,
            "http": {
                "method": request.method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": request.source_ip,
                "userAgent": request.header("user-agent") or "",
            },
            "requestId": str(uuid.uuid4()),
            "routeKey": "$default",
            "stage": "$default",
            "time": _time(),
            "timeEpoch": int(time.time() * 1000),
        },
    }
    body, encoded = _body(request)
    if request.body:
        event["body"] = body
    return {**event, "isBase64Encoded": encoded}


def _with_route(event: dict[str, Any], match: RouteMatch | None) -> dict[str, Any]:
    """The event of an HTTP API with its route, and with the values of its variables decoded."""
    if match is not None:
        event["routeKey"] = event["requestContext"]["routeKey"] = match.route.key
        if match.parameters:
            decoded = {name: unquote(value) for name, value in match.parameters.items()}
            event["pathParameters"] = decoded
    return event


def _with_stage(event: dict[str, Any], stage: str | None) -> dict[str, Any]:
    """The event of an HTTP API with a named stage, which its path keeps."""
    if stage is not None:
        context = event["requestContext"]
        context["stage"] = stage
        event["rawPath"] = context["http"]["path"] = f"/{stage}{event['rawPath']}"
    return event


def _with_resource(event: dict[str, Any], match: RouteMatch | None) -> dict[str, Any]:
    """The event of a REST API with its resource; the values of its variables stay percent-encoded."""
    if match is not None and match.route.path.startswith("/"):
        event["resource"] = event["requestContext"]["resourcePath"] = match.route.path
        event["pathParameters"] = dict(match.parameters) or None
    return event


def _version_1(request: HttpRequest, region: str) -> dict[str, Any]:
    domain = f"{_API}.execute-api.{region}.amazonaws.com"
    headers = _listed(_with_forwarded(request, domain))
    parameters = _listed(_pairs(request.query, unquote_plus))
    # As with `*/*` among its binary media types nothing is lost: text stays text.
    body, encoded = _body(request, textual=True)
    return {
        "resource": "/{proxy+}" if request.path != "/" else "/",
        "path": request.path,
        "httpMethod": request.method,
        "headers": {name: values[-1] for name, values in headers.items()},
        "multiValueHeaders": headers,
        "queryStringParameters": {name: values[-1] for name, values in parameters.items()} or None,
        "multiValueQueryStringParameters": parameters or None,
        "pathParameters": {"proxy": request.path[1:]} if request.path != "/" else None,
        "stageVariables": None,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": _API,
            "domainName": domain,
            "domainPrefix": _API,
            "extendedRequestId": uuid.uuid4().hex[:16],
            "httpMethod": request.method,
            "identity": {"sourceIp": request.source_ip, "userAgent": request.header("user-agent")},
            "path": request.path,
            "protocol": "HTTP/1.1",
            "requestId": str(uuid.uuid4()),
            "requestTime": _time(),
            "requestTimeEpoch": int(time.time() * 1000),
            "resourceId": "local",
            "resourcePath": "/{proxy+}" if request.path != "/" else "/",
            "stage": "local",
        },
        "body": body if request.body else None,
        "isBase64Encoded": encoded,
    }


def _http_api_version_1(
    request: HttpRequest, region: str, match: RouteMatch | None, stage: str | None
) -> dict[str, Any]:
    """The older format, as an HTTP API has it: the path is decoded and keeps the stage."""
    event = {"version": "1.0", **_version_1(request, region)}
    context = event["requestContext"]
    path = ("" if stage is None else f"/{stage}") + unquote(request.path)
    resource = "$default" if match is None else match.route.path
    event["path"] = context["path"] = path
    event["resource"] = context["resourcePath"] = resource
    context |= {"resourceId": None, "stage": stage or "$default"}
    parameters = {} if match is None else match.parameters
    event["pathParameters"] = {key: unquote(value) for key, value in parameters.items()} or None
    body, encoded = _body(request)
    return {**event, "body": body if request.body else None, "isBase64Encoded": encoded}


def _load_balancer(request: HttpRequest, form: EventFormat, region: str) -> dict[str, Any]:
    group = f"arn:aws:elasticloadbalancing:{region}:{ACCOUNT}:targetgroup/local/0123456789abcdef"
    headers = _listed(
        (name.lower(), value)
        for name, value in _with_forwarded(request, request.header("host") or _API)
    )
    # A load balancer leaves names and values percent-encoded.
    parameters = _listed(_pairs(request.query, str))
    body, encoded = _body(request)
    event: dict[str, Any] = {
        "requestContext": {"elb": {"targetGroupArn": group}},
        "httpMethod": request.method,
        "path": request.path,
    }
    if form is EventFormat.ALB_MULTI:
        event["multiValueQueryStringParameters"] = parameters
        event["multiValueHeaders"] = headers
    else:
        event["queryStringParameters"] = {name: values[-1] for name, values in parameters.items()}
        event["headers"] = {name: values[-1] for name, values in headers.items()}
    return {**event, "body": body, "isBase64Encoded": encoded}


def _with_forwarded(request: HttpRequest, host: str) -> list[tuple[str, str]]:
    """The headers with those that the service adds; it is the one that answers to the host's name."""
    added = {
        "X-Amzn-Trace-Id": f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]}",
        "X-Forwarded-For": request.source_ip,
        "X-Forwarded-Port": str(request.port),
        "X-Forwarded-Proto": request.scheme,
    }
    present = {name.lower() for name, _ in request.headers}
    hop_by_hop = {"connection", "keep-alive", "transfer-encoding", "te", "upgrade", "expect"}
    headers = [(name, value) for name, value in request.headers if name.lower() not in hop_by_hop]
    if "host" not in present:
        headers.insert(0, ("Host", host))
    # What a proxy before this one has said stays.
    return headers + [(name, value) for name, value in added.items() if name.lower() not in present]


def _pairs(query: str, decode: Callable[[str], str]) -> list[tuple[str, str]]:
    found = []
    for part in query.split("&"):
        if part:
            name, _, value = part.partition("=")
            found.append((decode(name), decode(value)))
    return found


def _listed(pairs: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def _body(request: HttpRequest, *, textual: bool = False) -> tuple[str, bool]:
    """The body as a string, and whether it is base64."""
    kind = (request.header("content-type") or "").partition(";")[0].strip().lower()
    plain = textual or kind.startswith("text/") or kind in _TEXTUAL
    if not request.body:
        return "", False
    if plain and not request.header("content-encoding"):
        try:
            return request.body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(request.body).decode(), True


def _time() -> str:
    return time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime())
