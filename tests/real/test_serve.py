"""N12: `wherry serve` as a whole: a browser, AWS's client, and many, slow and rude clients."""

from __future__ import annotations

import base64
import json
import os
import resource
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from uv import find_uv_bin

from support.browser import Browser, browser
from support.command import Wherry
from support.functions import HERE
from support.projects import EMPTY_LOCK, write_files
from support.wherry_serve import Serving, serving

pytestmark = pytest.mark.real

PAGE = """<h1>TITLE</h1>
<form method="post" action="upload" enctype="multipart/form-data">
<input name="note"><input type="file" name="file"><button>Send</button></form>"""

DJANGO = f"""
from django.conf import settings

settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="not a secret")

from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import path


def home(request):
    return HttpResponse('''{PAGE}'''.replace("TITLE", "first title"))


def upload(request):
    file = request.FILES["file"]
    response = redirect("done", request.POST["note"], file.name, len(file.read()))
    for name in ("one", "two", "three"):
        response.set_cookie(name, name.upper())
    return response


def done(request, note, name, size):
    return HttpResponse(f"{{note}} {{name}} {{size}} {{sorted(request.COOKIES)}}")


urlpatterns = [
    path("", home),
    path("upload", upload),
    path("done/<note>/<name>/<int:size>", done, name="done"),
]
application = get_wsgi_application()
"""

FASTAPI = f"""
from fastapi import FastAPI, Form, Request, UploadFile
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse

application = FastAPI()


@application.get("/")
def home():
    return HTMLResponse('''{PAGE}'''.replace("TITLE", "first title"))


@application.post("/upload")
def upload(request: Request, file: UploadFile, note: str = Form()):
    where = request.url_for("done", note=note, name=file.filename, size=len(file.file.read()))
    response = RedirectResponse(where, status_code=303)
    for name in ("one", "two", "three"):
        response.set_cookie(name, name.upper())
    return response


@application.get("/done/{{note}}/{{name}}/{{size}}")
def done(request: Request, note: str, name: str, size: int):
    return PlainTextResponse(f"{{note}} {{name}} {{size}} {{sorted(request.cookies)}}")
"""


@pytest.fixture
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp() / "invoke-store"


@pytest.fixture
def wherry(tmp_path: Path, shared: Path) -> Wherry:
    (tmp_path / "project").mkdir()
    return Wherry(store=shared, cwd=tmp_path / "project")


@pytest.fixture
def window(tmp_path: Path) -> Iterator[Browser]:
    with browser(tmp_path / "profile") as opened:
        yield opened


def until(condition: Callable[[], object], seconds: float = 30.0) -> float:
    begin = time.monotonic()
    while not condition():
        assert time.monotonic() - begin < seconds
        time.sleep(0.01)
    return time.monotonic() - begin


@pytest.mark.parametrize(
    ("text", "dependencies", "form"),
    [(DJANGO, ["django"], "http"), (FASTAPI, ["fastapi", "python-multipart"], "rest")],
    ids=["django", "fastapi"],
)
def test_a_browser_behind_a_stage(
    text: str, dependencies: list[str], form: str, wherry: Wherry, shared: Path, window: Browser
) -> None:
    """It loads a page, sees an edit without a restart, posts a form with a file, and gets cookies and a redirect."""
    root = write_files(
        wherry.cwd,
        {
            "pyproject.toml": '[project]\nname = "shop"\nversion = "1.0"\nrequires-python = ">=3.11"\n'
            f"dependencies = {json.dumps(dependencies)}\n"
            f'[tool.wherry]\nruntime = "{HERE}"\n'
            '[tool.wherry.functions.web]\napp = "shop:application"\n',
            "shop.py": text,
            "../notes.txt": "x" * 5000,
        },
    )
    subprocess.run([find_uv_bin(), "lock", "--quiet"], cwd=root, check=True)
    options = ("--reload", "--format", form, "--stage-path", "beta")
    with serving(wherry, shared, *options) as served:
        assert served.url.endswith("/beta")
        window.open(f"{served.url}/")
        assert window.text.startswith("first title")
        (root / "shop.py").write_text(text.replace("first title", "second title"))

        def edited() -> bool:
            window.open(f"{served.url}/")
            return window.text.startswith("second title")

        assert until(edited) < 10
        window.write("[name=note]", "hello")
        window.write("[name=file]", str((root / "../notes.txt").resolve()))
        window.click("button")
        until(lambda: "/done/" in window.url)
        assert window.url == f"{served.url}/done/hello/notes.txt/5000"
        assert window.text == "hello notes.txt 5000 ['one', 'three', 'two']"
        assert window.cookies == {"one": "ONE", "two": "TWO", "three": "THREE"}
    said = "".join(served.said)
    assert "Reloaded web" in said
    assert "POST /beta/upload → web 30" in said


