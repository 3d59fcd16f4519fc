"""`wherry serve` with a real HTTP client. The function is run by AWS's client, which comes from PyPI."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from support.command import Wherry
from support.functions import HERE
from support.index import Index
from support.projects import make_project, write_files
from support.wherry_serve import Serving, serving

HANDLER = ("--handler", "shop.api.handler")
CODE = """
import base64, json, os, time
calls = 0
def handler(event, context):
    global calls
    calls += 1
    path = event.get("rawPath") or event.get("path")
    if path == "/boom":
        raise ValueError("boom")
    if path == "/exit":
        os._exit(3)
    if path == "/slow":
        time.sleep(1)
    if path == "/sleep":
        time.sleep(600)
    if path == "/none":
        return {"statusCode": 404, "body": "nothing"}
    if path == "/binary":
        return {"statusCode": 200, "headers": {"content-type": "image/png"}, "isBase64Encoded": True,
            "body": base64.b64encode(bytes(range(256))).decode(), "cookies": ["a=1", "b=2"]}
    return {"statusCode": 200, "headers": {"content-type": "application/json", "x-pid": str(calls)},
        "body": json.dumps({"event": event, "calls": calls})}
"""


@pytest.fixture
def project(index: Index, wherry: Wherry) -> Path:
    root = make_project(wherry.cwd, index)
    settings = f'[tool.wherry]\nruntime = "{HERE}"\n'
    with (root / "pyproject.toml").open("a") as file:
        file.write(settings)
    return write_files(root, {"shop/api.py": CODE})


@pytest.fixture
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp() / "invoke-store"


@pytest.mark.real
def test_a_browser_and_what_it_does(project: Path, wherry: Wherry, shared: Path) -> None:
    with serving(wherry, shared, *HANDLER) as served:
        first = served.get("/a%2Fb?q=1&q=2", cookies={"c": "1"}, headers={"X-Mine": "ü".encode()})
        event = first.json()["event"]
        assert event["rawPath"] == "/a%2Fb"
        assert event["queryStringParameters"] == {"q": "1,2"}
        assert event["cookies"] == ["c=1"]
        assert event["headers"]["x-mine"] == "ü"
        assert first.headers["content-type"] == "application/json"
        binary = served.get("/binary")
        assert binary.content == bytes(range(256))
        assert binary.raw.headers.getlist("set-cookie") == ["a=1", "b=2"]
        assert served.get("/none").status_code == 404
        head = requests.head(served.url, timeout=60)
        assert (head.status_code, head.content) == (200, b"")
        posted = requests.post(served.url, json={"a": 1}, timeout=60).json()
        assert posted["event"]["body"] == '{"a": 1}'
        assert posted["calls"] == 5
    said = "".join(served.said)
    assert "GET /a%2Fb?q=1&q=2 → shop 200 " in said
    assert "Init Duration" in said


@pytest.mark.real
def test_a_failure_and_what_comes_after(project: Path, wherry: Wherry, shared: Path) -> None:
    """The client learns nothing of why; the developer sees it, and the next request is served."""
    with serving(wherry, shared, *HANDLER, "--timeout", "2") as served:
        for path, why in (
            ("/boom", "the function failed: ValueError: boom"),
            ("/exit", "Runtime exited with error: exit status 3"),
            ("/sleep", "Task timed out after 2.00 seconds"),
        ):
            answer = served.get(path)
            assert (answer.status_code, answer.text) == (502, "Internal Server Error")
            assert served.get("/").status_code == 200
            assert why in "".join(served.said)


@pytest.mark.real
@pytest.mark.parametrize("form", ["http", "rest", "alb", "alb-multi"])
def test_other_services(form: str, project: Path, wherry: Wherry, shared: Path) -> None:
    with serving(wherry, shared, *HANDLER, "--format", form) as served:
        answer = served.get("/x?q=1")
        event = answer.json()["event"]
        expected = {
            "http": "version",
            "rest": "resource",
            "alb": "headers",
            "alb-multi": "multiValueHeaders",
        }
        assert expected[form] in event
        assert served.get("/boom").status_code == (500 if form == "http" else 502)


@pytest.mark.real
def test_clients_at_once(project: Path, wherry: Wherry, shared: Path) -> None:
    """One environment serves one after another; several serve as many at once, each with its own state."""
    for concurrency in ("1", "3"):
        with serving(wherry, shared, *HANDLER, "--concurrency", concurrency) as served:
            calls: list[int] = []

            def ask(served: Serving = served, calls: list[int] = calls) -> None:
                calls.append(served.get("/slow").json()["calls"])

            threads = [threading.Thread(target=ask) for _ in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        if concurrency == "1":
            assert sorted(calls) == [1, 2, 3]
        else:
            assert calls.count(1) > 1


@pytest.mark.real
def test_an_interrupt_in_the_middle_of_a_request(
    project: Path, wherry: Wherry, shared: Path
) -> None:
    with serving(wherry, shared, *HANDLER, number=signal.SIGINT, code=130) as served:

        def ask() -> None:
            with suppress(requests.RequestException):
                served.get("/sleep")

        thread = threading.Thread(target=ask)
        thread.start()
        time.sleep(1)
    thread.join()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--port", "70000"], 2, "70000"),
        (["--concurrency", "0"], 2, "0"),
        (["--env", "LAMBDA_TASK_ROOT=x"], 1, "reserves it"),
        (["--no-build"], 1, "was not built"),
    ],
)
def test_bad_input(
    arguments: list[str], code: int, said: str, project: Path, wherry: Wherry
) -> None:
    done = wherry("serve", *HANDLER, *arguments)
    assert done.code == code
    assert done.out == ""
    assert said in done.err
