"""`wherry invoke` as a user meets it. Whatever runs a function needs AWS's client from PyPI and is `real`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from support.command import Finished, Wherry
from support.functions import HERE
from support.index import Index
from support.projects import make_project, write_files
from support.wheels import make_wheel

CODE = """
import json, os, time
calls = 0
def handler(event, context):
    global calls
    calls += 1
    print("called")
    if event == "fail":
        raise ValueError("böse")
    if event == "sleep":
        open("/tmp/up", "w").close()
        print("sleeping", flush=True)
        time.sleep(600)
    if event == "env":
        return dict(os.environ)
    return {"event": event, "calls": calls}
def web(event, context):
    if event["rawPath"] == "/plain":
        return "plain"
    return {"statusCode": 404 if event["rawPath"] == "/none" else 200, "cookies": ["a=1"],
        "headers": {"content-type": "text/plain"}, "body": json.dumps(event)}
"""
SETTINGS = f"""
[project]
name = "shop"
version = "1.0"
[tool.wherry]
runtime = "{HERE}"
[tool.wherry.functions.api]
handler = "shop.api.handler"
layers = ["base"]
[tool.wherry.functions.web]
handler = "shop.api.web"
[tool.wherry.layers.base]
include = ["*"]
"""

Run = Callable[..., Finished]


@pytest.fixture
def project(index: Index, wherry: Wherry) -> Path:
    alpha = make_wheel("alpha", "1.0", files={"alpha.py": b"A = 1\n"})
    index.add(alpha)
    root = make_project(wherry.cwd, index, [alpha])
    return write_files(root, {"pyproject.toml": SETTINGS, "shop/api.py": CODE})


@pytest.fixture
def real(wherry: Wherry, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The command with a store that all tests share, and with the index that the user has set up."""
    shared = tmp_path_factory.getbasetemp() / "invoke-store"
    indexes = {
        name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_"))
    }

    def run(*arguments: str | Path, stdin: str | None = None, **env: str) -> Finished:
        done = subprocess.run(
            [sys.executable, "-m", "wherry", *map(str, arguments)],
            cwd=wherry.cwd,
            env={**wherry.environment(**indexes, **env), "WHERRY_CACHE_DIR": str(shared)},
            input=(stdin or "").encode(),
            capture_output=True,
            check=False,
        )
        return Finished(code=done.returncode, out=done.stdout.decode(), err=done.stderr.decode())

    return run


@pytest.mark.real
def test_the_result_is_on_stdout_and_the_log_on_stderr(project: Path, real: Run) -> None:
    (project / "event.json").write_text('{"n": "ü"}')
    done = real("invoke", "api", "--event", "event.json")
    assert done.code == 0, done.err
    assert json.loads(done.out) == {"event": {"n": "ü"}, "calls": 1}
    assert "called\n" in done.err
    assert "REPORT RequestId: " in done.err
    assert "Init Duration: " in done.err


@pytest.mark.real
def test_a_sample_event_is_piped_in(project: Path, real: Run, wherry: Wherry) -> None:
    event = wherry("event", "sqs", "--body", '{"a": "ü"}').out
    done = real("invoke", "api", "--event", "-", stdin=event)
    assert json.loads(done.out)["event"] == json.loads(event)


@pytest.mark.real
def test_events_one_after_another_keep_their_environment(project: Path, real: Run) -> None:
    (project / "one.json").write_text("1")
    done = real("invoke", "api", "-e", "one.json", "-e", "-", "--repeat", "2", stdin='"two"')
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert [line["event"] for line in lines] == [1, "two", 1, "two"]
    assert [line["calls"] for line in lines] == [1, 2, 3, 4]


@pytest.mark.real
def test_the_json_document(project: Path, real: Run) -> None:
    document = real("invoke", "api", "-e", "-", "--json", "--memory", "256", stdin="7").document
    assert document["schema"] == 1
    assert document["result"] == {"event": 7, "calls": 1}
    assert document["error"] is None
    assert document["memory_mb"] == 256
    assert document["peak_memory_bytes"] > 1_000_000
    assert document["billed_ms"] >= document["init_ms"] + document["duration_ms"] - 1
    assert document["log"] == "called\n"
    half = real("invoke", "api", "-e", "-", "--json", stdin='"\\ud800ü"')
    assert half.document["result"]["event"] == "\ud800ü"
    assert "\\ud800ü" in half.out


