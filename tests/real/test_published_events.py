"""Requests in the events that adapters for web applications are tested with, as they publish them on PyPI.

The events are read out of the tests in the source distributions of Mangum, apig-wsgi and Zappa; none of their code is run.
What an application must see of each is told by ``told``, after AWS's documentation. Where the raw event and the claims
of an authorizer are is what the documentation of each adapter, and of serverless-wsgi, says.
"""

from __future__ import annotations

import ast
import asyncio
import base64
import json
import tarfile
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest

from support.contexts import context
from support.lambda_events import Request, event_of
from wherry.shims.on_lambda.events import make_handler
from wherry.store import Store
from wherry.wheels.pinned import PinnedFile, fetch_pinned

pytestmark = pytest.mark.real

ARCHIVES = {
    "mangum": (
        "mangum-0.19.0.tar.gz",
        "e388e7c491b7b67970f8234e46fd4a7b21ff87785848f418de08148f71cf0bd6",
    ),
    "apig-wsgi": (
        "apig_wsgi-2.20.0.tar.gz",
        "9c6aea1e96688b5848efb409ae3c3afb4ed2b162cd71dab683b1466a7387b964",
    ),
    "zappa": (
        "zappa-0.63.0.tar.gz",
        "1ab6e245ae22bb5998b6083b5c15ccab023615b012c3c7f4c6a08a62cef37c5d",
    ),
}


def is_request(event: Any) -> bool:
    """Whether it is an event of a request, with all that a service sends, and not a part of one."""
    if not isinstance(event, dict):
        return False
    details = event.get("requestContext")
    if event.get("version") == "2.0":
        return isinstance(details, dict) and "http" in details and "rawPath" in event
    has_headers = isinstance(event.get("headers") or event.get("multiValueHeaders"), dict)
    return "httpMethod" in event and "path" in event and bool(details) and has_headers


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """The events by the adapter that they are from."""
    store = Store(tmp_path_factory.mktemp("store"))
    files = [PinnedFile(filename, sha256) for filename, sha256 in ARCHIVES.values()]
    found: dict[str, list[dict[str, Any]]] = {}
    for file, stored in zip(files, fetch_pinned(files, context(store)), strict=True):
        events = found.setdefault(file.name, [])
        with tarfile.open(stored.path) as archive:
            for member in archive:
                if "/test" not in member.name or not member.name.endswith(".py"):
                    continue
                content = archive.extractfile(member)
                assert content is not None
                for node in ast.walk(ast.parse(content.read())):
                    if isinstance(node, ast.Dict):
                        try:
                            event = ast.literal_eval(node)
                        except ValueError:
                            continue
                        if is_request(event):
                            events.append(event)
    return found


def listed(single: Any, multiple: Any) -> list[tuple[str, str]]:
    if multiple:
        return [(name, value) for name, values in multiple.items() for value in values]
    return [(name, value) for name, value in (single or {}).items() if value is not None]


def told(event: dict[str, Any]) -> dict[str, Any]:
    """What the application is to see, by the documentation of the service."""
    details = event["requestContext"]
    body = event.get("body") or ""
    data = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
    if event.get("version") == "2.0":
        headers = {name.lower(): value for name, value in event["headers"].items()}
        return {
            "method": details["http"]["method"],
            "path": unquote(event["rawPath"]),
            "query": parse_qsl(event.get("rawQueryString") or "", keep_blank_values=True),
            "body": data.decode("latin-1"),
            "cookies": "; ".join(event.get("cookies") or []) or headers.get("cookie", ""),
            "client": details["http"].get("sourceIp", "127.0.0.1"),
            "scheme": headers.get("x-forwarded-proto", "https"),
            "agent": headers.get("user-agent", ""),
        }
    pairs = listed(event.get("headers"), event.get("multiValueHeaders"))
    headers = {name.lower(): value for name, value in pairs}
    balanced = "elb" in details
    query = listed(event.get("queryStringParameters"), event.get("multiValueQueryStringParameters"))
    forwarded = headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    client = forwarded if balanced else (details.get("identity") or {}).get("sourceIp")
    path = event["path"]
    # The path of the context has the stage, or the mapping of the domain, before it.
    full = details.get("path") or path
    return {
        "method": event["httpMethod"],
        "path": unquote(full if full.rstrip("/").endswith(path.rstrip("/")) else path),
        "query": [
            (unquote(name.replace("+", " ")), unquote(str(value).replace("+", " ")))
            if balanced
            else (name, str(value))
            for name, value in query
        ],
        "body": data.decode("latin-1"),
        "cookies": headers.get("cookie", ""),
        "client": client or "127.0.0.1",
        "scheme": headers.get("x-forwarded-proto", "https").rpartition(",")[2].strip(),
        "agent": headers.get("user-agent", ""),
    }


