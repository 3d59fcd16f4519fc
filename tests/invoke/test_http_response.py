"""What each service makes of what a function returns."""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import pytest

from wherry.invoke.http_response import http_response
from wherry.invoke.outcome import FunctionError, Invocation
from wherry.invoke.request import EventFormat, HttpResponse

URL, HTTP, REST = EventFormat.FUNCTION_URL, EventFormat.HTTP, EventFormat.REST
ALB, MULTI, HTTP_1 = EventFormat.ALB, EventFormat.ALB_MULTI, EventFormat.HTTP_1


def returned(value: Any, form: EventFormat, *, error: FunctionError | None = None) -> HttpResponse:
    payload = value if isinstance(value, bytes) else json.dumps(value).encode()
    return http_response(
        Invocation(
            request_id="id",
            payload=payload,
            error=error,
            seconds=0.1,
            init_seconds=None,
            peak_memory=None,
            timed_out=False,
            log=b"",
            memory=128,
        ),
        form,
    )


@pytest.mark.parametrize("form", list(EventFormat))
def test_a_structured_response(form: EventFormat) -> None:
    key = "multiValueHeaders" if form is MULTI else "headers"
    value: object = {"Content-Type": "text/css", "X-N": "1"}
    if form is MULTI:
        value = {"Content-Type": ["text/css"], "X-N": ["1"]}
    response = returned({"statusCode": 201, key: value, "body": "grün"}, form)
    assert response.status == 201
    assert response.headers == (("Content-Type", "text/css"), ("X-N", "1"))
    assert response.body == "grün".encode()
    assert response.fault is None


@pytest.mark.parametrize("form", list(EventFormat))
def test_binary(form: EventFormat) -> None:
    data = bytes(range(256))
    body = base64.b64encode(data).decode()
    response = returned({"statusCode": 200, "body": body, "isBase64Encoded": True}, form)
    assert response.body == data


@pytest.mark.parametrize("value", ["hello", {"message": "x"}, [1, 2], None, 7, {"body": "x"}])
@pytest.mark.parametrize("form", [URL, HTTP])
def test_format_2_takes_anything_else_for_the_body(form: EventFormat, value: object) -> None:
    response = returned(value, form)
    assert (response.status, json.loads(response.body)) == (200, value)
    assert response.headers == (("Content-Type", "application/json"),)


@pytest.mark.parametrize("value", ["hello", [1], None, {"body": "x"}])
@pytest.mark.parametrize("form", [REST, ALB, MULTI, HTTP_1])
def test_the_others_do_not(form: EventFormat, value: object) -> None:
    response = returned(value, form)
    assert response.status == (500 if form is HTTP_1 else 502)
    assert "malformed" in (response.fault or "")


def test_cookies_of_format_2() -> None:
    response = returned({"statusCode": 200, "cookies": ["a=1; Path=/", "b=2"]}, URL)
    assert [value for name, value in response.headers if name == "Set-Cookie"] == [
        "a=1; Path=/",
        "b=2",
    ]


@pytest.mark.parametrize("form", [REST, HTTP_1])
def test_an_api_merges_both_kinds_of_headers(form: EventFormat) -> None:
    response = returned(
        {
            "statusCode": 200,
            "headers": {"A": "1", "B": "1"},
            "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"], "B": ["1", "2"]},
            # Of format 2.0 alone.
            "cookies": ["c=3"],
            "body": "x" * (2 << 20),
        },
        form,
    )
    assert response.headers[:-1] == (
        ("A", "1"),
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
        ("B", "1"),
        ("B", "2"),
    )
    assert response.headers[-1][0] == "Content-Type"


