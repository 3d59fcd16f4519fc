"""The generated module, in this process, with applications of no framework.

S2: REST, HTTP API, ALB and function URL events are answered. S3: binary bodies, base64 input, two cookies, `+` in a
path, missing query strings.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from support.apps import ASGI, WSGI
from support.exchanges import EXCHANGES, Invoke, ask, echo
from support.interpreters import find_python
from support.lambda_events import KINDS, Request, event_of
from wherry.shims.on_lambda.events import Options, make_handler, rewrite
from wherry.shims.on_lambda.sources import read_request
from wherry.shims.package import Package
from wherry.shims.shim import AppOptions, plan_shim
from wherry.target import Target, find_architecture, find_runtime

TARGET = Target(runtime=find_runtime("python3.13"), architecture=find_architecture("arm64"))

# Reads events from its input, one a line, and writes the answers; as Lambda, it imports the handler first.
SERVER = """
import importlib, json, sys
sys.path.insert(0, sys.argv[1])
module, _, name = sys.argv[2].rpartition(".")
handler = getattr(importlib.import_module(module), name)
print("ready", flush=True)
for line in sys.stdin:
    try:
        answer = handler(json.loads(line), None)
    except Exception as error:
        answer = {"error": str(error)}
    print(json.dumps(answer), flush=True)
"""


def write_function(
    root: Path, text: str, *, app: str = "shop:app", interface: str | None = None
) -> str:
    """A folder as Lambda unzips one, without the adapter, which is installed where the tests run."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "shop.py").write_text(text, encoding="utf-8")
    shim = plan_shim(app, package_of(root), interface=interface, distributions={}, target=TARGET)
    for entry in shim.entries:
        path = root / entry.path
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(entry.payload.data)  # type: ignore[union-attr]
    return shim.handler


def package_of(root: Path) -> Package:
    def lookup(path: str) -> bytes | None:
        return (root / path).read_bytes() if (root / path).is_file() else None

    return Package(
        lookup=lookup,
        paths=lambda: [
            path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()
        ],
    )


