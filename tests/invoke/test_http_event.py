"""The events of each service, after AWS's documentation."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from wherry.invoke.http_event import http_event
from wherry.invoke.request import EventFormat, HttpRequest
from wherry.invoke.routes import RouteMatch, parse_route

REQUEST = HttpRequest(
    method="POST",
    path="/a%2Fb/%C3%BC",
    query="q=1&q=%32+x&flag&n=a%26b",
    headers=(
        ("Host", "shop.example"),
        ("Accept", "text/html"),
        ("Accept", "text/plain"),
        ("Cookie", "a=1; b=2"),
        ("Content-Type", "application/json; charset=utf-8"),
        ("Connection", "keep-alive"),
    ),
    body='{"n": "ü"}'.encode(),
    source_ip="192.0.2.1",
)


def event(form: EventFormat, request: HttpRequest = REQUEST) -> dict[str, Any]:
    return http_event(request, form, region="eu-west-1")


def test_a_function_url() -> None:
    """Issue's row: Function URL. The path stays as it came, cookies have a field of their own."""
    made = event(EventFormat.FUNCTION_URL)
    assert made["version"] == "2.0"
    assert made["rawPath"] == made["requestContext"]["http"]["path"] == "/a%2Fb/%C3%BC"
    assert made["rawQueryString"] == "q=1&q=%32+x&flag&n=a%26b"
    assert made["queryStringParameters"] == {"q": "1,2 x", "flag": "", "n": "a&b"}
    assert made["cookies"] == ["a=1", "b=2"]
    headers = made["headers"]
    assert headers["accept"] == "text/html,text/plain"
    assert headers["x-forwarded-for"] == "192.0.2.1"
    assert (headers["x-forwarded-proto"], headers["x-forwarded-port"]) == ("https", "443")
    assert not {"cookie", "connection", "Accept"} & headers.keys()
    assert made["requestContext"]["http"]["method"] == "POST"
    assert made["requestContext"]["http"]["sourceIp"] == "192.0.2.1"
    assert made["requestContext"]["domainName"] == "local.lambda-url.eu-west-1.on.aws"
    assert (made["body"], made["isBase64Encoded"]) == ('{"n": "ü"}', False)


def test_an_http_api_decodes_the_path() -> None:
    made = event(EventFormat.HTTP)
    assert made["rawPath"] == "/a/b/ü"
    assert made["requestContext"]["domainName"] == "local.execute-api.eu-west-1.amazonaws.com"


def test_a_rest_api_has_last_and_all_values() -> None:
    made = event(EventFormat.REST)
    assert made["path"] == "/a%2Fb/%C3%BC"
    assert made["httpMethod"] == "POST"
    assert made["queryStringParameters"] == {"q": "2 x", "flag": "", "n": "a&b"}
    assert made["multiValueQueryStringParameters"] == {
        "q": ["1", "2 x"],
        "flag": [""],
        "n": ["a&b"],
    }
    assert made["headers"]["Accept"] == "text/plain"
    assert made["multiValueHeaders"]["Accept"] == ["text/html", "text/plain"]
    assert made["headers"]["Cookie"] == "a=1; b=2"
    assert made["body"] == '{"n": "ü"}'


def test_a_load_balancer_decodes_nothing() -> None:
    made = event(EventFormat.ALB)
    assert made["path"] == "/a%2Fb/%C3%BC"
    assert made["queryStringParameters"] == {"q": "%32+x", "flag": "", "n": "a%26b"}
    assert made["headers"]["accept"] == "text/plain"
    assert "multiValueHeaders" not in made
    assert "targetGroupArn" in made["requestContext"]["elb"]


def test_a_load_balancer_with_multiple_values() -> None:
    made = event(EventFormat.ALB_MULTI)
    assert made["multiValueQueryStringParameters"]["q"] == ["1", "%32+x"]
    assert made["multiValueHeaders"]["accept"] == ["text/html", "text/plain"]
    assert not {"headers", "queryStringParameters"} & made.keys()


@pytest.mark.parametrize("form", list(EventFormat))
def test_a_plain_get(form: EventFormat) -> None:
    made = event(form, HttpRequest(method="GET"))
    assert made["isBase64Encoded"] is False
    assert not made.get("body")
    assert not made.get("queryStringParameters")
    assert not made.get("cookies")
    if form is EventFormat.REST:
        assert made["body"] is made["queryStringParameters"] is made["pathParameters"] is None


@pytest.mark.parametrize("form", list(EventFormat))
@pytest.mark.parametrize(
    ("kind", "encoding", "body"),
    [
        ("image/png", None, b"\x89PNG\r\n"),
        ("text/plain", None, b"\xff\xfe"),
        ("application/json", "gzip", b"\x1f\x8b"),
        (None, None, b"\x00\xff"),
    ],
)
def test_binary_bodies(
    form: EventFormat, kind: str | None, encoding: str | None, body: bytes
) -> None:
    headers = [("content-type", kind)] if kind else []
    headers += [("content-encoding", encoding)] if encoding else []
    made = event(form, HttpRequest(method="PUT", headers=tuple(headers), body=body))
    assert made["isBase64Encoded"] is True
    assert base64.b64decode(made["body"]) == body


@pytest.mark.parametrize(
    "form", [EventFormat.FUNCTION_URL, EventFormat.HTTP, EventFormat.HTTP_1, EventFormat.ALB]
)
def test_a_form_comes_in_base64(form: EventFormat) -> None:
    """Only text and a few types are handed over as they are."""
    headers = (("content-type", "application/x-www-form-urlencoded"),)
    made = event(form, HttpRequest(method="POST", headers=headers, body=b"a=1"))
    assert (made["body"], made["isBase64Encoded"]) == ("YT0x", True)


def test_what_a_proxy_said_stays() -> None:
    headers = (("X-Forwarded-Proto", "http"), ("X-Forwarded-For", "203.0.113.9"))
    made = event(EventFormat.FUNCTION_URL, HttpRequest(method="GET", headers=headers))
    assert made["headers"]["x-forwarded-proto"] == "http"
    assert made["headers"]["x-forwarded-for"] == "203.0.113.9"


@pytest.mark.parametrize(
    ("stage", "path", "named"),
    [(None, "/a/b/ü", "$default"), ("beta", "/beta/a/b/ü", "beta")],
)
def test_an_http_api_with_format_1(stage: str | None, path: str, named: str) -> None:
    """As a REST API describes a request, apart from the path and the body, which an HTTP API treats in its own way."""
    route = RouteMatch(
        route=parse_route("POST /{one}/{rest+}", "f"), parameters={"one": "a%2Fb", "rest": "%C3%BC"}
    )
    made = http_event(REQUEST, EventFormat.HTTP_1, region="eu-west-1", route=route, stage=stage)
    context = made["requestContext"]
    assert (made["version"], made["httpMethod"]) == ("1.0", "POST")
    assert (made["path"], context["path"], context["stage"]) == (path, path, named)
    assert made["resource"] == context["resourcePath"] == "/{one}/{rest+}"
    assert made["pathParameters"] == {"one": "a/b", "rest": "ü"}
    assert made["multiValueQueryStringParameters"]["q"] == ["1", "2 x"]
    assert made["headers"]["Cookie"] == "a=1; b=2"
    assert not {"cookies", "rawPath", "routeKey"} & made.keys()
    assert http_event(REQUEST, EventFormat.HTTP_1)["resource"] == "$default"
