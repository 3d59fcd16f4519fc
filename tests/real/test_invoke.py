"""N5: Functions run out of their zips by AWS's own runtime client, which comes from PyPI."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests
from msgspec.structs import replace

import wherry
from support.aws_faults import Call, serve_faults
from support.contexts import context
from support.emulator import emulator
from support.functions import HERE, bundle_of, make_runnable, zip_of
from support.interpreters import find_python
from support.moto import moto
from support.projects import EMPTY_LOCK, write_files
from support.reporters import Heard
from support.storage import Storage, serve_storage
from wherry.errors import InvokeError
from wherry.events import SILENT, Note, Warned
from wherry.invoke import interpreter
from wherry.invoke.client import client_files, prepare_client
from wherry.invoke.event import client_context
from wherry.invoke.interpreter import find_interpreter
from wherry.invoke.runnable import Limits, Runnable
from wherry.invoke.session import Session
from wherry.invoke.unpack import unpack_archives
from wherry.store import Store
from wherry.target import Architecture

pytestmark = pytest.mark.real

Start = Callable[..., Session]

LOOK = """
import json, os, sys
print("loading")
calls = 0
def try_to_write(path):
    try:
        open(path, "w").close()
        return "written"
    except OSError as error:
        return error.strerror
def handler(event, context):
    global calls
    calls += 1
    print("called with", event)
    return {
        "event": event, "calls": calls, "path": sys.path, "env": dict(os.environ), "cwd": os.getcwd(),
        "file": __file__, "version": sys.version_info[:2], "modules": sorted(sys.modules),
        "context": {"arn": context.invoked_function_arn, "name": context.function_name,
            "memory": context.memory_limit_in_mb, "left": context.get_remaining_time_in_millis(),
            "id": context.aws_request_id},
        "write": [try_to_write(os.getcwd() + "/x"), try_to_write("/tmp/x")],
    }
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("store"))


@pytest.fixture(params=["auto", "never"])
def start(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, store: Store
) -> Iterator[Start]:
    """Starts sessions, with namespaces and without."""
    monkeypatch.setenv("WHERRY_INVOKE_NAMESPACES", request.param)
    with ExitStack() as stack:

        def make(runnable: Runnable, **options: Any) -> Session:
            limits = Limits(
                **{
                    key: options.pop(key)
                    for key in {"timeout", "memory", "memory_ends"} & options.keys()
                }
            )
            reporter = options.pop("reporter", SILENT)
            here = context(store, target=runnable.target, reporter=reporter)
            session = Session(replace(runnable, limits=limits), here, **options)
            return stack.enter_context(session)

        yield make


def result(session: Session, event: object = None) -> Any:
    invocation = session.invoke(json.dumps(event).encode())
    assert invocation.error is None, invocation.error
    return json.loads(invocation.payload)


def namespaces() -> bool:
    return os.environ["WHERRY_INVOKE_NAMESPACES"] != "never"


@pytest.mark.parametrize("minor", [9, 10, 11, 12, 13])
def test_every_runtime(minor: int, start: Start, tmp_path: Path) -> None:
    find_python(f"3.{minor}")
    session = start(
        make_runnable(tmp_path, LOOK, runtime=f"python3.{minor}"), memory=512, timeout=7
    )
    first = session.invoke('{"ü": "\U0001f600"}'.encode())
    seen = json.loads(first.payload)
    assert seen["event"] == {"ü": "\U0001f600"}
    assert seen["version"] == [3, minor]
    assert seen["context"]["name"] == "shop"
    assert seen["context"]["memory"] == "512"
    assert 0 < seen["context"]["left"] <= 7000
    assert seen["context"]["id"] == first.request_id
    assert seen["context"]["arn"].endswith(":function:shop")
    assert first.log.decode().startswith("loading\ncalled with ")
    assert (first.init_seconds or 0) > 0
    assert (first.peak_memory or 0) > 1_000_000
    # The second event meets the same environment.
    second = session.invoke(b"2")
    assert json.loads(second.payload)["calls"] == 2
    assert second.init_seconds is None
    assert second.log == b"called with 2\n"