class Function:
    """A process that answers events."""

    def __init__(self, root: Path, handler: str, python: str = sys.executable) -> None:
        self.log = root.parent / "stderr.txt"
        env = {**os.environ, "PYTHONWARNINGS": "error"}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [python, "-c", SERVER, str(root), handler],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=env,
            )
        assert self.process.stdout
        assert self.process.stdout.readline() == "ready\n", self.log.read_text()

    def __call__(self, event: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(event) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def close(self) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture(scope="module", params=["wsgi", "asgi"])
def function(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Function]:
    root = tmp_path_factory.mktemp(request.param) / "task"
    handler = write_function(root, {"wsgi": WSGI, "asgi": ASGI}[request.param])
    with closing(Function(root, handler)) as function:
        yield function


@pytest.mark.parametrize("kind", [*KINDS, "http-1.0"])
@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda each: each.__name__)
def test_an_exchange(
    function: Function, exchange: Callable[[Invoke, str], None], kind: str
) -> None:
    """S2, S3."""
    exchange(function, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_repeated_headers_are_joined_and_no_type_is_made_up(function: Function, kind: str) -> None:
    answer = ask(function, kind, Request("GET", "/repeated"))
    assert list(answer.headers) == ["link"]
    assert answer.headers["link"].replace(" ", "") == "<a>,<b>"
    assert answer.body == b"untyped"


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_response(function: Function, kind: str) -> None:
    answer = ask(function, kind, Request("GET", "/empty"))
    assert (answer.status, answer.headers, answer.body, answer.base64) == (204, {}, b"", False)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_no_body_where_http_has_none(
    function: Function, kind: str, method: str, status: int
) -> None:
    answer = ask(function, kind, Request(method, f"/full/{status}"))
    assert (answer.status, answer.body, answer.base64) == (status, b"", False)
    assert ask(function, kind, Request("GET", "/full/200")).body == b"full"


@pytest.mark.parametrize("kind", KINDS)
def test_headers_of_the_connection_end_at_the_service(function: Function, kind: str) -> None:
    answer = ask(function, kind, Request("GET", "/connection"))
    names = {"content-type", "x-kept", *(["x-accel-buffering"] if kind != "edge" else [])}
    assert set(answer.headers) == names


@pytest.mark.parametrize("kind", KINDS)
def test_the_application_sees_the_event_as_it_came(function: Function, kind: str) -> None:
    found = echo(function, kind, Request("GET", "/echo/x"))
    assert found["asked"] == ("GET" if kind in {"rest", "alb", "alb-multi"} else None)


@pytest.mark.parametrize("kind", KINDS)
def test_a_content_type_with_a_comma(function: Function, kind: str) -> None:
    said = 'multipart/form-data; boundary="a,b"'
    found = echo(function, kind, Request("GET", "/echo/x", headers=(("Content-Type", said),)))
    assert found["type"] == said


@pytest.mark.parametrize("kind", KINDS[:5])
def test_the_port_of_a_host(function: Function, kind: str) -> None:
    event = event_of(kind, Request("GET", "/echo/x"))
    said = {"host": "[::1]:8000", "x-forwarded-port": "8000"}
    for name in event.get("headers", {}):
        event["headers"][name] = said.get(name.lower(), event["headers"][name])
    for name, values in event.get("multiValueHeaders", {}).items():
        event["multiValueHeaders"][name] = [said.get(name.lower(), values[-1])]
    found = json.loads(function(event)["body"])
    assert (found["host"], found["port"]) == ("[::1]", "8000")


@pytest.mark.parametrize("kind", ["rest", "http", "http-1.0"])
def test_a_domain_of_ones_own_stands_for_the_stage(function: Function, kind: str) -> None:
    event = event_of(kind, Request("GET", "/echo/x"), stage="prod")
    event["requestContext"]["domainName"] = "shop.example"
    if kind == "rest":
        event["requestContext"]["path"] = event["path"]
    found = json.loads(function(event)["body"])
    assert (found["root"], found["path"]) == ("", "/echo/x")


@pytest.mark.parametrize("kind", ["http", "http-1.0"])
def test_the_root_of_a_stage(function: Function, kind: str) -> None:
    event = event_of(kind, Request("GET", ""), stage="prod")
    # Nothing but the stage: the root of the application, which is not `/echo/`.
    assert function(event)["statusCode"] == 404


@pytest.mark.parametrize(("full", "root"), [("/", ""), ("/prod", "/prod"), ("/prod/", "/prod")])
def test_the_root_of_a_rest_api(full: str, root: str) -> None:
    event = event_of("rest", Request("GET", "/"))
    event["requestContext"]["path"] = full
    request = read_request(event)
    assert request is not None
    rewritten = rewrite(event, request)
    assert (rewritten["wherry"]["root"], rewritten["rawPath"]) == (root, "/")


def test_a_path_that_only_begins_like_the_stage(function: Function) -> None:
    event = event_of("http", Request("GET", "/echo/x"))
    event["requestContext"]["stage"] = "ech"
    assert json.loads(function(event)["body"])["path"] == "/echo/x"


def test_a_test_event_of_the_console_with_nothing_in_it(function: Function) -> None:
    """S3: missing query strings, and missing headers with them."""
    event = event_of("rest", Request("GET", "/echo/x"))
    event.update(headers=None, multiValueHeaders=None, queryStringParameters=None)
    found = json.loads(function(event)["body"])
    assert found["query"] == []
    assert found["host"] == event["requestContext"]["domainName"]


AUTHORIZER = {
    "type": "REQUEST",
    "methodArn": "arn:aws:execute-api:eu-west-1:123456789012:a/b/GET/x",
}
AUTHORIZER_2 = {
    "type": "REQUEST",
    "routeArn": "arn:aws:execute-api:eu-west-1:123456789012:a/b/GET/x",
}
AGENT = {"messageVersion": "1.0", "agent": {}, "httpMethod": "GET", "apiPath": "/echo/x"}
RESPONSE_OF_EDGE: Any = {"Records": [{"cf": {"config": {}, "request": {}, "response": {}}}]}
NO_REQUESTS = [
    {},
    {"Records": []},
    {"Records": [{"eventSource": "aws:s3"}]},
    {"requestContext": {"connectionId": "x"}},
    {"requestContext": "x", "httpMethod": "GET", "path": "/"},
    {"httpMethod": None, "path": "/", "headers": {}},
    {"httpMethod": "GET", "path": "/"},
    AGENT,
    RESPONSE_OF_EDGE,
    [{"httpMethod": "GET"}],
    "httpMethod",
    None,
    7,
]


@pytest.mark.parametrize("event", NO_REQUESTS, ids=json.dumps)
def test_an_event_that_is_no_request(function: Function, event: Any) -> None:
    assert function(event)["error"].startswith("this event is no HTTP request")


def test_a_question_to_an_authorizer_is_no_request(function: Function) -> None:
    for kind, more in (("rest", AUTHORIZER), ("http", AUTHORIZER_2)):
        event = {**event_of(kind, Request("GET", "/echo/x")), **more}
        assert function(event)["error"].startswith("this event is no HTTP request")


@pytest.mark.parametrize("kind", ["http", "http-1.0", "url"])
def test_a_path_that_begins_like_the_default_stage(function: Function, kind: str) -> None:
    found = echo(function, kind, Request("GET", "/echo/../$default/admin"))
    assert found["path"] == "/echo/../$default/admin"
    event = event_of(kind, Request("GET", "/$default/echo/x"))
    assert function(event)["statusCode"] == 404


@pytest.mark.parametrize("kind", KINDS)
def test_text_beyond_latin_1_in_headers(function: Function, kind: str) -> None:
    headers = (("Cookie", "n=日本"), ("X-Many", "日本 é"), ("Content-Type", 'text/plain; x="日"'))
    found = echo(function, kind, Request("GET", "/echo/x", headers=headers))
    assert {found["cookies"]["n"], found["many"], found["type"]} == {
        "日本", "日本 é", 'text/plain; x="日"',
    }  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_header_cannot_stand_for_another(kind: str, tmp_path: Path) -> None:
    """``X_Many`` would be ``HTTP_X_MANY`` as well, whatever AWS has put into ``X-Many``."""
    handler = write_function(tmp_path / "task", WSGI)
    headers = (("X-Many", "of AWS"), ("X_Many", "forged"), ("Content_Type", "forged"))
    with closing(Function(tmp_path / "task", handler)) as function:
        for each in (headers, headers[::-1]):
            found = echo(function, kind, Request("GET", "/echo/x", headers=each))
            assert (found["many"], found["type"]) == ("of AWS", None)


def test_a_wsgi_response_with_text_beyond_latin_1_in_headers(tmp_path: Path) -> None:
    """PEP 3333 has its characters stand for bytes, which are those of UTF-8 in Bottle."""
    text = """
def app(environ, start_response):
    native = "日本 é".encode().decode("latin-1")
    start_response("200 OK", [("X-Utf-8", native), ("Set-Cookie", native), ("X-Latin", "é"), ("X-Length", 1)])
    return []
"""
    with closing(Function(tmp_path / "task", write_function(tmp_path / "task", text))) as function:
        answer = ask(function, "url", Request("GET", "/"))
    assert answer.headers == {"x-utf-8": "日本 é", "x-latin": "é", "x-length": "1"}
    assert answer.cookies == ["日本 é"]


def answered(event: Any, options: Options, status: int = 200, text: str = "{}") -> Any:
    """The event as an adapter gets it with these options, and the answer to it."""
    seen: list[dict[str, Any]] = []

    def respond(event: dict[str, Any], context: object) -> dict[str, Any]:
        seen.append(event)
        return {"statusCode": status, "headers": {"content-type": "application/x"}, "body": text}

    answer = make_handler(respond, options)(event, None)
    return (seen[0] if seen else None), answer


@pytest.mark.parametrize(
    ("path", "root", "below"),
    [
        ("/shop/x", "/shop", "/x"),
        ("/shop", "/shop", "/"),
        ("/shop/", "/shop", "/"),
        ("/shopping", "", "/shopping"),
        ("/x/shop", "", "/x/shop"),
    ],
)
def test_a_base_path_is_taken_off(path: str, root: str, below: str) -> None:
    for kind in ("rest", "url", "alb"):
        event, _ = answered(event_of(kind, Request("GET", path)), Options(base_path="/shop"))
        assert (event["wherry"]["root"], event["rawPath"]) == (root, below)


def test_a_base_path_follows_the_stage() -> None:
    described = event_of("http", Request("GET", "/shop/x"), stage="prod")
    event, _ = answered(described, Options(base_path="/shop"))
    assert (event["wherry"]["root"], event["rawPath"]) == ("/prod/shop", "/x")


@pytest.mark.parametrize("kind", ["rest", "http", "http-1.0"])
def test_a_stage_that_the_application_is_not_told(kind: str) -> None:
    described = event_of(kind, Request("GET", "/x"), stage="prod")
    event, _ = answered(described, Options(stage_in_path=False))
    assert (event["wherry"]["root"], event["rawPath"]) == ("", "/x")


def test_types_that_are_text() -> None:
    event = event_of("url", Request("GET", "/"))
    assert answered(event, Options())[1]["isBase64Encoded"]
    _, answer = answered(event, Options(text_types=("application/x",)))
    assert (answer["isBase64Encoded"], answer["body"]) == (False, "{}")


@pytest.mark.parametrize("event", [AGENT, [1], "é", None, {"Records": [{"eventSource": "aws:s3"}]}])
def test_other_events_are_posted_where_the_settings_say(event: Any) -> None:
    posted, answer = answered(event, Options(events="/events"), text='{"done": 1}')
    assert posted["requestContext"]["http"]["method"] == "POST"
    assert posted["rawPath"] == "/events"
    assert posted["headers"]["content-type"] == "application/json"
    assert json.loads(posted["body"]) == posted["wherry"]["event"] == event
    assert answer == {"done": 1}
    assert answered(event, Options(events="/events"), text="")[1] is None
    assert answered(event, Options(events="/events"), text="fine")[1] == "fine"


def test_an_event_that_the_application_fails_on_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="answered 500 to the event: oh"):
        answered({}, Options(events="/events"), status=500, text="oh")


