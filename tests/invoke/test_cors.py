"""What a Function URL with `Cors` answers, seen by a real HTTP client."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import requests

from support.serving import build_of, ran, serve_build, served_as
from wherry.invoke.outcome import Invocation
from wherry.settings.model import CorsSettings

SHOP = "https://shop.example"
STRICT = CorsSettings(
    allow_origins=(SHOP, "http://localhost:3000"),
    allow_methods=("GET", "PUT"),
    allow_headers=("x-mine",),
    expose_headers=("x-made",),
    allow_credentials=True,
    max_age=60,
)
OPEN = CorsSettings(allow_origins=("*",), allow_methods=("*",), allow_headers=("*",))


def hello(event: bytes) -> Invocation:
    assert json.loads(event)["requestContext"]["http"]["method"] != "OPTIONS"
    return ran(b'{"statusCode": 200, "headers": {"x-made": "1"}, "body": "hello"}')


@pytest.fixture(scope="module")
def urls() -> Iterator[dict[str, str]]:
    functions = [
        served_as("strict", hello, cors=STRICT),
        served_as("open", hello, cors=OPEN),
    ]
    routes = {"strict": ["/strict"], "open": ["/open"]}
    with serve_build(build_of(functions, routes)) as server:
        yield {name: f"{server.url}{name}" for name in routes}


def ask(url: str, method: str, **headers: str) -> dict[str, str]:
    """The headers of CORS that are answered."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = requests.request(method, url, headers=names, timeout=30)
    assert answer.status_code == 200
    assert answer.text == ("" if method == "OPTIONS" else "hello")
    return {
        name.lower().removeprefix("access-control-"): value
        for name, value in answer.headers.items()
        if name.lower().startswith(("access-control-", "vary"))
    }


def preflight(url: str, origin: str, method: str, headers: str = "") -> dict[str, str]:
    more = {"Access_Control_Request_Headers": headers} if headers else {}
    return ask(url, "OPTIONS", Origin=origin, Access_Control_Request_Method=method, **more)


def test_a_preflight_request(urls: dict[str, str]) -> None:
    assert preflight(urls["strict"], SHOP, "PUT", "x-mine") == {
        "allow-origin": SHOP,
        "allow-credentials": "true",
        "allow-methods": "GET,PUT",
        "allow-headers": "x-mine",
        "max-age": "60",
        "vary": "Origin",
    }
    assert preflight(urls["open"], SHOP, "DELETE", "x-a,x-b") == {
        "allow-origin": "*",
        "allow-methods": "DELETE",
        "allow-headers": "x-a,x-b",
    }


def test_a_preflight_request_without_permission(urls: dict[str, str]) -> None:
    assert preflight(urls["strict"], "https://other.example", "GET") == {}
    assert "allow-methods" not in preflight(urls["strict"], SHOP, "DELETE")


def test_a_request(urls: dict[str, str]) -> None:
    assert ask(urls["strict"], "GET", Origin=SHOP) == {
        "allow-origin": SHOP,
        "allow-credentials": "true",
        "expose-headers": "x-made",
        "vary": "Origin",
    }
    assert ask(urls["open"], "GET", Origin=SHOP) == {"allow-origin": "*"}
    assert ask(urls["strict"], "GET", Origin="https://other.example") == {}
    assert ask(urls["strict"], "GET") == {}