def test_paths_and_environment(start: Start, tmp_path: Path) -> None:
    """The order of `sys.path` is that of AWS's own start-up code."""
    session = start(
        make_runnable(tmp_path, LOOK, {"python/one.py": ""}, environment={"TABLE": "items"})
    )
    seen = result(session)
    env = seen["env"]
    own, rest = seen["path"][:5], seen["path"][5:]
    assert env["TABLE"] == "items"
    assert env["PYTHONPATH"] == env["LAMBDA_RUNTIME_DIR"]
    assert (
        not {"HOME", "USER", "VIRTUAL_ENV", "PYTHONHOME", "WHERRY_INVOKE_NAMESPACES"} & env.keys()
    )
    assert not any("site-packages" in path or "dist-packages" in path for path in rest)
    assert "site" not in {Path(path).name for path in rest}
    assert seen["cwd"] == env["LAMBDA_TASK_ROOT"] == own[0]
    if namespaces():
        assert own == [
            "/var/task",
            f"/opt/python/lib/{HERE}/site-packages",
            "/opt/python",
            f"/var/lang/lib/{HERE}/site-packages",
            "/var/runtime",
        ]
        assert seen["write"] == ["Read-only file system", "written"]
        assert seen["file"] == "/var/task/app.py"


def test_layers_in_their_order_and_what_the_runtime_provides(start: Start, tmp_path: Path) -> None:
    """The function's own code wins over its layers, later layers over earlier ones, all over the runtime."""
    code = """
import one, two, three, four, simplejson, boto3
def handler(event, context):
    return [one.FROM, two.FROM, three.FROM, four.FROM, simplejson.FROM, boto3.FROM]
"""
    site = f"python/lib/{HERE}/site-packages"

    def modules(root: str, said: str, *names: str) -> dict[str, str | bytes]:
        return {f"{root}{name}.py": f"FROM = {said!r}\n" for name in names}

    runnable = make_runnable(
        tmp_path,
        {"app.py": code, **modules("", "task", "one", "simplejson")},
        modules("python/", "first", "one", "two", "three"),
        {**modules("python/", "second", "two"), **modules(f"{site}/", "site", "three")},
        runtime_bundle=bundle_of(modules("", "runtime", "one", "two", "four", "boto3")),
    )
    assert result(start(runnable)) == ["task", "second", "site", "runtime", "task", "runtime"]


@pytest.mark.parametrize(
    ("code", "handler", "kind", "message"),
    [
        ("def handler(e, c):\n    raise KeyError('x')", "app.handler", "KeyError", "'x'"),
        ("def handler(e, c):\n    return {1}", "app.handler", "Runtime.MarshalError", "set"),
        ("import nothing_here", "app.handler", "Runtime.ImportModuleError", "nothing_here"),
        ("def handler(:", "app.handler", "Runtime.UserCodeSyntaxError", "Syntax error"),
        ("", "app.handler", "Runtime.HandlerNotFound", "missing on module 'app'"),
        ("", "other.handler", "Runtime.ImportModuleError", "No module named 'other'"),
        ("", "app", "Runtime.MalformedHandlerName", "Bad handler"),
        ("raise ValueError('early')", "app.handler", "ValueError", "early"),
        ("import sys; sys.exit(4)", "app.handler", "Runtime.ExitError", "exit status 4"),
        ("import os; os.kill(os.getpid(), 11)", "app.handler", "Runtime.ExitError", "segmentation"),
        ("import os\ndef handler(e, c): os._exit(0)", "app.handler", "Runtime.ExitError", "reason"),
        (
            "import sys\ndef handler(e, c): sys.exit(1)",
            "app.handler",
            "Runtime.ExitError",
            "status 1",
        ),
        ("def handler(e, c): handler(e, c)", "app.handler", "RecursionError", "recursion"),
        ("raise ValueError('für')\ndef handler(e, c): 1", "app.handler", "ValueError", "für"),
    ],
)
def test_failures(
    code: str, handler: str, kind: str, message: str, start: Start, tmp_path: Path
) -> None:
    session = start(make_runnable(tmp_path, code, handler=handler))
    for _ in range(2):  # and again, as every event meets the same fate
        invocation = session.invoke(b"{}")
        assert invocation.error is not None
        assert invocation.error.type == kind
        assert message in invocation.error.message
        assert json.loads(invocation.payload)["errorType"] == kind