def test_a_load_balancer_takes_the_kind_it_is_set_to() -> None:
    value = {
        "statusCode": 200,
        "headers": {"A": "single"},
        "multiValueHeaders": {"A": ["multi", "multi2"]},
    }
    assert dict(returned(value, ALB).headers)["A"] == "single"
    assert [one for name, one in returned(value, MULTI).headers if name == "A"] == [
        "multi",
        "multi2",
    ]


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        (URL, "application/json"),
        (HTTP, "text/plain;charset=UTF-8"),
        (HTTP_1, "text/plain;charset=UTF-8"),
        (REST, "application/json"),
        (ALB, "application/octet-stream"),
    ],
)
def test_the_type_where_none_is_said(form: EventFormat, kind: str) -> None:
    assert returned({"statusCode": 200, "body": "x"}, form).headers == (("Content-Type", kind),)


@pytest.mark.parametrize(
    ("form", "status", "body"),
    [
        (URL, 502, b"Internal Server Error"),
        (HTTP, 500, b'{"message":"Internal Server Error"}'),
        (HTTP_1, 500, b'{"message":"Internal Server Error"}'),
        (REST, 502, b'{"message": "Internal server error"}'),
        (ALB, 502, None),
        (MULTI, 502, None),
    ],
)
def test_a_function_that_failed(form: EventFormat, status: int, body: bytes | None) -> None:
    """The client is told nothing of why; the developer is."""
    error = FunctionError(type="ValueError", message="a secret")
    response = returned({"errorMessage": "a secret", "statusCode": 200}, form, error=error)
    assert response.status == status
    assert response.body == body or body is None
    assert b"secret" not in response.body
    assert response.fault == "the function failed: ValueError: a secret"


@pytest.mark.parametrize("form", list(EventFormat))
@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({"statusCode": 200, "body": {"a": 1}}, "`body` is not a string"),
        ({"statusCode": "ok"}, "not a status"),
        ({"statusCode": True}, "not a status"),
        ({"statusCode": 99}, "not a status"),
        ({"statusCode": None}, "not a status"),
        ({"statusCode": 200, "body": "%%", "isBase64Encoded": True}, "not base64"),
        ({"statusCode": 200, "isBase64Encoded": "yes"}, "not true or false"),
        ({"statusCode": "9" * 5000}, "not a status"),
        ({"statusCode": 103}, "not a status"),
        ({"statusCode": 200, "body": "", "x": math.nan}, "it is not JSON: it has NaN"),
        (b"\xff", "not JSON"),
    ],
)
def test_malformed(form: EventFormat, value: object, why: str) -> None:
    response = returned(value, form)
    assert response.status in {500, 502}
    assert why in (response.fault or "")


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ([], "not an object"),
        ({"a b": "1"}, "not a header's name"),
        ({"A": "1\r\nSet-Cookie: x=1"}, "line break"),
        ({"A": ["1"]}, "not a string"),
        ({"A": None}, "not a string"),
    ],
)
def test_malformed_headers(headers: object, why: str) -> None:
    response = returned({"statusCode": 200, "headers": headers}, URL)
    assert response.status == 502
    assert why in (response.fault or "")


def test_headers_that_the_service_says_itself() -> None:
    headers = {"WWW-Authenticate": "Basic", "Content-Length": "7", "Transfer-Encoding": "chunked"}
    value = {"statusCode": 401, "headers": headers, "body": "no"}
    names = {name for name, _ in returned(value, URL).headers}
    assert names == {
        "x-amzn-Remapped-WWW-Authenticate",
        "x-amzn-Remapped-Content-Length",
        "Content-Type",
    }
    assert dict(returned(value, ALB).headers)["WWW-Authenticate"] == "Basic"


def test_numbers_and_truth_in_headers() -> None:
    response = returned({"statusCode": "200", "headers": {"A": 1, "B": True, "C": 1.5}}, URL)
    assert response.status == 200
    assert response.headers[:3] == (("A", "1"), ("B", "true"), ("C", "1.5"))


def test_a_load_balancer_carries_a_mebibyte() -> None:
    value = {"statusCode": 200, "body": "x" * (1024 * 1024 + 1)}
    assert returned(value, URL).status == 200
    assert returned(value, ALB).status == 502
