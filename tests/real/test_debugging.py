"""Stepping through a function: debugpy attached to as an editor does, and pdb on a terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from uv import find_uv_bin

import wherry
from support.command import Wherry
from support.debug_adapter import Editor
from support.functions import HERE
from support.projects import EMPTY_LOCK, write_files
from support.wherry_serve import serving

pytestmark = pytest.mark.real

CODE = """\
import json

LOADED = json.loads("7")


def handler(event, context):
    try:
        input()
    except EOFError:
        pass
    answer = {"event": event, "loaded": LOADED}
    if event == "stop":
        breakpoint()
    return answer
"""
# The package lies in another folder than its sources.
LAYOUTS = {"flat": "", "src": "src/"}


@pytest.fixture(scope="module")
def debugpy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("debugpy")
    subprocess.run(
        [find_uv_bin(), "pip", "install", "--quiet", "--python", sys.executable,
         "--target", folder, "--only-binary", ":all:", "debugpy"],
        check=True,
    )  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


def make_project(root: Path, prefix: str) -> Path:
    build = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
    write_files(
        root,
        {
            "pylock.toml": EMPTY_LOCK,
            "pyproject.toml": '[project]\nname = "shop"\nversion = "1.0"\n'
            + (build if prefix else "")
            + f'[tool.wherry]\nruntime = "{HERE}"\n'
            '[tool.wherry.functions.api]\nhandler = "shop.api.handler"\n',
            f"{prefix}shop/__init__.py": "",
            f"{prefix}shop/api.py": CODE,
        },
    )
    return root / f"{prefix}shop/api.py"


def environment(store: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "WHERRY_CACHE_DIR": str(store), "NO_COLOR": "1", **more}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.mark.parametrize("namespaces", ["auto", "never"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_breakpoints_in_the_sources_of_the_project(
    layout: str, namespaces: str, debugpy: Path, store: Path, tmp_path: Path
) -> None:
    source = make_project(tmp_path, LAYOUTS[layout])
    site = tmp_path / ".venv" / "lib" / HERE / "site-packages"
    site.parent.mkdir(parents=True)
    site.symlink_to(debugpy)
    (tmp_path / "event.json").write_text('"hi"')
    process = subprocess.Popen(
        [sys.executable, "-m", "wherry", "invoke", "-e", "event.json", "--timeout", "1",
         "--debug", str(free_port())],
        cwd=tmp_path,
        env=environment(store, WHERRY_INVOKE_NAMESPACES=namespaces),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        shown = ""
        for line in process.stderr:
            shown += line
            if line == "}\n":
                break
        configuration = json.loads(shown[shown.index("\n{\n") :])
        assert "Waiting for a debugger on 127.0.0.1 port" in shown
        with Editor(configuration) as editor:
            assert editor.begin(source, [3, 11, 14]) == [True] * 3
            # Before the function is loaded, and while it runs, for longer than it has.
            path, line_number, _ = editor.stop()
            assert (path, line_number) == (str(source), 3)
            editor.go_on()
            path, line_number, frame = editor.stop()
            assert (path, line_number) == (str(source), 11)
            assert editor.value("event", frame) == "'hi'"
            time.sleep(1.5)
            editor.go_on()
            assert editor.stop()[1] == 14
            editor.go_on()
            out, err = process.communicate(timeout=30)
        assert json.loads(out) == {"event": "hi", "loaded": 7}, err
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()


def configurations(shown: list[str]) -> list[dict[str, object]]:
    return [
        json.loads("{" + piece.partition("\n}\n")[0] + "}")
        for piece in "".join(shown).split("\n{\n")[1:]
    ]


def await_line(shown: list[str], text: str, count: int = 1) -> None:
    until = time.monotonic() + 30
    while sum(text in line for line in shown) < count:
        assert time.monotonic() < until, shown
        time.sleep(0.05)


def test_the_functions_of_a_server(debugpy: Path, store: Path, tmp_path: Path) -> None:
    """Each has a port; an edit ends the debugged process, also one that waits, and the next has the same port."""
    source = make_project(tmp_path, "src/")
    site = tmp_path / ".venv" / "lib" / HERE / "site-packages"
    site.parent.mkdir(parents=True)
    site.symlink_to(debugpy)
    settings = tmp_path / "pyproject.toml"
    other = '[tool.wherry.functions.other]\nhandler = "shop.api.handler"\n'
    settings.write_text(settings.read_text() + other)
    port = free_port()
    with (
        ThreadPoolExecutor() as pool,
        serving(
            Wherry(store=store, cwd=tmp_path),
            store,
            "--reload",
            "--timeout",
            "1",
            "--debug",
            str(port),
        ) as server,
    ):
        shown = server.said
        await_line(shown, "Waiting for a debugger", 2)
        await_line(shown, "Ctrl-C ends it")
        first, second = sorted(configurations(shown), key=lambda each: str(each["name"]))
        assert [each["name"] for each in (first, second)] == ["wherry api", "wherry other"]
        assert second["connect"] == {"host": "127.0.0.1", "port": port + 1}

        def call(name: str) -> requests.Response:
            return requests.post(f"{server.url}/{name}", data="x", timeout=60)

        answer = pool.submit(call, "other")
        with Editor(second) as editor:
            assert editor.begin(source, [11]) == [True]
            assert editor.stop()[:2] == (str(source), 11)
            time.sleep(1.5)
            editor.go_on()
            assert answer.result(30).json()["loaded"] == 7
        # Nobody has attached to the first: it is replaced as well.
        source.write_text(source.read_text().replace('loads("7")', 'loads("8")'))
        await_line(shown, "Reloaded api, other")
        await_line(shown, f"port {port + 1}\n")
        for configuration, name in ((first, "api"), (second, "other")):
            answer = pool.submit(call, name)
            with Editor(configuration) as editor:
                assert editor.begin(source, [11]) == [True]
                editor.stop()
                editor.go_on()
                assert answer.result(30).json()["loaded"] == 8
    assert "Traceback" not in "".join(shown)


def test_a_debugger_of_several_environments(store: Path, tmp_path: Path) -> None:
    make_project(tmp_path, "")
    command = Wherry(store=store, cwd=tmp_path)
    done = command("serve", "--debug", "5678", "--concurrency", "2")
    assert done.code == 1
    assert "steps through one environment of a function, not through 2" in done.err


def test_no_debugger_and_no_port(store: Path, tmp_path: Path, debugpy: Path) -> None:
    make_project(tmp_path, "")
    command = Wherry(store=store, cwd=tmp_path)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        without = command("invoke", "--debug", str(port))
        site = tmp_path / ".venv" / "lib" / HERE / "site-packages"
        site.parent.mkdir(parents=True)
        site.symlink_to(debugpy)
        taken = command("invoke", "--debug", str(port))
    assert (without.code, taken.code) == (1, 1)
    assert "error: debugpy is not installed" in without.err
    assert "uv pip install debugpy" in without.err
    assert f"error: the debugger cannot listen on 127.0.0.1 port {port}" in taken.err


@contextmanager
def on_terminal(root: Path, store: Path, command: str) -> Iterator[tuple[int, int]]:
    """A command of a shell on a terminal: its process and the other end."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(root)
        os.execve("/bin/sh", ["sh", "-c", command], environment(store))
    try:
        yield child, terminal
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(terminal)