def test_a_traceback(start: Start, tmp_path: Path) -> None:
    code = "def inner():\n    raise ValueError('böse')\ndef handler(e, c):\n    inner()\n"
    invocation = start(make_runnable(tmp_path, code)).invoke(b"{}")
    assert invocation.error is not None
    trace = "\n".join(invocation.error.stack_trace)
    assert "in inner" in trace
    assert "raise ValueError('böse')" in trace
    assert b"Traceback (most recent call last):\n" in invocation.log
    assert b"\r" not in invocation.log


def test_tools_that_patch_the_runtime_client(start: Start, tmp_path: Path) -> None:
    """As Sentry's integration does: they know where AWS's start-up code has it."""
    code = """
import sys
client = sys.modules["__main__"].awslambdaricmain.bootstrap
call = client.handle_event_request
def handler(event, context):
    return event
def patched(runtime, handler, *others, **named):
    return call(runtime, lambda event, context: ["patched", handler(event, context)], *others, **named)
client.handle_event_request = patched
"""
    session = start(make_runnable(tmp_path, code))
    assert result(session, 7) == ["patched", 7]


def test_entries_of_the_log_are_lines(start: Start, tmp_path: Path) -> None:
    """As on Lambda, where each is an event of its own, and apart from what the function does to `sys.stdout`."""
    code = """
import contextlib, io, logging
def handler(event, context):
    for number in range(2):
        try:
            raise ValueError(number)
        except ValueError:
            logging.exception("failed\u00a0twice")
    print("printed")
    with contextlib.redirect_stdout(io.StringIO()) as captured:
        logging.warning("logged")
    context.log("told")
    return captured.getvalue()
"""
    invocation = start(make_runnable(tmp_path, code)).invoke(b"{}")
    assert invocation.payload == b'""'
    lines = invocation.log.decode().splitlines()
    assert lines.count("printed") == lines.count("told") == 1
    assert [line.startswith("[ERROR]\t") for line in lines if "failed\u00a0twice" in line] == [
        True
    ] * 2
    assert {"ValueError: 0", "ValueError: 1"} <= set(lines)
    assert lines[-2].endswith("\tlogged")


def test_an_entry_at_the_end_of_the_process(start: Start, tmp_path: Path) -> None:
    code = """
import atexit, logging, sys
atexit.register(logging.warning, "last words")
def handler(event, context):
    sys.exit(1)
"""
    log = start(make_runnable(tmp_path, code)).invoke(b"{}").log
    assert log.endswith(b"\tlast words\n")


def test_a_timeout_and_what_comes_after(start: Start, tmp_path: Path) -> None:
    code = "import time\nn = 0\ndef handler(e, c):\n    global n\n    n += 1\n    time.sleep(e)\n    return n\n"
    session = start(make_runnable(tmp_path, code), timeout=1.5)
    assert [result(session, 0), result(session, 0)] == [1, 2]
    late = session.invoke(b"600")
    assert late.timed_out
    assert late.error is not None
    assert late.error.type == "Sandbox.Timedout"
    assert late.error.message.endswith("Task timed out after 1.50 seconds")
    fresh = session.invoke(b"0")
    assert fresh.payload == b"1"
    assert fresh.init_seconds is not None


def test_a_process_that_ends_between_events(start: Start, tmp_path: Path) -> None:
    code = """
import os, threading, time
def handler(event, context):
    if event == "die":
        threading.Thread(target=lambda: (time.sleep(0.2), os._exit(7))).start()
    return os.getpid()
"""
    session = start(make_runnable(tmp_path, code))
    result(session, "die")
    import time

    time.sleep(1)
    again = session.invoke(b"{}")
    assert again.error is None
    assert again.init_seconds is not None


def test_six_megabytes(start: Start, tmp_path: Path) -> None:
    session = start(make_runnable(tmp_path, "def handler(e, c):\n    return 'x' * e\n"))
    assert len(result(session, 6 * 1024 * 1024 - 2)) == 6 * 1024 * 1024 - 2
    too_large = session.invoke(b"7000000")
    assert too_large.error is not None
    assert too_large.error.type == "Function.ResponseSizeTooLarge"
    assert result(session, 3) == "xxx"
    with pytest.raises(InvokeError, match="bytes"):
        session.invoke(b'"' + b"x" * (6 * 1024 * 1024) + b'"')