def seen_by_wsgi(event: dict[str, Any], details: object = None) -> dict[str, Any]:
    from wherry.shims.on_lambda.wsgi import responder

    seen: dict[str, Any] = {}

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        environ["wsgi.input"] = environ["wsgi.input"].read()
        seen.update(environ)
        start_response("200 OK", [("content-type", "text/plain")])
        return [b"ok"]

    make_handler(responder(app))(event, details)

    def text(name: str) -> str:
        return str(seen.get(name, "")).encode("latin-1").decode()

    return {
        "method": seen["REQUEST_METHOD"],
        "path": text("SCRIPT_NAME") + text("PATH_INFO"),
        "query": parse_qsl(seen["QUERY_STRING"], keep_blank_values=True),
        "body": seen["wsgi.input"].decode("latin-1"),
        "cookies": text("HTTP_COOKIE"),
        "client": seen["REMOTE_ADDR"],
        "scheme": seen["wsgi.url_scheme"],
        "agent": text("HTTP_USER_AGENT"),
        "all": seen,
    }


def seen_by_asgi(event: dict[str, Any], details: object = None) -> dict[str, Any]:
    from wherry.shims.on_lambda.asgi import responder

    seen: dict[str, Any] = {}

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            raise NotImplementedError
        seen.update(scope, body=(await receive())["body"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})

    make_handler(responder(app))(event, details)
    asyncio.get_event_loop().close()
    headers = {name.decode(): value.decode() for name, value in seen["headers"]}
    return {
        "method": seen["method"],
        "path": seen["path"],
        "query": parse_qsl(seen["query_string"].decode(), keep_blank_values=True),
        "body": seen["body"].decode("latin-1"),
        "cookies": headers.get("cookie", ""),
        "client": seen["client"][0],
        "scheme": seen["scheme"],
        "agent": headers.get("user-agent", ""),
        "all": seen,
    }


SEEN_BY = {"wsgi": seen_by_wsgi, "asgi": seen_by_asgi}


@pytest.mark.parametrize("interface", SEEN_BY)
@pytest.mark.parametrize("adapter", ARCHIVES)
def test_a_published_event(
    adapter: str, interface: str, published: dict[str, list[dict[str, Any]]]
) -> None:
    events = published[adapter]
    assert len(events) >= {"mangum": 4, "apig-wsgi": 1, "zappa": 20}[adapter]
    for event in events:
        seen = SEEN_BY[interface](event)
        seen.pop("all")
        expected = told(event)
        assert seen == expected, json.dumps(event)


CLAIMS = {"claims": {"sub": "ada"}, "principalId": "ada"}


@pytest.mark.parametrize("kind", ["rest", "http", "http-1.0"])
def test_the_event_and_the_claims_are_where_users_of_each_adapter_look(kind: str) -> None:
    event = event_of(kind, Request("GET", "/x"))
    event["requestContext"]["authorizer"] = CLAIMS
    details = object()
    environ = SEEN_BY["wsgi"](event, details)["all"]
    # apig-wsgi
    assert environ["apig_wsgi.full_event"] is event
    assert environ["apig_wsgi.request_context"] is event["requestContext"]
    assert environ["apig_wsgi.context"] is details
    # serverless-wsgi
    assert environ["serverless.event"] is event
    assert environ["serverless.context"] is details
    assert environ["serverless.authorizer"] is CLAIMS
    assert environ["REMOTE_USER"] == "ada"
    # Zappa
    assert environ["lambda.event"] is event
    assert environ["lambda.context"] is details
    assert environ["API_GATEWAY_AUTHORIZER"] is CLAIMS
    # Mangum, and Zappa for ASGI.
    scope = SEEN_BY["asgi"](event, details)["all"]
    assert scope["aws.event"] is scope["lambda.event"] is event
    assert scope["aws.context"] is scope["lambda.context"] is details