@pytest.mark.parametrize("base", ["", "/shop"])
@pytest.mark.parametrize("path", ["/events", "/events/", "//Events", "/%65vents"])
def test_a_client_cannot_post_events(path: str, base: str) -> None:
    options = Options(events="/events", base_path=base)
    seen, answer = answered(event_of("url", Request("POST", base + path)), options)
    assert (seen, answer["statusCode"]) == (None, 404)


def test_a_port_that_is_none() -> None:
    """CloudFront hands on what the client says; it is a request all the same, and no event for the application."""
    request = Request("POST", "/events", headers=(("X-Forwarded-Port", "9" * 5000),))
    seen, answer = answered(event_of("edge", request), Options(events="/events"))
    assert (seen, answer["status"]) == (None, "404")


@pytest.mark.parametrize(
    "event",
    [
        {"source": "serverless-plugin-warmup"},
        {"warmer": True, "concurrency": 3},
        {"resources": ["arn:aws:events:eu-west-1:1:rule/zappa-keep-warm-handler.x"], "kwargs": {}},
    ],
)
def test_an_event_that_warms_up_gets_an_empty_answer(event: Any) -> None:
    assert answered(event, Options(events="/events")) == (None, {})
    assert answered(event, Options()) == (None, {})


def test_the_generated_module_has_the_options_that_are_set(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(WSGI)
    shim = plan_shim(
        "shop:app",
        package_of(tmp_path),
        interface=None,
        distributions={},
        target=TARGET,
        options=AppOptions(base_path="/shop", text_types=("a/b",), stage_in_path=False),
    )
    text = shim.entries[0].payload.data.decode()  # type: ignore[union-attr]
    assert text.endswith(
        "events.make_handler(wsgi.responder(application), "
        "events.Options(base_path='/shop', stage_in_path=False, text_types=('a/b',)))\n"
    )


def test_a_wsgi_response_may_be_replaced_until_it_is_sent(tmp_path: Path) -> None:
    with closing(Function(tmp_path / "task", write_function(tmp_path / "task", WSGI))) as function:
        assert ask(function, "url", Request("GET", "/late")).status == 503


@pytest.mark.parametrize("text", [WSGI, ASGI], ids=["wsgi", "asgi"])
def test_the_log_tells_why_an_application_failed(tmp_path: Path, text: str) -> None:
    with closing(Function(tmp_path / "task", write_function(tmp_path / "task", text))) as function:
        assert ask(function, "url", Request("GET", "/boom")).status == 500
    assert "RuntimeError: it went boom" in function.log.read_text()


def test_an_asgi_application_that_asks_for_more_after_its_response(tmp_path: Path) -> None:
    text = """
async def app(scope, receive, send):
    assert scope["type"] == "http"
    types = [(await receive())["type"]]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
    types += [(await receive())["type"] for _ in range(3)]
    print(types, file=__import__("sys").stderr)
"""
    with closing(Function(tmp_path / "task", write_function(tmp_path / "task", text))) as function:
        assert ask(function, "url", Request("GET", "/")).status == 200
    assert str(["http.request", *["http.disconnect"] * 3]) in function.log.read_text()


@pytest.mark.parametrize(
    "begun",
    ["", 'await send({"type": "http.response.start", "status": 200, "headers": []})'],
    ids=["no response", "no body"],
)
def test_an_asgi_application_that_does_not_answer(begun: str, tmp_path: Path) -> None:
    text = f"async def app(scope, receive, send):\n    {begun or 'pass'}\n"
    with closing(Function(tmp_path / "task", write_function(tmp_path / "task", text))) as function:
        assert ask(function, "url", Request("GET", "/")).status == 500
    log = function.log.read_text()
    assert "RuntimeError: the application returned before its response was complete" in log


def fails_to_start(root: Path, text: str, **planned: Any) -> str:
    handler = write_function(root, text, **planned)
    done = subprocess.run(
        [sys.executable, "-c", SERVER, root, handler], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "ready" not in done.stdout
    return done.stderr


def test_an_application_that_cannot_be_imported_fails_at_start_and_says_where(
    tmp_path: Path,
) -> None:
    text = "from shop_missing import x\n\ndef app(environ, start_response): ...\n"
    stderr = fails_to_start(tmp_path / "task", text)
    # Once by us, since Lambda's own client tells of an ImportError without its traceback.
    assert stderr.count("No module named 'shop_missing'") == 2
    assert 'shop.py", line 1' in stderr


@pytest.mark.parametrize(
    "then", ["pass", "raise RuntimeError('no database')", "await receive()"], ids=str.split
)
def test_a_lifespan_that_fails_fails_the_start(then: str, tmp_path: Path) -> None:
    """It is told once, although Starlette raises the same again."""
    text = f"""
async def app(scope, receive, send):
    await receive()
    await send({{"type": "lifespan.startup.failed", "message": "no database"}})
    {then}
"""
    stderr = fails_to_start(tmp_path / "task", text)
    assert stderr.count("RuntimeError: the application failed to start: no database") == 1
    assert "never retrieved" not in stderr


@pytest.mark.parametrize("raised", ["AssertionError", "asyncio.CancelledError"])
def test_an_application_without_lifespan(raised: str, tmp_path: Path) -> None:
    text = f"""
import asyncio

async def app(scope, receive, send):
    if scope["type"] != "http":
        raise {raised}
    assert "state" not in scope
    await send({{"type": "http.response.start", "status": 200, "headers": []}})
    await send({{"type": "http.response.body", "body": b"fine"}})
"""
    with closing(Function(tmp_path / "task", write_function(tmp_path / "task", text))) as function:
        assert ask(function, "url", Request("GET", "/")).body == b"fine"


@pytest.mark.parametrize(
    ("app", "text"),
    [
        ("shop:make()", WSGI + "\ndef make():\n    return app\n"),
        ("shop:holder.app", WSGI + "\nclass holder:\n    app = staticmethod(app)\n"),
        ("from shop import app as application", WSGI),
    ],
)
def test_the_ways_to_name_an_application(tmp_path: Path, app: str, text: str) -> None:
    root = tmp_path / "task"
    with closing(Function(root, write_function(root, text, app=app, interface="wsgi"))) as function:
        assert ask(function, "url", Request("GET", "/cookies")).body == b"two"


def test_a_module_that_no_statement_can_name(tmp_path: Path) -> None:
    root = tmp_path / "task"
    root.mkdir()
    (root / "my-shop.py").write_text(WSGI)
    with closing(Function(root, write_function(root, "", app="my-shop:app"))) as function:
        assert ask(function, "url", Request("GET", "/cookies")).body == b"two"


def test_what_runs_on_lambda_is_text_of_the_oldest_python(tmp_path: Path) -> None:
    for text in (WSGI, ASGI):
        root = tmp_path / str(len(text))
        write_function(root, text)
        for path in root.rglob("*.py"):
            ast.parse(path.read_text(), feature_version=(3, 9))
    # Aliases and defaults are evaluated, not only parsed.
    folder = tmp_path / str(len(WSGI)) / "wherry_shim"
    code = (
        "import sys, types; package = types.ModuleType('wherry_shim'); package.__path__ = sys.argv[1:]; "
        "sys.modules['wherry_shim'] = package; import wherry_shim.events, wherry_shim.wsgi"
    )
    subprocess.run([find_python("3.9"), "-W", "error", "-c", code, folder], check=True)


def test_the_same_shim_is_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(WSGI)
    planned = [
        plan_shim("shop:app", package_of(tmp_path), interface=None, distributions={}, target=TARGET)
        for _ in range(2)
    ]
    assert planned[0] == planned[1]
    assert [entry.path for entry in planned[0].entries] == [
        "wherry_shim/__init__.py", "wherry_shim/answers.py", "wherry_shim/events.py",
        "wherry_shim/sources.py", "wherry_shim/wsgi.py",
    ]  # fmt: skip
    for entry in planned[0].entries:
        assert not entry.executable
        assert str(Path(__file__).parents[2]).encode() not in entry.payload.data  # type: ignore[union-attr]


def test_a_name_that_is_taken(tmp_path: Path) -> None:
    root = tmp_path / "task"
    root.mkdir()
    (root / "wherry_shim.py").write_text("")
    assert write_function(root, WSGI) == "wherry_shim_.handler"