@pytest.mark.real
def test_a_function_that_fails(project: Path, real: Run) -> None:
    done = real("invoke", "api", "-e", "-", stdin='"fail"')
    assert done.code == 1
    assert json.loads(done.out)["errorMessage"] == "böse"
    assert "[ERROR] ValueError: böse\nTraceback" in done.err
    assert "in handler" in done.err
    document = real("invoke", "api", "-e", "-", "--json", stdin='"fail"').document
    assert document["error"]["type"] == "ValueError"
    assert document["result"] is None


@pytest.mark.real
def test_a_request(project: Path, real: Run) -> None:
    done = real(
        "invoke", "web", "--http", "post", "/a b?q=ü&q=2", "-H", "X-Mine: 1", "-d", '{"a": 1}'
    )  # fmt: skip
    event = json.loads(done.out)
    assert done.code == 0
    assert event["requestContext"]["http"]["method"] == "POST"
    assert (event["rawPath"], event["queryStringParameters"]) == ("/a%20b", {"q": "ü,2"})
    assert event["headers"]["x-mine"] == "1"
    assert (event["headers"]["content-type"], event["body"]) == ("application/json", '{"a": 1}')
    assert "HTTP 200\ncontent-type: text/plain\nSet-Cookie: a=1\n" in done.err
    missing = real("invoke", "web", "--http", "GET", "/none", "--json")
    assert missing.code == 0
    assert missing.document["http"]["status"] == 404
    malformed = real("invoke", "web", "--http", "GET", "/plain", "--format", "http")
    assert (malformed.code, malformed.out) == (0, '"plain"')


@pytest.mark.real
def test_a_response_that_the_service_does_not_understand(project: Path, real: Run) -> None:
    write_files(project, {"shop/api.py": "def web(e, c):\n    return 'plain'\nhandler = web\n"})
    done = real("invoke", "web", "--http", "GET", "/", "--format", "rest")
    assert done.code == 1
    assert json.loads(done.out) == {"message": "Internal server error"}
    assert "warning: malformed response: it is not an object" in done.err


@pytest.mark.real
def test_a_web_application_without_a_request(project: Path, real: Run) -> None:
    app = (
        "def app(environ, start_response):\n    start_response('200 OK', [])\n    return [b'hi']\n"
    )
    settings = SETTINGS.replace('handler = "shop.api.web"', 'app = "shop.api:app"')
    write_files(project, {"shop/api.py": CODE + app, "pyproject.toml": settings})
    done = real("invoke", "web")
    assert done.code == 1
    assert "hint: send it one: --http GET /\n" in done.err
    assert real("invoke", "web", "--http", "GET", "/").out == "hi"


@pytest.mark.real
def test_variables(project: Path, real: Run) -> None:
    write_files(project, {".env": "# of the shop\nexport TABLE='items'\nAB=1\n\n"})
    done = real(
        "invoke", "api", "-e", "-", "--env-file", ".env", "--env", "AB=x=y",
        stdin='"env"', AWS_ACCESS_KEY_ID="AKIA", MINE="no",
    )  # fmt: skip
    env = json.loads(done.out)
    assert (env["TABLE"], env["AB"], env["AWS_ACCESS_KEY_ID"]) == ("items", "x=y", "AKIA")
    assert "MINE" not in env


