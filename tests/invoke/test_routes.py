"""Which route a request takes, as AWS's documentation of HTTP and REST APIs has it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from wherry.errors import InvokeError
from wherry.invoke.api import Api, Call, make_event
from wherry.invoke.request import EventFormat, HttpRequest, HttpResponse
from wherry.invoke.routes import check_routes, choose_route, parse_route

# The routes of "Working with routes for HTTP APIs", each with a function of its name.
DOCUMENTED = (
    "GET /pets/dog/1",
    "GET /pets/dog/{id}",
    "GET /pets/{proxy+}",
    "ANY /{proxy+}",
    "$default",
)


def chosen(routes: tuple[str, ...], method: str, path: str, *, path_first: bool = False) -> Any:
    match = choose_route(
        [parse_route(route, route) for route in routes], method, path, path_first=path_first
    )
    return match and (match.route.function, dict(match.parameters))


@pytest.mark.parametrize(
    ("method", "path", "route", "parameters"),
    [
        ("GET", "/pets/dog/1", "GET /pets/dog/1", {}),
        ("GET", "/pets/dog/2", "GET /pets/dog/{id}", {"id": "2"}),
        ("GET", "/pets/cat/1", "GET /pets/{proxy+}", {"proxy": "cat/1"}),
        ("GET", "/pets/dog/2/toys", "GET /pets/{proxy+}", {"proxy": "dog/2/toys"}),
        ("POST", "/test/5", "ANY /{proxy+}", {"proxy": "test/5"}),
        ("POST", "/pets/dog/1", "ANY /{proxy+}", {"proxy": "pets/dog/1"}),
        ("GET", "/", "$default", {}),
    ],
)
def test_the_documented_priorities(
    method: str, path: str, route: str, parameters: dict[str, str]
) -> None:
    for routes in (DOCUMENTED, DOCUMENTED[::-1]):
        assert chosen(routes, method, path) == (route, parameters)


@pytest.mark.parametrize(
    ("routes", "path", "expected"),
    [
        (("/a/{x}", "/{y}/b"), "/a/b", "/a/{x}"),
        (("/a/{proxy+}", "/{proxy+}"), "/a/b/c", "/a/{proxy+}"),
        (("/a/{x}/{proxy+}", "/a/{proxy+}"), "/a/b/c", "/a/{x}/{proxy+}"),
        (("/{a}/{b}", "/{proxy+}"), "/1/2", "/{a}/{b}"),
        (("ANY /a", "GET /a"), "/a", "GET /a"),
        (("/a~b",), "/a%7eb", "/a~b"),
        (("/a",), "/a/", None),
        (("/a/{x}",), "/a/", None),
        (("/a/{proxy+}",), "/a/", None),
        (("/a/{proxy+}",), "/a", None),
        (("/a",), "/A", None),
        (("/",), "/", "/"),
    ],
)
def test_one_route_or_another(routes: tuple[str, ...], path: str, expected: str | None) -> None:
    found = chosen(routes, "GET", path)
    assert (found and found[0]) == expected


def test_a_rest_api_finds_the_resource_first() -> None:
    routes = ("POST /a", "ANY /{proxy+}")
    assert chosen(routes, "GET", "/a", path_first=True) is None
    assert chosen(routes, "GET", "/a") == ("ANY /{proxy+}", {"proxy": "a"})
    assert chosen(("GET /a",), "GET", "/a/", path_first=True) == ("GET /a", {})


def test_values_stay_encoded_until_the_service_decodes_them() -> None:
    assert chosen(("/orders/{id}",), "GET", "/orders/a%2Fb") == ("/orders/{id}", {"id": "a%2Fb"})


@pytest.mark.parametrize(
    "text", ["a", "GET", "/{x}y", "/{proxy+}/a", "/a//b", "PURGE /a", "/a?b", ""]
)
def test_what_is_no_route(text: str) -> None:
    with pytest.raises(ValueError, match="is not a route"):
        parse_route(text, "f")


def test_two_functions_for_the_same_requests() -> None:
    routes = [parse_route("GET /a/{x}", "f"), parse_route("GET /a/{y}", "g")]
    with pytest.raises(InvokeError, match="the same route") as caught:
        check_routes(routes)
    assert caught.value.where == ("`GET /a/{x}` of `f`", "`GET /a/{y}` of `g`")
    check_routes([parse_route("GET /a/{x}", "f"), parse_route("/a/{x}", "g"), routes[0]])


def api(form: EventFormat, stage: str | None = None) -> Api:
    return Api(
        form=form,
        stage=stage,
        functions=("orders", "Site"),
        routes=(parse_route("GET /orders/{id}", "orders"), parse_route("/{proxy+}", "Site")),
    )


def event_of(api: Api, path: str, method: str = "GET") -> Any:
    call = api.find(HttpRequest(method=method, path=path))
    assert isinstance(call, Call)
    event = make_event(call, {})
    assert event is not None
    return json.loads(event)


def test_the_event_of_an_http_api() -> None:
    event = event_of(api(EventFormat.HTTP), "/orders/a%20b")
    assert event["routeKey"] == event["requestContext"]["routeKey"] == "GET /orders/{id}"
    assert event["pathParameters"] == {"id": "a b"}
    assert event["rawPath"] == "/orders/a b"
    assert event["requestContext"]["stage"] == "$default"
    assert event_of(api(EventFormat.HTTP), "/orders/1", "PUT")["routeKey"] == "ANY /{proxy+}"


def test_the_event_of_an_http_api_with_a_stage() -> None:
    """Its path keeps the stage (AWS's documentation of format 2.0)."""
    event = event_of(api(EventFormat.HTTP, "beta"), "/beta/orders/1")
    assert event["rawPath"] == event["requestContext"]["http"]["path"] == "/beta/orders/1"
    assert event["requestContext"]["stage"] == "beta"
    assert event["pathParameters"] == {"id": "1"}


def test_the_event_of_a_rest_api() -> None:
    event = event_of(api(EventFormat.REST), "/orders/a%20b")
    assert event["resource"] == event["requestContext"]["resourcePath"] == "/orders/{id}"
    assert event["pathParameters"] == {"id": "a%20b"}
    assert event["path"] == "/orders/a%20b"


def test_the_event_of_a_rest_api_with_a_stage() -> None:
    event = event_of(api(EventFormat.REST, "beta"), "/beta/x/y")
    assert (event["path"], event["requestContext"]["path"]) == ("/x/y", "/beta/x/y")
    assert event["requestContext"]["stage"] == "beta"
    assert event["pathParameters"] == {"proxy": "x/y"}


@pytest.mark.parametrize(
    ("form", "path", "status", "body"),
    [
        (EventFormat.HTTP, "/beta", 404, b'{"message":"Not Found"}'),
        (EventFormat.HTTP, "/orders/1", 404, b'{"message":"Not Found"}'),
        (EventFormat.REST, "/beta", 403, b'{"message":"Missing Authentication Token"}'),
        (EventFormat.REST, "/betamax", 403, b'{"message":"Forbidden"}'),
    ],
)
def test_no_route(form: EventFormat, path: str, status: int, body: bytes) -> None:
    answer = api(form, "beta").find(HttpRequest(method="GET", path=path))
    assert isinstance(answer, HttpResponse)
    assert (answer.status, answer.body) == (status, body)
    assert answer.fault is not None


@pytest.mark.parametrize("host", ["site.localhost:8000", "Site.localhost"])
def test_a_function_has_a_host_of_its_own(host: str) -> None:
    request = HttpRequest(method="GET", path="/orders/1", headers=(("Host", host),))
    call = api(EventFormat.FUNCTION_URL).find(request)
    assert isinstance(call, Call)
    assert call.function == "Site"
    for other in ("localhost:8000", "x.localhost", "site.example"):
        request = HttpRequest(method="GET", path="/orders/1", headers=(("Host", other),))
        found = api(EventFormat.FUNCTION_URL).find(request)
        assert isinstance(found, Call)
        assert found.function == "orders"
