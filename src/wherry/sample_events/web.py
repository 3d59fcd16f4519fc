"""Events of HTTP requests, and of the authorizers that are asked about them.

Requests of API Gateway, load balancers and function URLs are made by ``wherry.invoke.http_event``, as ``wherry serve``
makes them. The others are after the guides of API Gateway (authorizers, WebSocket APIs), VPC Lattice and CloudFront.
"""

from __future__ import annotations

from functools import partial

from wherry.invoke.event import make_request
from wherry.invoke.http_event import http_event
from wherry.invoke.request import EventFormat
from wherry.invoke.variables import ACCOUNT
from wherry.sample_events.choices import Choices, Event, Kind, encoded, new_id

__all__ = ["WEB"]

_API = "abcdef1234"


def _http_event(form: EventFormat, choices: Choices, body: bytes = b"") -> Event:
    target = choices.path + (f"?{choices.query}" if choices.query else "")
    request = make_request(choices.method, target, choices.headers, body)
    return http_event(request, form, region=choices.region)


def _request(form: EventFormat, choices: Choices) -> Event:
    event = _http_event(form, choices, choices.body or b"")
    if form is EventFormat.REST and choices.claims:
        event["requestContext"]["authorizer"] = {"claims": dict(choices.claims)}
    elif form is EventFormat.HTTP and choices.claims:
        claims = {"jwt": {"claims": dict(choices.claims), "scopes": None}}
        event["requestContext"]["authorizer"] = claims
    return event


def _authorizer_token(choices: Choices) -> Event:
    return {
        "type": "TOKEN",
        "authorizationToken": choices.text("Bearer example"),
        "methodArn": _method_arn(choices),
    }


def _authorizer_request(choices: Choices) -> Event:
    event = _http_event(EventFormat.REST, choices)
    del event["body"], event["isBase64Encoded"]
    # What is null for the function is empty for its authorizer.
    filled = {name: {} if value is None else value for name, value in event.items()}
    return {"type": "REQUEST", "methodArn": _method_arn(choices), **filled}


def _authorizer_http(choices: Choices) -> Event:
    event = _http_event(EventFormat.HTTP, choices)
    event.pop("body", None)
    del event["isBase64Encoded"]
    token = event["headers"].setdefault("authorization", "Bearer example")
    arn = f"{_API}/$default/{choices.method}{choices.path}"
    return {
        **event,
        "type": "REQUEST",
        "routeArn": choices.arn("execute-api", arn),
        "identitySource": [token],
    }


def _method_arn(choices: Choices) -> str:
    return choices.arn("execute-api", f"{_API}/prod/{choices.method}{choices.path}")


def _websocket(choices: Choices) -> Event:
    kind, connection = choices.type or "MESSAGE", encoded(new_id().encode()[:8])
    route = {"CONNECT": "$connect", "DISCONNECT": "$disconnect"}.get(kind, "$default")
    host = f"{_API}.execute-api.{choices.region}.amazonaws.com"
    context: Event = {
        "routeKey": choices.name or route,
        "eventType": kind,
        "extendedRequestId": encoded(new_id().encode()[:8]),
        "requestTime": choices.now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "messageDirection": "IN",
        "stage": "prod",
        "connectedAt": choices.milliseconds,
        "requestTimeEpoch": choices.milliseconds,
        "identity": {"sourceIp": "127.0.0.1", "userAgent": None},
        "requestId": encoded(new_id().encode()[:8]),
        "domainName": host,
        "connectionId": connection,
        "apiId": _API,
    }
    event: Event = {"requestContext": context, "isBase64Encoded": False}
    if kind == "MESSAGE":
        context["messageId"] = encoded(new_id().encode()[:8])
        return {**event, "body": choices.text('{"action": "$default", "id": 7}')}
    if kind == "DISCONNECT":
        context |= {"disconnectStatusCode": 1005, "disconnectReason": "Client-side close frame"}
    headers = [("Host", host), ("X-Forwarded-For", "127.0.0.1"), *choices.headers]
    return {
        "headers": dict(headers),
        "multiValueHeaders": {
            name: [value for other, value in headers if other == name] for name, _ in headers
        },
        **event,
    }