def test_results_of_every_kind(start: Start, tmp_path: Path) -> None:
    session = start(make_runnable(tmp_path, "def handler(e, c):\n    return e\n"))
    values: tuple[object, ...] = (None, True, 1.5, "ü\n", [], {"a": [1, {"b": None}]})
    for value in values:
        assert result(session, value) == value


def test_output_that_is_not_text_and_comes_without_an_end(start: Start, tmp_path: Path) -> None:
    code = "import os\ndef handler(e, c):\n    os.write(1, b'\\xff\\xfe'); os.write(2, b'err'); return 1\n"
    pieces: list[bytes] = []
    session = start(make_runnable(tmp_path, code), on_log=pieces.append)
    assert session.invoke(b"{}").log == b"\xff\xfeerr" == b"".join(pieces)


def test_output_without_an_end(start: Start, tmp_path: Path) -> None:
    """All of it is handed on, and no more kept than 16 MB."""
    code = "def handler(e, c):\n    for _ in range(20):\n        print('x' * (1 << 20))\n    print('last')\n"
    size = 0

    def count(piece: bytes) -> None:
        nonlocal size
        size += len(piece)

    log = start(make_runnable(tmp_path, code), on_log=count).invoke(b"{}").log
    assert size == 20 * ((1 << 20) + 1) + 5
    assert len(log) <= 16 << 20
    assert log.endswith(b"x\nlast\n")


