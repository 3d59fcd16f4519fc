"""Events of five kinds become requests of one, and responses go back in the kind of the event.

REST APIs, HTTP APIs, Application Load Balancers (with and without multi-value headers) and function URLs
each tell a request in another way. Every event is rewritten as one of a function URL, the most exact of
them, so the adapter that calls the application has one kind to understand. What comes back is answered as the
event's own source wants it.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

__all__ = ["Event", "Responder", "answer", "make_handler", "rewrite"]

Event = dict[str, Any]
Responder = Callable[[Event, Any], dict[str, Any]]

# Everything that may stand in a URL as it is, `%` of what is encoded already among it.
_URL = "!#$&'()*+,/:;=?@[]%~"
# A segment separator and what RFC 3986 lets stand unencoded in a path.
_PATH = "/!$&'()*+,;=:@~"
_TEXT = frozenset(
    "application/" + name
    for name in (
        "ecmascript",
        "graphql",
        "javascript",
        "json",
        "jsonlines",
        "toml",
        "x-javascript",
        "x-ndjson",
        "x-www-form-urlencoded",
        "xml",
        "yaml",
    )
)
_SAME_BYTES_AS_UTF8 = ("", "utf-8", "utf8", "us-ascii", "ascii")


def make_handler(respond: Responder) -> Callable[[Event, Any], dict[str, Any]]:
    """The function that Lambda calls, around one that answers rewritten events."""

    def handler(event: Event, context: Any) -> dict[str, Any]:
        return answer(respond(rewrite(event), context), event)

    return handler


def rewrite(event: Event) -> Event:
    """The event as a function URL would tell it, with the original and what it left unsaid under ``wherry``.

    Raises:
        ValueError: it is no HTTP request.
    """
    context = event.get("requestContext") or {}
    if event.get("version") == "2.0" and "http" in context:
        return _from_http_api(event, context)
    if "httpMethod" in event:
        return _from_alb(event, context) if "elb" in context else _from_rest_api(event, context)
    raise ValueError(
        "this event is no HTTP request of API Gateway, a load balancer or a function URL; it has "
        + (", ".join(sorted(event)) or "nothing")
    )


def _from_http_api(event: Event, context: dict[str, Any]) -> Event:
    http = context["http"]
    path = event.get("rawPath") or http.get("path") or "/"
    if ".lambda-url." not in (context.get("domainName") or ""):
        # An HTTP API decodes the path; a function URL passes it on as it came.
        path = quote(path, safe=_PATH)
    root, path = _off_stage(path, context)
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    cookies = event.get("cookies") or []
    if not cookies and headers.get("cookie"):
        cookies = [headers["cookie"]]
    return _event(
        event,
        method=http["method"],
        root=root,
        path=path,
        query=event.get("rawQueryString") or "",
        headers=[(name, [value]) for name, value in headers.items() if name != "cookie"],
        cookies=cookies,
        client=http.get("sourceIp"),
        protocol=http.get("protocol"),
    )


def _off_stage(path: str, context: dict[str, Any]) -> tuple[str, str]:
    """The root that clients know, and the path below: an HTTP API has its stage in the path."""
    stage = "/" + (context.get("stage") or "$default")
    if not (path + "/").startswith(stage + "/"):
        return "", path
    # A domain of one's own stands for the stage.
    own = ".execute-api." not in (context.get("domainName") or "")
    return "" if own else stage, path[len(stage) :]


def _from_rest_api(event: Event, context: dict[str, Any]) -> Event:
    path = event.get("path") or "/"
    # The path of the context has the stage before it, unless a domain of one's own stands for the stage.
    full = context.get("path") or ""
    # The stage may be all there is in the address, without a slash after it.
    full = full + "/" if path == "/" else full
    root = full[: -len(path)].rstrip("/") if full.endswith(path) else ""
    if event.get("version") == "1.0":
        # An HTTP API in the older format, which decodes the path and leaves the stage in it.
        root, path = _off_stage(quote(path, safe=_PATH), context)
    headers = _headers(event)
    # Names and values were decoded on the way here.
    query = event.get("multiValueQueryStringParameters") or event.get("queryStringParameters") or {}
    return _event(
        event,
        method=event["httpMethod"],
        root=root,
        path=path,
        query=urlencode(query, doseq=True),
        headers=[(name, values) for name, values in headers if name != "cookie"],
        cookies=[value for name, values in headers if name == "cookie" for value in values],
        client=(context.get("identity") or {}).get("sourceIp"),
        protocol=context.get("protocol"),
    )


def _from_alb(event: Event, context: dict[str, Any]) -> Event:  # noqa: ARG001
    headers = _headers(event)
    # A load balancer decodes neither the path nor the query; all that is left is to join it again.
    query = event.get("multiValueQueryStringParameters") or event.get("queryStringParameters") or {}
    pairs = [
        quote(name, safe=_URL) + "=" + quote(value, safe=_URL)
        for name, values in query.items()
        for value in (values if isinstance(values, list) else [values])
    ]
    # It adds the client at the end of the list; what stands before is the client's own word.
    forwarded = ",".join(dict(headers).get("x-forwarded-for") or [])
    return _event(
        event,
        method=event["httpMethod"],
        root="",
        path=quote(event.get("path") or "/", safe=_URL),
        query="&".join(pairs),
        headers=[(name, values) for name, values in headers if name != "cookie"],
        cookies=[value for name, values in headers if name == "cookie" for value in values],
        client=forwarded.rpartition(",")[2].strip(),
        protocol=None,
    )


def _headers(event: Event) -> list[tuple[str, list[str]]]:
    """Names in small letters with their values, of an event that has them once or twice."""
    several = event.get("multiValueHeaders") or {}
    if several:
        return [(name.lower(), list(values or [])) for name, values in several.items()]
    return [(name.lower(), [value]) for name, value in (event.get("headers") or {}).items()]


def _event(
    original: Event,
    *,
    method: str,
    root: str,
    path: str,
    query: str,
    headers: list[tuple[str, list[str]]],
    cookies: list[str],
    client: str | None,
    protocol: str | None,
) -> Event:
    path = path if path.startswith("/") else "/" + path
    joined = {name: ", ".join(values) for name, values in headers if values}
    # API Gateway and function URLs speak TLS alone; a load balancer says what it speaks.
    scheme = joined.get("x-forwarded-proto", "https").rpartition(",")[2].strip()
    port = joined.get("x-forwarded-port", "").rpartition(",")[2].strip()
    if not port.isdigit():
        port = "443" if scheme == "https" else "80"
    context = original.get("requestContext") or {}
    # IPv6 addresses have colons of their own, in brackets.
    host, _, said = joined.get("host", "").rpartition(":")
    if not host or not said.isdigit():
        host = joined.get("host") or context.get("domainName") or "localhost"
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        # The adapters guess at host and port from these; what they are is told below.
        "headers": {
            **joined,
            "host": "localhost",
            "x-forwarded-proto": scheme,
            "x-forwarded-port": port,
        },
        "cookies": cookies,
        "requestContext": {
            "stage": "$default",
            "http": {
                "method": method,
                "path": path,
                "protocol": protocol or "HTTP/1.1",
                "sourceIp": client or "127.0.0.1",
            },
        },
        "body": original.get("body") or "",
        "isBase64Encoded": bool(original.get("isBase64Encoded")),
        "wherry": {
            "event": original,
            "root": root,
            "headers": [(name, value) for name, values in headers for value in values],
            "host": host,
            "port": int(port),
            "scheme": scheme,
        },
    }


def answer(response: dict[str, Any], event: Event) -> dict[str, Any]:
    """A response of a function URL, as the source of the event wants it."""
    headers = response.get("headers") or {}
    cookies = response.get("cookies") or []
    given = response.get("body") or ""
    data = base64.b64decode(given) if response.get("isBase64Encoded") else given.encode()
    text = _as_text(data, headers)
    answered: dict[str, Any] = {
        "statusCode": response["statusCode"],
        "body": base64.b64encode(data).decode() if text is None else text,
        "isBase64Encoded": text is None,
    }
    if event.get("version") == "2.0":
        return {**answered, "headers": headers, "cookies": cookies}
    if "elb" not in (event.get("requestContext") or {}):
        # API Gateway merges the two.
        answered["headers"] = headers
        answered["multiValueHeaders"] = {"set-cookie": cookies} if cookies else {}
    elif "multiValueHeaders" in event:
        answered["multiValueHeaders"] = {name: [value] for name, value in headers.items()}
        if cookies:
            answered["multiValueHeaders"]["set-cookie"] = cookies
    else:
        # One value a name is all there is here, but `Set-Cookie` and `set-cookie` are two names to the load
        # balancer and one to the browser.
        answered["headers"] = {
            **headers,
            **{_spelling("set-cookie", number): cookie for number, cookie in enumerate(cookies)},
        }
    return answered


def _as_text(data: bytes, headers: dict[str, str]) -> str | None:
    """The body as text, None when it has to travel as base64 to arrive byte by byte."""
    media, _, parameters = headers.get("content-type", "").lower().partition(";")
    media = media.strip()
    charset = ""
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip() == "charset":
            charset = value.strip().strip("\"'")
    # Text is sent as UTF-8, whatever the header says.
    if (
        headers.get("content-encoding", "identity").lower() not in ("", "identity")
        or charset not in _SAME_BYTES_AS_UTF8
        or not (
            not media
            or media.startswith("text/")
            or media in _TEXT
            or media.endswith(("+json", "+xml", "+yaml"))
        )
    ):
        return None if data else ""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _spelling(name: str, number: int) -> str:
    """The name with some letters large: those whose place is set in the number."""
    letters = [place for place, letter in enumerate(name) if letter.isalpha()]
    large = {place for bit, place in enumerate(letters) if number >> bit & 1}
    return "".join(
        letter.upper() if place in large else letter for place, letter in enumerate(name)
    )