def _lattice(version: int, choices: Choices) -> Event:
    query: dict[str, list[str]] = {}
    for part in filter(None, choices.query.split("&")):
        name, _, value = part.partition("=")
        query.setdefault(name, []).append(value)
    headers: dict[str, list[str]] = {}
    given = [
        ("host", f"shop-0123456789abcdef0.7d67968.vpc-lattice-svcs.{choices.region}.on.aws"),
        ("x-forwarded-for", "10.0.0.1"),
        *choices.headers,
    ]
    for name, value in given:
        headers.setdefault(name.lower(), []).append(value)
    try:
        body, is_base64 = (choices.body or b"").decode(), False
    except UnicodeDecodeError:
        body, is_base64 = encoded(choices.body or b""), True
    if version == 1:
        return {
            "raw_path": choices.path + (f"?{choices.query}" if choices.query else ""),
            "method": choices.method,
            "headers": {name: ", ".join(values) for name, values in headers.items()},
            "query_string_parameters": {name: values[-1] for name, values in query.items()},
            "body": body,
            "is_base64_encoded": is_base64,
        }
    return {
        "version": "2.0",
        "path": choices.path,
        "method": choices.method,
        "headers": headers,
        "queryStringParameters": query,
        "body": body,
        "isBase64Encoded": is_base64,
        "requestContext": {
            "serviceNetworkArn": choices.arn("vpc-lattice", "servicenetwork/sn-0123456789abcdef0"),
            "serviceArn": choices.arn("vpc-lattice", "service/svc-0123456789abcdef0"),
            "targetGroupArn": choices.arn("vpc-lattice", "targetgroup/tg-0123456789abcdef0"),
            "identity": {
                "sourceVpcArn": choices.arn("ec2", "vpc/vpc-0123456789abcdef0"),
                "type": "AWS_IAM",
                "principal": f"arn:aws:sts::{ACCOUNT}:assumed-role/my-role/example",
                "sessionName": "example",
            },
            "region": choices.region,
            "timeEpoch": str(choices.milliseconds * 1000),
        },
    }


def _edge(choices: Choices) -> Event:
    kind, host = choices.type or "viewer-request", "d111111abcdef8.cloudfront.net"
    headers: dict[str, list[dict[str, str]]] = {}
    for name, value in (("Host", host), ("User-Agent", "wherry"), *choices.headers):
        headers.setdefault(name.lower(), []).append({"key": name, "value": value})
    request: Event = {
        "clientIp": "127.0.0.1",
        "headers": headers,
        "method": choices.method,
        "querystring": choices.query,
        "uri": choices.path,
    }
    if choices.body is not None:
        request["body"] = {
            "inputTruncated": False,
            "action": "read-only",
            "encoding": "base64",
            "data": encoded(choices.body),
        }
    if kind.startswith("origin"):
        request["origin"] = {
            "custom": {
                "customHeaders": {},
                "domainName": "example.com",
                "keepaliveTimeout": 5,
                "path": "",
                "port": 443,
                "protocol": "https",
                "readTimeout": 30,
                "sslProtocols": ["TLSv1.2"],
            }
        }
    described: Event = {
        "config": {
            "distributionDomainName": host,
            "distributionId": "EDFDVBD6EXAMPLE",
            "eventType": kind,
            "requestId": encoded(new_id().encode()),
        },
        "request": request,
    }
    if kind.endswith("response"):
        described["response"] = {
            "headers": {"content-type": [{"key": "Content-Type", "value": "text/html"}]},
            "status": "200",
            "statusDescription": "OK",
        }
    return {"Records": [{"cf": described}]}


_REQUEST = ("method", "path", "query", "headers", "body")
_HTTP = {
    EventFormat.REST: ("rest", "a request to a REST API of API Gateway (format 1.0)"),
    EventFormat.HTTP: ("http", "a request to an HTTP API of API Gateway (format 2.0)"),
    EventFormat.FUNCTION_URL: ("function-url", "a request to a function URL"),
    EventFormat.ALB: ("alb", "a request to a load balancer"),
    EventFormat.ALB_MULTI: ("alb-multi", "the same with multi-value headers"),
}

WEB = (
    *(
        Kind(
            name=name,
            summary=summary,
            make=partial(_request, form),
            options=(*_REQUEST, "claims") if name in {"rest", "http"} else _REQUEST,
        )
        for form, (name, summary) in _HTTP.items()
    ),
    Kind(
        name="websocket",
        summary="a message or a change of a connection to a WebSocket API (--name: the route)",
        make=_websocket,
        options=("type", "body", "name", "headers"),
        types=("MESSAGE", "CONNECT", "DISCONNECT"),
    ),
    Kind(
        name="lattice",
        summary="a request to a service of VPC Lattice (version 2)",
        make=partial(_lattice, 2),
        options=_REQUEST,
    ),
    Kind(
        name="lattice-1",
        summary="the same in version 1",
        make=partial(_lattice, 1),
        options=_REQUEST,
    ),
    Kind(
        name="edge",
        summary="a request or response that CloudFront hands to Lambda@Edge",
        make=_edge,
        options=("type", *_REQUEST),
        types=("viewer-request", "origin-request", "origin-response", "viewer-response"),
    ),
    Kind(
        name="authorizer-token",
        summary="a token that an authorizer of a REST API is asked about (--body: the token)",
        make=_authorizer_token,
        options=("body", "method", "path"),
    ),
    Kind(
        name="authorizer-request",
        summary="a request that an authorizer of a REST API is asked about",
        make=_authorizer_request,
        options=("method", "path", "query", "headers"),
    ),
    Kind(
        name="authorizer-http",
        summary="a request that an authorizer of an HTTP API is asked about",
        make=_authorizer_http,
        options=("method", "path", "query", "headers"),
    ),
)