def test_the_transport_that_stands_in(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Python of another kind than there are wheels for gets AWS's Python and Wherry's transport."""
    found = replace(
        find_interpreter((sys.version_info[0], sys.version_info[1])), suffix=".cpython-darwin.so"
    )
    monkeypatch.setattr(interpreter, "find_interpreter", lambda *_, **__: found)
    heard = Heard()
    session = start(make_runnable(tmp_path, LOOK), reporter=heard)
    assert any("Wherry's own is used" in str(event) for event in heard.events)
    assert result(session, "ü")["event"] == "ü"
    assert result(session, 2)["calls"] == 2


def test_the_pins_of_every_python(store: Store) -> None:
    """Each of them is on PyPI with the bytes that are pinned."""
    base = find_interpreter((sys.version_info[0], sys.version_info[1]))
    for minor in range(9, 15):
        for machine in ("x86_64", "aarch64"):
            other = replace(
                base,
                version=(3, minor, 0),
                machine=machine,
                suffix=f".cpython-3{minor}-{machine}-linux-gnu.so",
            )
            client = prepare_client(other, context(store))
            assert client.compiled
            assert client.version == ("4.0.4" if minor == 9 else "4.2.2")
            assert not (client.folder / "runtime_client.py").exists()
            assert len(client_files(other)) == 3


def test_a_package_for_another_architecture(start: Start, tmp_path: Path) -> None:
    other = Architecture.ARM64 if platform.machine() == "x86_64" else Architecture.X86_64
    heard = Heard()
    files: dict[str, str | bytes] = {"app.py": "def handler(e, c): return 1\n"}
    start(make_runnable(tmp_path, files, architecture=other), reporter=heard)
    assert not [event for event in heard.events if isinstance(event, Warned)]
    session = start(
        make_runnable(tmp_path, {**files, "pkg/_speed.so": b"\x7fELF"}, architecture=other),
        reporter=heard,
    )
    (warning,) = [event for event in heard.events if isinstance(event, Warned)]
    assert "pkg/_speed.so will not load" in warning.text
    assert result(session) == 1


def test_as_the_emulator_does(
    tmp_path: Path, start: Start, store: Store, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The same function, event and layer through AWS's Runtime Interface Emulator."""
    find_python("3.13")
    runnable = make_runnable(tmp_path, LOOK, {"python/one.py": ""}, runtime="python3.13")
    ours = result(start(runnable), {"a": [1, "ü"]})
    with emulator(
        unpack_archives([runnable.function], store),
        runnable.handler,
        python="3.13",
        scratch=tmp_path / "scratch",
        shared=tmp_path_factory.getbasetemp() / "emulator",
        opt=unpack_archives(runnable.layers, store),
    ) as ask:
        theirs = ask({"a": [1, "ü"]})
    assert (ours["event"], ours["calls"]) == (theirs["event"], theirs["calls"])
    assert ours["version"] == theirs["version"]
    for name in ("AWS_LAMBDA_FUNCTION_VERSION", "TZ", "LANG"):
        assert ours["env"][name] == theirs["env"][name]
    if namespaces() and theirs["cwd"] == "/var/task":
        assert ours["cwd"] == theirs["cwd"]
        assert ours["file"] == theirs["file"]
        assert ours["write"][0] == theirs["write"][0]
        assert [path for path in ours["path"] if path.startswith(("/var/task", "/opt"))] == [
            path for path in theirs["path"] if path.startswith(("/var/task", "/opt"))
        ]


def test_from_python(tmp_path: Path, store: Store) -> None:
    """What the command line can, the library can: build, call and serve in one call each."""
    write_files(
        tmp_path,
        {
            "pylock.toml": EMPTY_LOCK,
            "app.py": "def handler(event, context):\n    print('called')\n    return {'statusCode': 200, 'body': str(event.get('id'))}\n",
        },
    )
    heard: list[bytes] = []
    invocation = wherry.invoke(
        tmp_path,
        {"id": 7},
        handler="app.handler",
        runtime=HERE,
        callbacks=wherry.Callbacks(log=heard.append),
        store=store,
    )
    assert json.loads(invocation.payload) == {"statusCode": 200, "body": "7"}
    assert b"called" in b"".join(heard)
    assert invocation.memory == 128
    with wherry.serve(tmp_path, handler="app.handler", runtime=HERE, store=store) as server:
        response = requests.get(server.url, timeout=30)
    assert (response.status_code, response.text) == (200, "None")


def test_the_sdk_of_the_runtime(start: Start, tmp_path: Path) -> None:
    """A function that ships no boto3 finds one, below everything else on the search path."""
    code = """
import boto3, sys, urllib3
def handler(event, context):
    client = boto3.client("s3", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
    return [boto3.__file__, urllib3.__version__, sys.path, client.meta.service_model.service_name]
"""
    heard = Heard()
    session = start(make_runnable(tmp_path, code), reporter=heard)
    found, _, path, service = result(session)
    runtime = next(folder for folder in path if found.startswith(f"{folder}/boto3/"))
    assert path.index(runtime) == 4
    assert service == "s3"
    (note,) = [event.text for event in heard.events if isinstance(event, Note) and event.brief]
    assert "the package has no `boto3`, `urllib3`, and gets boto3 1.40.4" in note
    # What the function ships wins, as it does on Lambda.
    own = {"app.py": code, "urllib3/__init__.py": "__version__ = 'own'\n"}
    (tmp_path / "own").mkdir()
    invocation = start(make_runnable(tmp_path / "own", own)).invoke(b"{}")
    assert invocation.error is not None  # botocore meets another urllib3 than it was tested with
    (tmp_path / "without").mkdir()
    without = start(make_runnable(tmp_path / "without", code, boto3=False)).invoke(b"{}")
    assert without.error is not None
    assert without.error.message.startswith(
        "Unable to import module 'app': No module named 'boto3'"
    )


SNAP_START = """
import os
from snapshot_restore_py import register_after_restore, register_before_snapshot
seen = ["loaded"]
register_before_snapshot(seen.append, "before the snapshot")
register_after_restore(seen.append, "after the restore")
def handler(event, context):
    return [*seen, os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]]
"""


def test_hooks_of_snap_start(start: Start, tmp_path: Path) -> None:
    """They run where that is asked for, once, before the first event."""
    hooks = ["loaded", "before the snapshot", "after the restore", "snap-start"]
    session = start(make_runnable(tmp_path, SNAP_START, snap_start=True))
    assert [result(session), result(session)] == [hooks, hooks]
    (tmp_path / "on-demand").mkdir()
    plain = start(make_runnable(tmp_path / "on-demand", SNAP_START))
    assert result(plain) == ["loaded", "on-demand"]


@pytest.mark.parametrize("when", ["before_snapshot", "after_restore"])
def test_a_hook_of_snap_start_that_fails(when: str, start: Start, tmp_path: Path) -> None:
    code = f"""
from snapshot_restore_py import register_{when}
@register_{when}
def fail():
    raise ValueError("of the hook")
def handler(event, context):
    return 1
"""
    invocation = start(make_runnable(tmp_path, code, snap_start=True)).invoke(b"{}")
    assert invocation.error is not None
    assert "of the hook" in invocation.error.message


def test_the_client_context(start: Start, tmp_path: Path) -> None:
    code = """
def handler(event, context):
    client = context.client_context
    return client and [client.custom, client.env, client.client.app_title]
"""
    session = start(make_runnable(tmp_path, code))
    assert result(session) is None
    about = client_context(
        {"custom": {"user": "ü\n7"}, "env": {"make": "x"}, "client": {"app_title": "shop"}}
    )
    invocation = session.invoke(b"{}", client_context=about)
    assert json.loads(invocation.payload) == [{"user": "ü\n7"}, {"make": "x"}, "shop"]


def test_more_memory_than_it_has(start: Start, tmp_path: Path) -> None:
    """The next event meets a fresh environment; without a limit there is only a warning."""
    code = "n = 0\ndef handler(e, c):\n    global n\n    n += 1\n    import time\n    x = bytearray(e << 20)\n    time.sleep(0.3)\n    return n\n"
    heard = Heard()
    session = start(make_runnable(tmp_path, code), memory=128, memory_ends=True, reporter=heard)
    assert [result(session, 1), result(session, 1)] == [1, 2]
    killed = session.invoke(b"300")
    assert killed.error is not None
    assert (killed.error.type, killed.timed_out) == ("Runtime.ExitError", False)
    assert killed.error.message == (
        f"RequestId: {killed.request_id} Error: Runtime exited with error: signal: killed"
    )
    assert result(session, 1) == 1
    (tmp_path / "told").mkdir()
    told = start(make_runnable(tmp_path / "told", code), reporter=heard)
    assert [result(told, 300), result(told, 300)] == [1, 2]
    ended, warned = [event for event in heard.events if isinstance(event, Warned)]
    assert "it was ended, as on AWS Lambda" in ended.text
    assert "MB of memory, and has 128 MB" in warned.text


def test_an_event_after_an_error(start: Start, tmp_path: Path) -> None:
    """An error that the function raises leaves its environment as it is; one that ends it does not."""
    code = """
import os, sys
n = 0
def handler(event, context):
    global n
    n += 1
    if event == "raise":
        raise ValueError
    if event == "exit":
        sys.exit(1)
    return n
"""
    session = start(make_runnable(tmp_path, code))
    assert session.invoke(b'"raise"').error is not None
    assert result(session) == 2
    assert session.invoke(b'"exit"').error is not None
    assert result(session) == 1


def test_environments_side_by_side(start: Start, tmp_path: Path) -> None:
    """Each has its own memory and its own `/tmp`."""
    code = """
import os
def handler(event, context):
    found = os.path.exists("/tmp/mine")
    open("/tmp/mine", "w").close()
    return [os.getpid(), found]
"""
    if not namespaces():
        return  # the one `/tmp` of this machine is shared then, as the page about this says
    runnable = make_runnable(tmp_path, code)
    first, second = start(runnable), start(runnable)
    assert [result(first)[1], result(second)[1], result(first)[1]] == [False, False, True]


def test_extensions_are_said_not_to_run(start: Start, tmp_path: Path) -> None:
    heard = Heard()
    layer = {"extensions/tracer": "#!/bin/sh\n", "python/one.py": ""}
    session = start(make_runnable(tmp_path, "def handler(e, c): return 1", layer), reporter=heard)
    (warning,) = [event for event in heard.events if isinstance(event, Warned)]
    assert "extensions, which do not run here: `tracer`" in warning.text
    assert result(session) == 1


def test_too_much_as_the_emulator_says_it(
    tmp_path: Path, start: Start, store: Store, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """AWS's words for a result above 6 MB, and for a process that is killed."""
    find_python("3.13")
    code = """
import os
def handler(event, context):
    if event["do"] == "kill":
        os.kill(os.getpid(), 9)
    return "x" * 7_000_000
"""
    runnable = make_runnable(tmp_path, code, runtime="python3.13")
    session = start(runnable)
    ours = [json.loads(session.invoke(b'{"do": "%s"}' % do).payload) for do in (b"large", b"kill")]
    with emulator(
        unpack_archives([runnable.function], store),
        runnable.handler,
        python="3.13",
        scratch=tmp_path / "scratch",
        shared=tmp_path_factory.getbasetemp() / "emulator",
    ) as ask:
        theirs = [ask({"do": "large"}), ask({"do": "kill"})]
    for own, other in zip(ours, theirs, strict=True):
        assert own["errorType"] == other["errorType"]
        # Apart from the identifier of the request.
        assert own["errorMessage"].split("Error:")[-1] == other["errorMessage"].split("Error:")[-1]


def test_a_layer_that_an_arn_names(tmp_path: Path, store: Store) -> None:
    """It is fetched from the account, comes in its place among the layers, and is not asked for again."""
    layer = zip_of(tmp_path / "layer.zip", {"python/shared.py": "FROM = 'the layer'\n"})
    settings = (
        '[functions.api]\nhandler = "app.handler"\nlayers = ["{arn}"]\nmemory = 256\n'
        'environment = {{ TABLE = "items" }}\n'
    )
    code = "import os, shared\ndef handler(e, c): return [shared.FROM, os.environ['TABLE'], c.memory_limit_in_mb]\n"
    shop = tmp_path / "shop"
    # Beyond the account, nothing can be reached below.
    prepare_client(find_interpreter((sys.version_info[0], sys.version_info[1])), context(store))
    with moto() as served, serve_storage(Storage(data=layer.read_bytes())) as storage:
        account = served.account()

        def locate(call: Call, data: bytes) -> bytes:
            answer = json.loads(data)
            answer.get("Content", {})["Location"] = storage.url()
            return json.dumps(answer).encode()

        with serve_faults(account.url) as proxy, account.here(url=proxy.url):
            arn = account.layer("shared", layer.read_bytes())
            proxy.edit = locate
            write_files(
                shop,
                {
                    "pylock.toml": EMPTY_LOCK,
                    "wherry.toml": settings.format(arn=arn),
                    "app.py": code,
                },
            )
            for _ in range(2):
                invocation = wherry.invoke(shop, runtime=HERE, store=store)
                assert json.loads(invocation.payload) == ["the layer", "items", "256"]
            assert proxy.operations == ["GetLayerVersion"]
            without = wherry.invoke(shop, runtime=HERE, store=store, skip_arn_layers=True)
            assert without.error is not None
            assert without.error.type == "Runtime.ImportModuleError"


def test_cold_starts(tmp_path: Path, store: Store) -> None:
    files = {
        "pylock.toml": EMPTY_LOCK,
        "pyproject.toml": '[project]\nname = "shop"\nversion = "1"\n[tool.wherry]\n'
        f'runtime = "{HERE}"\ncheck = "off"\n[tool.wherry.functions.api]\nhandler = "app.handler"\n',
        "slow.py": "import time\ntime.sleep(0.2)\n",
        "app.py": "import slow\ndef handler(event, context):\n    raise ValueError\n",
    }
    write_files(tmp_path, files)
    starts = wherry.cold_starts(tmp_path, 3, profile=True, store=store)
    assert len(starts.seconds) == 3
    assert 0.2 < min(starts.seconds) <= starts.median <= max(starts.seconds)
    assert (starts.peak_memory or 0) > 1_000_000
    longest = starts.imports[0]
    assert (longest.module, longest.seconds > 0.2, longest.is_choice) == ("slow", True, True)
    document = starts.document()
    assert document["init_ms"]["min"] <= document["init_ms"]["median"]
    assert document["imports"][0]["module"] == "slow"
    report = wherry.report_cold_starts(tmp_path, starts, store=store)
    times = report.import_times()
    assert times["shop"] > 200_000
    # All of the initialization is accounted for.
    assert starts.profile is not None
    assert starts.profile.seconds is not None
    assert sum(times.values()) == pytest.approx(starts.profile.seconds * 1e6, abs=2)
    assert '"slow"' in report.html()
    write_files(tmp_path, {"app.py": "import none_such\ndef handler(event, context): ...\n"})
    with pytest.raises(InvokeError, match="fails to initialize") as caught:
        wherry.cold_starts(tmp_path, 1, store=store)
    assert "none_such" in str(caught.value)
