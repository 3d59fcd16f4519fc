"""What is asked of every shim: requests, and what the client has to get, whatever the event's kind."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from support.lambda_events import ADDRESS, Answer, Request, event_of, read_answer

__all__ = ["EXCHANGES", "Invoke"]

Invoke = Callable[[dict[str, Any]], dict[str, Any]]


def ask(invoke: Invoke, kind: str, request: Request, *, stage: str | None = None) -> Answer:
    return read_answer(kind, invoke(event_of(kind, request, stage=stage)))


def echo(invoke: Invoke, kind: str, request: Request, *, stage: str | None = None) -> Any:
    answer = ask(invoke, kind, request, stage=stage)
    assert answer.status == 200, answer
    assert answer.headers["content-type"].startswith("application/json")
    assert not answer.base64
    return json.loads(answer.body)


def repeated_and_encoded_query(invoke: Invoke, kind: str) -> None:
    target = "/echo/q?a=1&a=2&b=x%2By&c=x+y&d=x%20y&e=%26%3D%C3%A9&f="
    found = echo(invoke, kind, Request("GET", target))
    expected = [["a", "1"], ["a", "2"], ["b", "x+y"], ["c", "x y"], ["d", "x y"], ["e", "&=é"]]
    if kind == "alb":
        # Of a repeated name this kind of event tells the last value alone.
        expected.remove(["a", "1"])
    assert found["query"] == [*expected, ["f", ""]]
    assert found["method"] == "GET"


def characters_of_the_path(invoke: Invoke, kind: str) -> None:
    found = echo(invoke, kind, Request("GET", "/echo/a+b%20c%2Bd%C3%A9;e=%25"))
    assert found["path"] == "/echo/a+b c+dé;e=%"
    assert found["rest"] == "a+b c+dé;e=%"


def what_is_decoded_once(invoke: Invoke, kind: str) -> None:
    found = echo(invoke, kind, Request("GET", "/echo/%2541?x=%2541"))
    assert found["path"] == "/echo/%41"
    assert found["query"] == [["x", "%41"]]


def no_query(invoke: Invoke, kind: str) -> None:
    assert echo(invoke, kind, Request("GET", "/echo/none"))["query"] == []


def where_it_came_from(invoke: Invoke, kind: str) -> None:
    request = Request(
        "GET",
        "/echo/here",
        headers=(("Cookie", "a=1; b=2"), ("X-Many", "one"), ("X-Many", "two")),
    )
    found = echo(invoke, kind, request)
    assert found["client"] == ADDRESS
    assert found["scheme"] == ("http" if kind.startswith("alb") else "https")
    assert found["host"].endswith((".amazonaws.com", ".on.aws", ".cloudfront.net"))
    assert found["cookies"] == {"a": "1", "b": "2"}
    assert found["many"].replace(" ", "") == ("two" if kind == "alb" else "one,two")
    assert found["root"] == ""
    # The lifespan of an ASGI application begins once, and its state is there.
    assert found.get("begun", ["once"]) == ["once"]


def behind_a_stage(invoke: Invoke, kind: str) -> None:
    if kind not in {"rest", "http", "http-1.0"}:
        return
    found = echo(invoke, kind, Request("GET", "/echo/a%20b?x=1"), stage="prod")
    assert found["path"] == "/echo/a b"
    assert found["root"] == "/prod"
    if "url" in found:
        # Starlette shows the path decoded, Flask and Django as it has to be written.
        assert unquote(found["url"]).partition("amazonaws.com")[2] == "/prod/echo/a b?x=1"


def json_posted(invoke: Invoke, kind: str) -> None:
    document = {"item": "wherry", "price": "12 €"}
    request = Request(
        "POST",
        "/json",
        headers=(("Content-Type", "application/json"),),
        body=json.dumps(document, ensure_ascii=False).encode(),
    )
    answer = ask(invoke, kind, request)
    assert answer.status == 201
    assert json.loads(answer.body) == document
    assert not answer.base64


def json_posted_as_base64(invoke: Invoke, kind: str) -> None:
    request = Request(
        "POST",
        "/json",
        headers=(("Content-Type", "application/json"),),
        body=b'{"a": 1}',
        base64=True,
    )
    assert json.loads(ask(invoke, kind, request).body) == {"a": 1}


def binary_both_ways(invoke: Invoke, kind: str) -> None:
    data = bytes(range(256))
    request = Request(
        "POST",
        "/binary",
        headers=(("Content-Type", "application/octet-stream"),),
        body=data,
        base64=True,
    )
    answer = ask(invoke, kind, request)
    assert answer.status == 200
    assert answer.body == data[::-1]
    assert answer.base64


def two_cookies(invoke: Invoke, kind: str) -> None:
    answer = ask(invoke, kind, Request("GET", "/cookies"))
    assert [cookie.partition(";")[0] for cookie in answer.cookies] == ["a=1", "b=2"]
    assert "httponly" in answer.cookies[1].lower()
    assert answer.body == b"two"


def not_found(invoke: Invoke, kind: str) -> None:
    assert ask(invoke, kind, Request("GET", "/nowhere")).status == 404


def an_application_that_fails(invoke: Invoke, kind: str) -> None:
    answer = ask(invoke, kind, Request("GET", "/boom"))
    assert answer.status == 500
    assert b"it went boom" not in answer.body
    # And it is there for the next.
    assert ask(invoke, kind, Request("GET", "/cookies")).status == 200


def streamed(invoke: Invoke, kind: str) -> None:
    answer = ask(invoke, kind, Request("GET", "/stream"))
    assert answer.body == b"0\n1\n2\n"
    assert not answer.base64


def compressed(invoke: Invoke, kind: str) -> None:
    answer = ask(invoke, kind, Request("GET", "/gzip"))
    assert answer.base64
    assert gzip.decompress(answer.body) == b"small"


def another_charset(invoke: Invoke, kind: str) -> None:
    answer = ask(invoke, kind, Request("GET", "/latin"))
    assert answer.body == b"caf\xe9"
    assert "iso-8859-1" in answer.headers["content-type"]


EXCHANGES = (
    repeated_and_encoded_query,
    characters_of_the_path,
    what_is_decoded_once,
    no_query,
    where_it_came_from,
    behind_a_stage,
    json_posted,
    json_posted_as_base64,
    binary_both_ways,
    two_cookies,
    not_found,
    an_application_that_fails,
    streamed,
    compressed,
    another_charset,
)
"""Each takes a function that invokes, and a kind of event, and asserts."""
