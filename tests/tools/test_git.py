"""A8: repositories behind a password; git hears of it by its environment alone."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from support.interpreters import missing
from support.loopback import QuietHandler, serve
from wherry.errors import FetchError, ToolError
from wherry.tools.git import check_out, repository_state

if TYPE_CHECKING:
    from collections.abc import Iterator

USER, PASSWORD = "robot", "p@ss:w/o%rd +1 \"$x'"


@pytest.fixture(autouse=True)
def _with_git() -> None:
    if shutil.which("git") is None:
        missing("git is not installed")


class _Handler(QuietHandler, SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        expected = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if self.headers.get("Authorization") == f"Basic {expected}":
            super().do_GET()
            return
        self.answer(401, WWW_Authenticate='Basic realm="repository"')


@contextmanager
def served(folder: Path) -> Iterator[str]:
    with serve(partial(_Handler, directory=str(folder))) as url:
        yield url.removeprefix("http://")


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


def refuse(url: str, tmp_path: Path) -> FetchError:
    into = tmp_path / "into"
    with pytest.raises(FetchError, match="`shop` cannot be fetched") as caught:
        check_out(url, "0" * 40, into, label="shop")
    assert not into.exists()
    return caught.value


@pytest.mark.parametrize(
    "url",
    [
        "fd::17",
        "FD::0,1/x",
        "ext::sh -c touch% ran",
        "ext::sleep 100",
        "ftp://127.0.0.1/x",
        "foo://127.0.0.1/x",
        "fd://0",
        "--upload-pack=touch ran",
        "-u",
        "ssh://-oProxyCommand=touch/x",
        "ssh://git@-oProxyCommand=touch/x",
        "git@-oProxyCommand=touch:x",
        "https://127.0.0.1/a\nb",
        "",
    ],
)
def test_no_address_of_a_repository(url: str, tmp_path: Path) -> None:
    error = refuse(url, tmp_path)
    assert "is not an address of a repository" in error.where[0]
    assert error.hint == "repositories are fetched by http, https, ssh, git, file or codecommit"
    assert "\n" not in error.where[0]


@pytest.mark.parametrize("kind", ["fifo", "device"])
def test_a_repository_that_is_a_pipe_or_a_device(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "fifo" if kind == "fifo" else Path("/dev/zero")
    if kind == "fifo":
        os.mkfifo(path)
    assert "cannot be cloned" in refuse(path.as_uri(), tmp_path).where[0]


def test_a_submodule_cannot_run_a_helper(tmp_path: Path, repository: tuple[Path, str]) -> None:
    work = tmp_path / "work"
    (work / ".gitmodules").write_text(
        f'[submodule "a"]\n\tpath = a\n\turl = ext::touch {tmp_path}/ran\n'
    )
    commit = repository[1]
    git("update-index", "--add", "--cacheinfo", f"160000,{commit},a", cwd=work)
    git("add", ".gitmodules", cwd=work)
    git("commit", "-qm", "two", cwd=work)
    commit = git("rev-parse", "HEAD", cwd=work)
    with pytest.raises(FetchError, match="cannot be fetched") as caught:
        check_out(work.as_uri(), commit, tmp_path / "into", label="shop")
    assert "not allowed" in str(caught.value)
    assert not (tmp_path / "ran").exists()


def test_a_git_that_does_not_end_is_ended_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "git").write_text(
        f"#!/bin/sh\nsleep 300 &\necho $! > {tmp_path}/child\necho $$ >> {tmp_path}/child\nwait\n"
    )
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("WHERRY_GIT_TIMEOUT", "0.5")
    with pytest.raises(ToolError, match=r"`git clone` was ended after 0\.5 seconds") as caught:
        check_out("https://127.0.0.1/x", "0" * 40, tmp_path / "into", label="shop")
    assert caught.value.hint == "set `WHERRY_GIT_TIMEOUT` to more seconds"
    for number in (tmp_path / "child").read_text().split():
        assert ended(int(number))
    with pytest.raises(ToolError, match="`git status` was ended"):
        repository_state(tmp_path)


def ended(number: int) -> bool:
    """Whether a process ends within some seconds; one that nobody has waited for counts as ended."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("value", ["0", "-1", "soon", "inf", "nan", "1e300"])
def test_a_limit_that_is_none(value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHERRY_GIT_TIMEOUT", value)
    with pytest.raises(ToolError, match=f"`WHERRY_GIT_TIMEOUT` is `{value}`"):
        check_out("https://127.0.0.1/x", "0" * 40, tmp_path / "into", label="shop")
