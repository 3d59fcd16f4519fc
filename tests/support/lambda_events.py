"""Events as AWS's services hand them to a function, and what the services make of the function's answer.

Written after AWS's documentation of each service, by hand: none of Wherry's code has a part in it. A request is
given as a client sends it, and each service tells it in its own way:

- a REST API leaves the path as it came and decodes the query into maps, of last values and of all values;
- an HTTP API decodes the path, leaves the query, takes cookies out of the headers and joins repeated values
  with commas; in the older format 1.0 it looks like a REST API, but for the version and the stage in the path;
- a load balancer decodes nothing, and tells last values, or all values where multi-value headers are on;
- a function URL is like an HTTP API that leaves the path alone;
- VPC Lattice decodes nothing; version 1 has the query in the path, version 2 has lists of values;
- Lambda@Edge has lists of headers, and the path and the query as the viewer sent them.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

__all__ = ["KINDS", "Answer", "Request", "event_of", "read_answer"]

KINDS = ("rest", "http", "alb", "alb-multi", "url", "lattice-1", "lattice-2", "edge")

ADDRESS = "198.51.100.7"


@dataclass(frozen=True)
class Request:
    """A request as a client sends it: the target is not decoded."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    base64: bool = False

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]


@dataclass(frozen=True)
class Answer:
    """What the client gets in the end: names of headers in small letters, cookies apart."""

    status: int
    headers: dict[str, str]
    cookies: list[str]
    body: bytes
    base64: bool


