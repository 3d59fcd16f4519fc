"""A8: repositories behind a password; git hears of it by its environment alone."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from support.interpreters import missing
from wherry.errors import FetchError
from wherry.tools.git import check_out

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

USER, PASSWORD = "robot", "p@ss:w/o%rd +1 \"$x'"


@pytest.fixture(autouse=True)
def _with_git() -> None:
    if shutil.which("git") is None:
        missing("git is not installed")


class _Handler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        expected = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if self.headers.get("Authorization") == f"Basic {expected}":
            super().do_GET()
            return
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="repository"')
        self.send_header("Content-Length", "0")
        self.end_headers()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(folder)))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def git(*arguments: str, cwd: Path) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=cwd, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> tuple[Path, str]:
    """A bare repository as a web server can give it out, and its commit."""
    work = tmp_path / "work"
    work.mkdir()
    git("init", "-q", cwd=work)
    (work / "shop.py").write_text("A = 1\n")
    git("add", ".", cwd=work)
    git("commit", "-qm", "one", cwd=work)
    commit = git("rev-parse", "HEAD", cwd=work)
    git("clone", "-q", "--bare", str(work), str(tmp_path / "served" / "shop.git"), cwd=tmp_path)
    git("update-server-info", cwd=tmp_path / "served" / "shop.git")
    return tmp_path / "served", commit


def recording_git(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The real git, with its arguments written down."""
    folder.mkdir()
    log = folder / "arguments"
    command = folder / "git"
    command.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" >> {log}\nexec {shutil.which("git")} "$@"\n'
    )
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return log


def test_the_password_is_in_no_argument_and_in_no_file(
    tmp_path: Path, repository: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, commit = repository
    log = recording_git(tmp_path / "bin", monkeypatch)
    with served(folder) as host:
        url = f"http://{USER}:{quote(PASSWORD, safe='')}@{host}/shop.git"
        check_out(url, commit, tmp_path / "out", label="shop")
        assert (tmp_path / "out" / "shop.py").read_text() == "A = 1\n"
        for path in [log, *(tmp_path / "out").rglob("*")]:
            if path.is_file():
                for form in (PASSWORD, quote(PASSWORD, safe=""), quote(PASSWORD)):
                    assert form.encode() not in path.read_bytes(), path


def test_a_wrong_password(tmp_path: Path, repository: tuple[Path, str]) -> None:
    folder, commit = repository
    with served(folder) as host, pytest.raises(FetchError) as caught:
        check_out(f"http://{USER}:wr%40ng@{host}/shop.git", commit, tmp_path / "out", label="shop")
    assert "cannot be cloned" in caught.value.where[0]
    assert "wr%40ng" not in str(caught.value)
    assert "wr@ng" not in str(caught.value)