def read_until(terminal: int, pattern: str) -> str:
    text, end = "", time.monotonic() + 60
    while not re.search(pattern, text):
        assert time.monotonic() < end, text
        if select.select([terminal], [], [], 1)[0]:
            try:
                text += os.read(terminal, 4096).decode()
            except OSError:
                break
    return text


def test_breakpoint_on_a_terminal(store: Path, tmp_path: Path) -> None:
    """No timeout ends the function while somebody looks at it."""
    make_project(tmp_path, "")
    shell = (
        f"echo '\"stop\"' | {sys.executable} -m wherry invoke -e - --timeout 2 > out.json; echo $?"
    )
    with on_terminal(tmp_path, store, shell) as (_, terminal):
        read_until(terminal, r"\(Pdb\) $")
        time.sleep(2.5)
        os.write(terminal, b"p answer['loaded'] + 35\n")
        assert "42" in read_until(terminal, r"42[^(]*\(Pdb\) $")
        os.write(terminal, b"c\n")
        assert "REPORT RequestId" in read_until(terminal, r"REPORT[^\n]*\n0\r?\n")
    assert json.loads((tmp_path / "out.json").read_text()) == {"event": "stop", "loaded": 7}


def test_breakpoint_under_serve(store: Path, tmp_path: Path) -> None:
    source = make_project(tmp_path, "")
    code = source.read_text().replace('event == "stop"', 'event["rawPath"] == "/stop"')
    source.write_text(code.replace("input()", "pass"))
    shell = f"exec {sys.executable} -m wherry serve --port 0 --timeout 2 > address"
    with ThreadPoolExecutor() as pool, on_terminal(tmp_path, store, shell) as (_, terminal):
        read_until(terminal, "Ctrl-C ends it")
        while not (url := (tmp_path / "address").read_text()):
            time.sleep(0.05)
        answer = pool.submit(requests.get, f"{url.strip()}stop", timeout=60)
        read_until(terminal, r"\(Pdb\) $")
        time.sleep(2.5)
        os.write(terminal, b"answer['loaded'] = 42\n")
        read_until(terminal, r"\(Pdb\) $")
        os.write(terminal, b"c\n")
        assert answer.result(30).json()["loaded"] == 42
        assert requests.get(url.strip(), timeout=60).json()["loaded"] == 7


def test_breakpoint_without_a_terminal(store: Path, tmp_path: Path) -> None:
    make_project(tmp_path, "")
    done = subprocess.run(
        [sys.executable, "-m", "wherry", "invoke", "-e", "-"],
        cwd=tmp_path,
        env=environment(store),
        input='"stop"',
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )
    assert done.returncode == 1
    assert json.loads(done.stdout)["errorType"] == "BdbQuit"
    assert "warning: the function stopped for a debugger, and there is no terminal" in done.stderr
    assert "--debug PORT" in done.stderr


def test_from_python(store: Path, tmp_path: Path) -> None:
    make_project(tmp_path, "")
    with pytest.raises(wherry.WherryError, match="debugpy is not installed"):
        wherry.invoke(tmp_path, store=wherry.Store(store), debug=free_port())
