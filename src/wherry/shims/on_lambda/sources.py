"""Requests as the services of AWS describe them in events.

Each service tells a request in another way: REST and HTTP APIs of API Gateway (formats 1.0 and 2.0), Application Load
Balancers with and without multi-value headers, function URLs, VPC Lattice (versions 1 and 2) and Lambda@Edge (viewer
and origin requests). The formats are those of AWS's developer guides.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Optional
from urllib.parse import quote, urlencode

__all__ = ["Event", "Request", "read_request"]

Event = dict[str, Any]

# All characters of a URL that stay as they are, with the `%` of what is encoded already.
_URL = "!#$&'()*+,/:;=?@[]%~"
# The separator of segments, and what RFC 3986 allows unencoded in a path.
_PATH = "/!$&'()*+,;=:@~"


class Request(NamedTuple):
    """A request.

    Attributes:
        source: the service that answers: ``v2`` (HTTP APIs and function URLs), ``v1`` (REST APIs, and HTTP APIs in the
            older format), ``alb``, ``alb-multi``, ``lattice`` or ``edge``.
        method: as the client sent it.
        path: percent-encoded, without the stage.
        query: percent-encoded.
        headers: names in lower case with their values, without cookies.
        cookies: the values of the header ``Cookie``.
        body: text, or base64.
        base64: whether the body is base64.
        root: the stage, with a slash before it, if the address has it in its path.
        client: the address of the client.
        protocol: such as ``HTTP/1.1``.
    """

    source: str
    method: str
    path: str
    query: str
    headers: list[tuple[str, list[str]]]
    cookies: list[str]
    body: str
    base64: bool
    root: str = ""
    client: Optional[str] = None  # noqa: UP045 - Python 3.9 evaluates it
    protocol: Optional[str] = None  # noqa: UP045


def read_request(event: Any) -> Request | None:
    """The request that an event describes; None if it describes none."""
    if not isinstance(event, dict):
        return None
    context = event.get("requestContext") or {}
    # An authorizer is asked about a request with the same keys, and one more.
    if not isinstance(context, dict) or "methodArn" in event or "routeArn" in event:
        return None
    if event.get("version") == "2.0" and isinstance(context.get("http"), dict):
        return _from_http_api(event, context)
    if isinstance(event.get("httpMethod"), str) and isinstance(event.get("path"), str):
        if "elb" in context:
            return _from_load_balancer(event)
        # Agents of Bedrock and others have a method, too, but neither of these.
        if "requestContext" in event or "headers" in event:
            return _from_rest_api(event, context)
    if isinstance(event.get("method"), str) and isinstance(event.get("headers"), dict):
        if isinstance(event.get("raw_path"), str):
            return _from_lattice(event, event["raw_path"], event.get("query_string_parameters"))
        if isinstance(event.get("path"), str) and "serviceNetworkArn" in context:
            return _from_lattice(event, event["path"], event.get("queryStringParameters"))
    records = event.get("Records")
    if isinstance(records, list) and records and isinstance(records[0], dict):
        edge = records[0].get("cf")
        if isinstance(edge, dict) and "request" in edge and "response" not in edge:
            return _from_edge(edge["request"])
    return None


def _from_http_api(event: Event, context: Event) -> Request:
    http = context["http"]
    path = event.get("rawPath") or http.get("path") or "/"
    root = ""
    if ".lambda-url." not in (context.get("domainName") or ""):
        # An HTTP API decodes the path; a function URL leaves it as it was sent.
        root, path = _without_stage(quote(path, safe=_PATH), event)
    headers = [(name.lower(), [value]) for name, value in (event.get("headers") or {}).items()]
    cookies = event.get("cookies") or _values(headers, "cookie")
    return Request(
        source="v2",
        method=http["method"],
        root=root,
        path=path,
        query=event.get("rawQueryString") or "",
        headers=_without_cookies(headers),
        cookies=cookies,
        client=http.get("sourceIp"),
        protocol=http.get("protocol"),
        body=event.get("body") or "",
        base64=bool(event.get("isBase64Encoded")),
    )


def _without_stage(path: str, event: Event) -> tuple[str, str]:
    """The stage as clients see it, and the path below: an HTTP API has a named stage at the start of every path."""
    context = event["requestContext"]
    name = context.get("stage") or "$default"
    stage = "/" + quote(name, safe=_PATH)
    if name == "$default" or not (path + "/").startswith(stage + "/"):
        return "", path
    # In the address of a custom domain there is no stage.
    host = context.get("domainName") or "".join(_values(_headers(event), "host"))
    custom = ".execute-api." not in host
    return "" if custom else stage, path[len(stage) :]


def _from_rest_api(event: Event, context: Event) -> Request:
    path = event["path"] or "/"
    # The context has the path with the stage before it, unless it was asked for by a custom domain.
    full = context.get("path") or ""
    # If the address ends with the stage, a slash is missing after it.
    full = full + "/" if path == "/" else full
    root = full[: -len(path)].rstrip("/") if full.endswith(path) else ""
    if event.get("version") == "1.0":
        # An HTTP API in the older format decodes the path, and leaves the stage in it.
        root, path = _without_stage(quote(path, safe=_PATH), event)
    headers = _headers(event)
    # Names and values are decoded in the event.
    query = event.get("multiValueQueryStringParameters") or event.get("queryStringParameters") or {}
    return Request(
        source="v1",
        method=event["httpMethod"],
        root=root,
        path=path,
        query=urlencode(query, doseq=True),
        headers=_without_cookies(headers),
        cookies=_values(headers, "cookie"),
        client=(context.get("identity") or {}).get("sourceIp"),
        protocol=context.get("protocol"),
        body=event.get("body") or "",
        base64=bool(event.get("isBase64Encoded")),
    )


def _from_load_balancer(event: Event) -> Request:
    headers = _headers(event)
    query = event.get("multiValueQueryStringParameters") or event.get("queryStringParameters") or {}
    return Request(
        source="alb-multi" if "multiValueHeaders" in event else "alb",
        method=event["httpMethod"],
        path=quote(event["path"] or "/", safe=_URL),
        query=_joined_query(query),
        headers=_without_cookies(headers),
        cookies=_values(headers, "cookie"),
        client=_forwarded_for(headers),
        body=event.get("body") or "",
        base64=bool(event.get("isBase64Encoded")),
    )


def _from_lattice(event: Event, path: str, query: Any) -> Request:
    path, _, inline = path.partition("?")
    headers = _headers(event)
    base64 = event.get("isBase64Encoded", event.get("is_base64_encoded"))
    return Request(
        source="lattice",
        method=event["method"],
        path=quote(path or "/", safe=_URL),
        query=inline or _joined_query(query or {}),
        headers=_without_cookies(headers),
        cookies=_values(headers, "cookie"),
        client=_forwarded_for(headers),
        body=event.get("body") or "",
        base64=bool(base64),
    )


def _from_edge(request: Event) -> Request:
    headers = [
        (name.lower(), [each["value"] for each in values])
        for name, values in (request.get("headers") or {}).items()
    ]
    body = request.get("body") or {}
    return Request(
        source="edge",
        method=request["method"],
        path=quote(request.get("uri") or "/", safe=_URL),
        query=request.get("querystring") or "",
        headers=_without_cookies(headers),
        cookies=_values(headers, "cookie"),
        client=request.get("clientIp"),
        body=body.get("data") or "",
        base64=body.get("encoding") == "base64",
    )


def _headers(event: Event) -> list[tuple[str, list[str]]]:
    """Names in lower case with their values, from an event that has one value or a list for each name."""
    headers = event.get("multiValueHeaders") or event.get("headers") or {}
    return [
        (name.lower(), values if isinstance(values, list) else [] if values is None else [values])
        for name, values in headers.items()
    ]


def _values(headers: list[tuple[str, list[str]]], name: str) -> list[str]:
    return [value for key, values in headers if key == name for value in values]


def _without_cookies(headers: list[tuple[str, list[str]]]) -> list[tuple[str, list[str]]]:
    return [(name, values) for name, values in headers if name != "cookie"]


def _joined_query(query: Event) -> str:
    """The query of an event that has its names and values as the client encoded them."""
    return "&".join(
        quote(name, safe=_URL) + "=" + quote(value, safe=_URL)
        for name, values in query.items()
        for value in (values if isinstance(values, list) else [values])
    )


def _forwarded_for(headers: list[tuple[str, list[str]]]) -> str:
    # The service adds the address of the client at the end; the client can forge what stands before it.
    return ",".join(_values(headers, "x-forwarded-for")).rpartition(",")[2].strip()