FUNCTION = """
import json, os, time
calls = 0
def handler(event, context):
    global calls
    calls += 1
    print(json.dumps({"level": "INFO", "calls": calls}))
    if event.get("wait"):
        time.sleep(event["wait"])
    if event.get("fail"):
        raise ValueError("boom")
    if "rawPath" in event:
        return {"statusCode": 200, "body": json.dumps({"calls": calls, "body": event.get("body")})}
    custom = context.client_context and context.client_context.custom
    return {"event": event, "id": context.aws_request_id, "custom": custom}
"""


@pytest.fixture
def function(wherry: Wherry) -> Path:
    return write_files(
        wherry.cwd,
        {
            "pyproject.toml": '[project]\nname = "shop"\nversion = "1.0"\n'
            f'[tool.wherry]\nruntime = "{HERE}"\n'
            '[tool.wherry.functions.api]\nhandler = "shop.handler"\n'
            '[tool.wherry.functions.other]\nhandler = "shop.handler"\n',
            "pylock.toml": EMPTY_LOCK,
            "shop.py": FUNCTION,
        },
    )


@pytest.mark.usefixtures("function")
def test_the_client_of_aws(wherry: Wherry, shared: Path) -> None:
    with serving(wherry, shared) as served:
        client: Any = boto3.client(
            "lambda",
            endpoint_url=served.url,
            region_name="eu-west-1",
            aws_access_key_id="x",
            aws_secret_access_key="x",
        )
        context = base64.b64encode(b'{"custom": {"a": "1"}}').decode()
        answer = client.invoke(
            FunctionName="arn:aws:lambda:eu-west-1:123456789012:function:other",
            Payload=b'{"n": 1}',
            LogType="Tail",
            ClientContext=context,
        )
        request_id = answer["ResponseMetadata"]["RequestId"]
        assert json.load(answer["Payload"]) == {
            "event": {"n": 1},
            "id": request_id,
            "custom": {"a": "1"},
        }
        assert b'{"level": "INFO", "calls": 1}' in base64.b64decode(answer["LogResult"])
        failed = client.invoke(FunctionName="other", Payload=b'{"fail": true}')
        assert failed["FunctionError"] == "Unhandled"
        assert json.load(failed["Payload"])["errorMessage"] == "boom"
        later = client.invoke(FunctionName="api", InvocationType="Event", Payload=b'{"wait": 1}')
        assert later["StatusCode"] == 202
        assert client.invoke(FunctionName="api", InvocationType="DryRun")["StatusCode"] == 204
        with pytest.raises(client.exceptions.ResourceNotFoundException):
            client.invoke(FunctionName="nope")
        until(lambda: later["ResponseMetadata"]["RequestId"] in "".join(served.said))