def last(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    return dict(pairs)


def every(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def decoded(query: str) -> list[tuple[str, str]]:
    return parse_qsl(query, keep_blank_values=True)


def undecoded(query: str) -> list[tuple[str, str]]:
    return [
        (name, value)
        for pair in query.split("&")
        if pair
        for name, _, value in [pair.partition("=")]
    ]


def body_of(request: Request) -> tuple[str | None, bool]:
    if request.base64:
        return base64.b64encode(request.body).decode(), True
    return request.body.decode() or None, False


def event_of(kind: str, request: Request, *, stage: str | None = None) -> dict[str, Any]:
    """The event that the service makes of the request; a stage stands in the address before the path."""
    return {
        "rest": rest_api,
        "http": http_api,
        "http-1.0": http_api_1,
        "alb": load_balancer,
        "alb-multi": load_balancer_multi,
        "url": function_url,
        "lattice-1": lattice_1,
        "lattice-2": lattice_2,
        "edge": edge,
    }[kind](request, stage)


def rest_api(request: Request, stage: str | None) -> dict[str, Any]:
    body, is_base64 = body_of(request)
    headers = [
        ("Host", "abcdef1234.execute-api.eu-west-1.amazonaws.com"),
        ("X-Forwarded-For", ADDRESS),
        ("X-Forwarded-Port", "443"),
        ("X-Forwarded-Proto", "https"),
        *request.headers,
    ]
    query = decoded(request.query)
    return {
        "resource": "/{proxy+}",
        "path": request.path,
        "httpMethod": request.method,
        "headers": last(headers),
        "multiValueHeaders": every(headers),
        "queryStringParameters": last(query) or None,
        "multiValueQueryStringParameters": every(query) or None,
        "pathParameters": {"proxy": request.path.lstrip("/")},
        "stageVariables": None,
        "requestContext": {
            "resourceId": "abc123",
            "resourcePath": "/{proxy+}",
            "httpMethod": request.method,
            "path": f"/{stage}{request.path}" if stage else request.path,
            "accountId": "123456789012",
            "protocol": "HTTP/1.1",
            "stage": stage or "prod",
            "requestTimeEpoch": 1583798639428,
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "identity": {"sourceIp": ADDRESS, "userAgent": "tests", "cognitoIdentityId": None},
            "authorizer": {"principalId": "ada"},
            "domainName": "abcdef1234.execute-api.eu-west-1.amazonaws.com",
            "apiId": "abcdef1234",
        },
        "body": body,
        "isBase64Encoded": is_base64,
    }


def http_api(request: Request, stage: str | None) -> dict[str, Any]:
    return version_2(
        request,
        stage=stage,
        path=unquote(request.path),
        domain="abcdef1234.execute-api.eu-west-1.amazonaws.com",
    )


def function_url(request: Request, stage: str | None) -> dict[str, Any]:
    assert stage is None, "a function URL has no stages"
    return version_2(
        request,
        stage=None,
        path=request.path,
        domain="abcdefghijklmnopqrstuvwxyz.lambda-url.eu-west-1.on.aws",
    )


def version_2(request: Request, *, stage: str | None, path: str, domain: str) -> dict[str, Any]:
    body, is_base64 = body_of(request)
    full = f"/{stage}{path}" if stage else path
    given = every((name.lower(), value) for name, value in request.headers)
    cookies = [part.strip() for value in given.pop("cookie", []) for part in value.split(";")]
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": full,
        "rawQueryString": request.query,
        "headers": {
            "host": domain,
            "x-forwarded-for": ADDRESS,
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
            **{name: ",".join(values) for name, values in given.items()},
        },
        "requestContext": {
            "accountId": "123456789012",
            "apiId": domain.partition(".")[0],
            "domainName": domain,
            "domainPrefix": domain.partition(".")[0],
            "http": {
                "method": request.method,
                "path": full,
                "protocol": "HTTP/1.1",
                "sourceIp": ADDRESS,
                "userAgent": "tests",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "$default",
            "stage": stage or "$default",
            "time": "10/Mar/2020:05:16:23 +0000",
            "timeEpoch": 1583817383220,
        },
        "isBase64Encoded": is_base64,
    }
    # What there is none of is left out in this format.
    if cookies:
        event["cookies"] = cookies
    if request.query:
        event["queryStringParameters"] = {
            name: ",".join(values) for name, values in every(decoded(request.query)).items()
        }
    if body is not None:
        event["body"] = body
    return event


def http_api_1(request: Request, stage: str | None) -> dict[str, Any]:
    event = rest_api(request, stage)
    full = unquote(f"/{stage}{request.path}" if stage else request.path)
    event.update(version="1.0", path=full)
    event["requestContext"].update(path=full, stage=stage or "$default")
    return event


def load_balancer(request: Request, stage: str | None) -> dict[str, Any]:
    assert stage is None, "a load balancer has no stages"
    body, is_base64 = body_of(request)
    headers = [
        ("host", "shop-1234567890.eu-west-1.elb.amazonaws.com"),
        ("x-amzn-trace-id", "Root=1-5c536348-3d683b8b04734faae651f476"),
        # The client's own word comes first; the load balancer adds what it saw.
        ("x-forwarded-for", f"10.0.0.1, {ADDRESS}"),
        ("x-forwarded-port", "80"),
        ("x-forwarded-proto", "http"),
        *((name.lower(), value) for name, value in request.headers),
    ]
    return {
        "requestContext": {
            "elb": {
                "targetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/shop/49e9d65c45c6791a"
            }
        },
        "httpMethod": request.method,
        "path": request.path,
        "queryStringParameters": last(undecoded(request.query)),
        "headers": last(headers),
        "body": body or "",
        "isBase64Encoded": is_base64,
    }


def load_balancer_multi(request: Request, stage: str | None) -> dict[str, Any]:
    event = load_balancer(request, stage)
    del event["queryStringParameters"], event["headers"]
    headers = [
        ("host", "shop-1234567890.eu-west-1.elb.amazonaws.com"),
        ("x-forwarded-for", f"10.0.0.1, {ADDRESS}"),
        ("x-forwarded-port", "80"),
        ("x-forwarded-proto", "http"),
        *((name.lower(), value) for name, value in request.headers),
    ]
    return {
        **event,
        "multiValueQueryStringParameters": every(undecoded(request.query)),
        "multiValueHeaders": every(headers),
    }


def lattice_headers(request: Request) -> dict[str, list[str]]:
    return every(
        [
            ("host", "shop-0123456789abcdef0.7d67968.vpc-lattice-svcs.eu-west-1.on.aws"),
            ("x-forwarded-for", ADDRESS),
            *((name.lower(), value) for name, value in request.headers),
        ]
    )


def lattice_1(request: Request, stage: str | None) -> dict[str, Any]:
    assert stage is None, "VPC Lattice has no stages"
    body, is_base64 = body_of(request)
    return {
        "raw_path": request.target,
        "method": request.method,
        "headers": {name: ", ".join(values) for name, values in lattice_headers(request).items()},
        "query_string_parameters": last(undecoded(request.query)),
        "body": body or "",
        "is_base64_encoded": is_base64,
    }


def lattice_2(request: Request, stage: str | None) -> dict[str, Any]:
    assert stage is None, "VPC Lattice has no stages"
    body, is_base64 = body_of(request)
    return {
        "version": "2.0",
        "path": request.path,
        "method": request.method,
        "headers": lattice_headers(request),
        "queryStringParameters": every(undecoded(request.query)),
        "body": body or "",
        "isBase64Encoded": is_base64,
        "requestContext": {
            "serviceNetworkArn": "arn:aws:vpc-lattice:eu-west-1:123456789012:servicenetwork/sn-1",
            "serviceArn": "arn:aws:vpc-lattice:eu-west-1:123456789012:service/svc-1",
            "targetGroupArn": "arn:aws:vpc-lattice:eu-west-1:123456789012:targetgroup/tg-1",
            "identity": {"sourceVpcArn": "arn:aws:ec2:eu-west-1:123456789012:vpc/vpc-1"},
            "region": "eu-west-1",
            "timeEpoch": "1696331543569073",
        },
    }


def edge(request: Request, stage: str | None) -> dict[str, Any]:
    assert stage is None, "CloudFront has no stages"
    headers = every([("Host", "d111111abcdef8.cloudfront.net"), *request.headers])
    described: dict[str, Any] = {
        "clientIp": ADDRESS,
        "headers": {
            name.lower(): [{"key": name, "value": value} for value in values]
            for name, values in headers.items()
        },
        "method": request.method,
        "querystring": request.query,
        "uri": request.path,
    }
    if request.body:
        described["body"] = {
            "inputTruncated": False,
            "action": "read-only",
            "encoding": "base64",
            "data": base64.b64encode(request.body).decode(),
        }
    config = {
        "distributionDomainName": "d111111abcdef8.cloudfront.net",
        "distributionId": "EDFDVBD6EXAMPLE",
        "eventType": "viewer-request",
        "requestId": "4TyzHTaYWb1GX1qTfsHhEqV6HUDd_BzoBZnwfnvQc_1oF26ClkoUSEQ==",
    }
    return {"Records": [{"cf": {"config": config, "request": described}}]}


def read_edge_answer(answer: dict[str, Any]) -> Answer:
    """What CloudFront makes of a response that a function generates."""
    assert set(answer) == {"status", "statusDescription", "headers", "body", "bodyEncoding"}
    assert isinstance(answer["status"], str)
    pairs = []
    for name, values in answer["headers"].items():
        assert name == name.lower() != "content-length"
        for value in values:
            assert value["key"].lower() == name
            pairs.append((name, value["value"]))
    is_base64 = {"base64": True, "text": False}[answer["bodyEncoding"]]
    body = answer["body"].encode()
    return Answer(
        status=int(answer["status"]),
        headers={name: value for name, value in pairs if name != "set-cookie"},
        cookies=[value for name, value in pairs if name == "set-cookie"],
        body=base64.b64decode(body, validate=True) if is_base64 else body,
        base64=is_base64,
    )


def read_answer(kind: str, answer: dict[str, Any]) -> Answer:
    """What the service sends to the client; it is strict about what the service would refuse or overlook."""
    if kind == "edge":
        return read_edge_answer(answer)
    assert isinstance(answer["statusCode"], int)
    assert isinstance(answer["body"], str)
    assert isinstance(answer["isBase64Encoded"], bool)
    assert set(answer) <= {
        "statusCode", "statusDescription", "headers", "multiValueHeaders", "cookies", "body",
        "isBase64Encoded",
    }  # fmt: skip
    pairs: list[tuple[str, str]] = []
    if kind in {"http", "url"}:
        assert "multiValueHeaders" not in answer, "overlooked in format 2.0"
        pairs += answer.get("headers", {}).items()
        pairs += [("set-cookie", cookie) for cookie in answer.get("cookies", [])]
    else:
        assert "cookies" not in answer, "known in format 2.0 only"
        several = answer.get("multiValueHeaders", {})
        if kind in {"alb", "lattice-1", "lattice-2"}:
            assert not several, "refused when multi-value headers are off"
        if kind == "alb-multi":
            assert "headers" not in answer, "refused when multi-value headers are on"
        # The very same name in both is one of `multiValueHeaders`.
        pairs += [
            (name, value)
            for name, value in answer.get("headers", {}).items()
            if name not in several
        ]
        pairs += [(name, value) for name, values in several.items() for value in values]
    assert {type(part) for pair in pairs for part in pair} <= {str}
    body = answer["body"].encode()
    return Answer(
        status=answer["statusCode"],
        headers={name.lower(): value for name, value in pairs if name.lower() != "set-cookie"},
        cookies=[value for name, value in pairs if name.lower() == "set-cookie"],
        body=base64.b64decode(body, validate=True) if answer["isBase64Encoded"] else body,
        base64=answer["isBase64Encoded"],
    )