@pytest.mark.real
def test_settings_of_local_runs(project: Path, real: Run) -> None:
    """Options win over them, and they are no reason to build again."""
    assert real("build").code == 0
    settings = SETTINGS.replace(
        'layers = ["base"]',
        'layers = ["base"]\nenvironment = { TABLE = "items", MINE = true, NONE = true }\n'
        "timeout = 2\nmemory = 300\nephemeral-storage = 600",
    )
    write_files(project, {"pyproject.toml": settings})
    done = real("invoke", "api", "-e", "-", "--env", "MINE", stdin='"env"', MINE="shell")
    env = json.loads(done.out)
    assert (env["TABLE"], env["MINE"], "NONE" in env) == ("items", "shell", False)
    assert env["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "300"
    late = real("invoke", "api", "-e", "-", "--env", "TABLE=other", stdin='"sleep"')
    assert "timed out after 2.00 seconds" in late.out
    own = real("invoke", "api", "-e", "-", "--env", "TABLE=x", "--memory", "200", stdin='"env"')
    assert json.loads(own.out)["TABLE"] == "x"
    assert json.loads(own.out)["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "200"


@pytest.mark.real
def test_without_a_build(project: Path, real: Run) -> None:
    assert real("build").code == 0
    write_files(project, {"shop/api.py": "handler = None\n"})
    done = real("invoke", "api", "--no-build", "-e", "-", stdin="1")
    assert json.loads(done.out) == {"event": 1, "calls": 1}


@pytest.mark.real
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_nothing_behind(
    number: int, code: int, project: Path, wherry: Wherry, real: Run
) -> None:
    assert real("invoke", "api", "-e", "-", stdin="1").code == 0
    (project / "sleep.json").write_text('"sleep"')
    scratch = project / "scratch"
    scratch.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "wherry", "invoke", "api", "-e", "sleep.json"],
        cwd=wherry.cwd,
        env={
            **wherry.environment(
                **{k: v for k, v in os.environ.items() if k.startswith(("PIP_", "UV_"))}
            ),
            "TMPDIR": str(scratch),
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line == b"sleeping\n":
            break
    process.send_signal(number)
    process.stderr.read()
    process.stderr.close()
    assert process.wait() == code
    assert not list(scratch.iterdir())
    for _ in range(100):
        if not _running(str(wherry.store)):
            return
        time.sleep(0.05)
    raise AssertionError(_running(str(wherry.store)))


def _running(mark: str) -> list[str]:
    """Processes that work in the store."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in os.readlink(process / "cwd") or mark in (process / "cmdline").read_text():
                found.append((process / "cmdline").read_text())
        except OSError:
            continue
    return found


@pytest.mark.parametrize(
    ("arguments", "stdin", "said"),
    [
        (["-e", "none.json"], None, "cannot read the event `none.json`"),
        (["-e", "bad.json"], None, "the event in `bad.json` is not JSON"),
        (["-e", "bad.json"], None, "line 1 column 2"),
        (["-e", '{"id": 7'], None, "the event in --event is not JSON"),
        (["-e", "nan.json"], None, "it has NaN, which JSON has not"),
        (["-e", "long.json"], None, "a number in it has too many digits"),
        (["--env-file", "/dev/zero"], None, "it has more than 1,048,576 characters"),
        (["--env", "secret"], None, "an environment variable has no `=`"),
        (["--env", f"A1={'x' * 4096}"], None, "take 4,105 bytes"),
        (["--client-context", "none.json"], None, "cannot read the client context `none.json`"),
        (["--client-context", "{"], None, "the client context is not JSON"),
        (["--client-context", "list.json"], None, "the client context is not a JSON object"),
        (["--client-context", f'{{"a": "{"x" * 3000}"}}'], None, "AWS Lambda takes 3,583"),
        (["--env", "_HANDLER=x"], None, "AWS Lambda reserves it"),
        (["--env-file", "none"], None, "cannot read `none`"),
        (["--http", "GET", "items"], None, "is not the path of a request"),
        (["--http", "GET", "/", "-H", "x"], None, "`x` is not a header"),
        (["--http", "POST", "/", "-d", "@none"], None, "cannot read the body `none`"),
        (["--no-build"], None, "`api` was not built"),
        (["--python", "/nowhere/python"], None, "is not a CPython interpreter"),
    ],
)
def test_bad_input(
    arguments: list[str], stdin: str | None, said: str, project: Path, wherry: Wherry
) -> None:
    (project / "bad.json").write_text("{")
    (project / "list.json").write_text("[]")
    (project / "nan.json").write_text('{"n": NaN}')
    (project / "long.json").write_text("9" * 5000)
    done = wherry.fail("invoke", "api", *arguments)
    assert done.out == ""
    assert said in done.error
    assert "Traceback" not in done.err
    # What was given for a name may be a secret.
    assert "`secret`" not in done.err


def test_which_function(project: Path, wherry: Wherry) -> None:
    none = wherry.fail("invoke")
    assert "the project has several functions, and none was named" in none.error
    wrong = wherry.fail("invoke", "webb")
    assert "did you mean `web`?" in wrong.error
    layer = wherry.fail("invoke", "base")
    assert "no function" in layer.error


def test_a_function_without_a_handler(index: Index, wherry: Wherry) -> None:
    make_project(wherry.cwd, index)
    done = wherry.fail("invoke")
    assert "`shop` has no handler" in done.error
    assert "--handler" in done.error


@pytest.mark.parametrize(
    "arguments",
    [
        ["--http", "GET", "/", "-e", "x"],
        ["-d", "x"],
        ["--repeat", "0"],
        ["--timeout", "0.5"],
        ["--timeout", "901"],
        ["--memory", "127"],
        ["--memory", "10241"],
        ["--ephemeral-storage", "511"],
        ["--format", "soap"],
        ["--debug", "0"],
        ["--cold", "0"],
        ["--cold", "2", "-e", "x"],
        ["--profile"],
        ["--html", "page.html"],
    ],
)
def test_usage(arguments: list[str], project: Path, wherry: Wherry) -> None:
    assert wherry("invoke", "api", *arguments).code == 2