@pytest.mark.usefixtures("function")
def test_the_interpreter_is_asked_once(wherry: Wherry, shared: Path, tmp_path: Path) -> None:
    """However many functions and environments there are."""
    asked, python = tmp_path / "asked", tmp_path / "python"
    python.write_text(f'#!/bin/sh\necho >> {asked}\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    with serving(wherry, shared, "--concurrency", "2", "--python", str(python)) as served:
        assert {served.get(name).status_code for name in ("/api", "/other")} == {200}
    assert asked.read_text() == "\n"


@pytest.mark.usefixtures("function")
def test_many_open_files(wherry: Wherry, shared: Path) -> None:
    """Sixty functions take more than the 256 that a process has on macOS."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        with serving(wherry, shared) as served:
            now = resource.prlimit(served.process.pid, resource.RLIMIT_NOFILE)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert now == (min(hard, 10240), hard)


def memory_of(process: int) -> int:
    """Resident memory in KiB."""
    status = Path(f"/proc/{process}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


def below(process: int) -> set[int]:
    """The processes that a process has started, and those that they have."""
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                stat = (folder / "stat").read_text()
            except OSError:
                continue
            parents[int(folder.name)] = int(stat.rpartition(")")[2].split()[1])
    found: set[int] = set()
    while more := {one for one, parent in parents.items() if parent in {process, *found}} - found:
        found |= more
    return found


@pytest.fixture
def served(function: Path, wherry: Wherry, shared: Path) -> Iterator[Serving]:
    assert function.is_dir()
    with serving(wherry, shared, "--concurrency", "2", "--quiet", "other", "api") as started:
        yield started
        children = below(started.process.pid)
        assert children
    until(lambda: not [child for child in children if Path(f"/proc/{child}").exists()])


def test_ten_thousand_requests_in_a_row(served: Serving) -> None:
    """None is lost, and memory does not grow."""
    with requests.Session() as client:
        url = f"{served.url}/api"
        for _ in range(500):
            assert client.get(url, timeout=30).status_code == 200
        before, threads = (
            memory_of(served.process.pid),
            os.listdir(f"/proc/{served.process.pid}/task"),
        )
        total = 0
        for number in range(9500):
            answer = client.post(url, data=str(number), timeout=30)
            assert answer.json()["body"] is not None
            total += 1
    assert total == 9500
    assert memory_of(served.process.pid) - before < 4096
    assert len(os.listdir(f"/proc/{served.process.pid}/task")) <= len(threads)


def test_two_hundred_clients_at_once(served: Serving) -> None:
    answers: Counter[object] = Counter()

    def ask(number: int) -> None:
        with requests.Session() as client:
            for turn in range(5):
                body = f"{number}-{turn}"
                answer = client.post(f"{served.url}/api", data=body, timeout=120)
                decoded = base64.b64decode(answer.json()["body"]).decode()
                answers[answer.status_code, decoded == body] += 1

    threads = [threading.Thread(target=ask, args=[number]) for number in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {(200, True): 1000}


def test_slow_and_malformed_clients_keep_nobody_waiting(served: Serving) -> None:
    host, _, port = served.url.removeprefix("http://").partition(":")
    slow = [socket.create_connection((host, int(port))) for _ in range(300)]
    head = b"POST /api HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n"
    for number, client in enumerate(slow):
        client.sendall(head[: number % len(head)])
    bad = (
        b"GET /api HTTP/1.1\r\n\r\n",
        b"\0" * 1000,
        b"POST /api HTTP/1.1\r\nHost: localhost\r\nContent-Length: +4\r\n\r\nbody",
        b"POST /2015-03-31/functions/%00/invocations HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n",
    )
    for data in bad * 25:
        with socket.create_connection((host, int(port))) as client:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            answer = client.makefile("rb").read()
            assert not answer or answer.startswith(b"HTTP/1.1 400 "), answer
    begin = time.monotonic()
    for _ in range(20):
        assert requests.get(f"{served.url}/api", timeout=30).status_code == 200
    assert time.monotonic() - begin < 20
    # One that takes its time is answered, too.
    patient = socket.create_connection((host, int(port)))
    for piece in (head[:20], head[20:], b"bo"):
        patient.sendall(piece)
        time.sleep(0.3)
    patient.sendall(b"dy")
    assert patient.recv(12) == b"HTTP/1.1 200"
    for client in (*slow, patient):
        client.close()


def test_edits_under_load(function: Path, wherry: Wherry, shared: Path) -> None:
    """While the code changes every second, each request is answered, by old code or by new."""
    text = (function / "shop.py").read_text()
    statuses: Counter[int] = Counter()
    done = threading.Event()
    with serving(wherry, shared, "--reload", "--quiet") as served:

        def ask() -> None:
            with requests.Session() as client:
                while not done.is_set():
                    statuses[client.get(f"{served.url}/api", timeout=60).status_code] += 1

        threads = [threading.Thread(target=ask) for _ in range(10)]
        for thread in threads:
            thread.start()
        for number in range(8):
            (function / "shop.py").write_text(f"{text}# {number}\n")
            time.sleep(1)
        done.set()
        for thread in threads:
            thread.join()
        assert list(statuses) == [200]
        # Two functions with one environment each: a supervisor, the first process of its namespace, and the
        # function. Beside them stands the one that ends the programs of a build.
        until(lambda: len(below(served.process.pid)) <= 7)
