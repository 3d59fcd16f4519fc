"""A8, S9: a real index that needs a password, the real tools that lock from it, and a real keyring."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from support.hunt import files_with, watch
from support.private import ALPHA, BACKEND, BETA, PASSWORD, USER, forms
from support.projects import write_files
from support.tools import run_tool, run_uv, tool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.real

# Pipenv itself cannot lock with a password of odd characters.
PLAIN = ("plain", "plain-s3cret")


@dataclass(frozen=True, kw_only=True)
class Served:
    """A pypiserver with a password for everything."""

    url: str

    @property
    def simple(self) -> str:
        return f"{self.url}/simple/"

    @property
    def address(self) -> str:
        return self.simple.replace("://", f"://{USER}:{quote(PASSWORD, safe='')}@")


def _sha1(text: str) -> str:
    return base64.b64encode(hashlib.sha1(text.encode()).digest()).decode()


@contextmanager
def pypiserver(folder: Path) -> Iterator[Served]:
    for made in (ALPHA, BETA, BACKEND):
        made.write(folder / "packages")
    lines = [f"{user}:{{SHA}}{_sha1(password)}\n" for user, password in ((USER, PASSWORD), PLAIN)]
    (folder / "htpasswd").write_text("".join(lines))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        *(str(tool("pypiserver")), "run", "-i", "127.0.0.1", "-p", str(port)),
        *("-P", str(folder / "htpasswd"), "-a", "update,download,list", "--disable-fallback"),
        str(folder / "packages"),
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    served = Served(url=f"http://127.0.0.1:{port}")
    try:
        while True:
            assert process.poll() is None, (folder / "log").read_text()
            try:
                urllib.request.urlopen(served.simple).close()
            except urllib.error.HTTPError as error:
                assert error.code == 401
                break
            except OSError:
                time.sleep(0.1)
        yield served
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with pypiserver(tmp_path_factory.mktemp("pypiserver")) as running:
        yield running


def _uv(root: Path, served: Served) -> None:
    write_files(
        root,
        {
            "pyproject.toml": '[project]\nname = "shop"\nversion = "1.0"\nrequires-python = ">=3.11"\n'
            'dependencies = ["alpha", "beta"]\n'
            f'[[tool.uv.index]]\nname = "company"\nurl = "{served.simple}"\ndefault = true\n'
        },
    )
    run_uv(
        "lock",
        cwd=root,
        env={"UV_INDEX_COMPANY_USERNAME": USER, "UV_INDEX_COMPANY_PASSWORD": PASSWORD},
    )


def _poetry(root: Path, served: Served) -> None:
    write_files(
        root,
        {
            "pyproject.toml": '[tool.poetry]\nname = "shop"\nversion = "1.0"\npackage-mode = false\n'
            '[tool.poetry.dependencies]\npython = "^3.11"\nalpha = "*"\n'
            f'[[tool.poetry.source]]\nname = "company"\nurl = "{served.simple}"\n'
        },
    )
    env = {
        "POETRY_HTTP_BASIC_COMPANY_USERNAME": USER,
        "POETRY_HTTP_BASIC_COMPANY_PASSWORD": PASSWORD,
    }
    run_tool("poetry", "lock", cwd=root, env=env)


def _pipenv(root: Path, served: Served) -> None:
    url = served.simple.replace("://", "://${COMPANY_USER}:${COMPANY_PASSWORD}@")
    write_files(
        root,
        {
            "Pipfile": f'[[source]]\nname = "company"\nurl = "{url}"\nverify_ssl = true\n'
            '[packages]\nalpha = "*"\n[requires]\npython_version = "3"\n'
        },
    )
    env = {"COMPANY_USER": PLAIN[0], "COMPANY_PASSWORD": PLAIN[1]}
    run_tool("pipenv", "lock", cwd=root, env=env)


def _requirements(root: Path, served: Served) -> None:
    write_files(
        root,
        {
            "requirements.txt": f"--index-url {served.simple}\nalpha==1.2\nbeta==1.0\n",
            "pyproject.toml": '[project]\nname = "shop"\nversion = "1.0"\n'
            f'[[tool.wherry.indexes]]\nname = "company"\nurl = "{served.simple}"\n',
        },
    )


LOCKED: dict[str, tuple[Callable[[Path, Served], None], dict[str, str]]] = {
    "uv": (_uv, {"UV_INDEX_COMPANY_USERNAME": USER, "UV_INDEX_COMPANY_PASSWORD": PASSWORD}),
    "poetry": (
        _poetry,
        {
            "POETRY_HTTP_BASIC_COMPANY_USERNAME": USER,
            "POETRY_HTTP_BASIC_COMPANY_PASSWORD": PASSWORD,
        },
    ),
    "pipenv": (_pipenv, {"COMPANY_USER": USER, "COMPANY_PASSWORD": PASSWORD}),
    "requirements": (
        _requirements,
        {"UV_INDEX_COMPANY_USERNAME": USER, "UV_INDEX_COMPANY_PASSWORD": PASSWORD},
    ),
}


def built(root: Path, served: Served, *options: str, **env: str) -> tuple[int, str]:
    """Build, and hunt the password afterwards."""
    base = root.parent
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("UV_", "PIP_", "WHERRY_", "POETRY_", "NETRC"))
    }
    done = watch(
        ["build", *options],
        cwd=root,
        env={
            **inherited,
            "NO_COLOR": "1",
            "WHERRY_CACHE_DIR": str(base / "store"),
            "UV_CACHE_DIR": str(base / "uv"),
            "UV_DEFAULT_INDEX": served.simple,
            "UV_PYTHON_DOWNLOADS": "never",
            **env,
        },
    )
    secret = forms(USER, PASSWORD)
    places = [root / "dist", base / "store", base / "uv"]
    assert files_with(secret, *(place for place in places if place.exists())) == []
    assert not [form for form in secret if form in done.output]
    assert not [each for each in done.processes for form in secret if form in each.arguments]
    return done.code, done.output.decode()


@pytest.mark.parametrize("name", LOCKED)
def test_what_the_real_tools_lock(tmp_path: Path, served: Served, name: str) -> None:
    """A8: requirements, Poetry, Pipenv and uv alike, with the variables that each of them has."""
    root = tmp_path / "shop"
    root.mkdir()
    make, env = LOCKED[name]
    make(root, served)
    code, said = built(root, served, **env)
    assert code == 0, said
    assert (root / "dist" / "lambda").is_dir()
    # All is in the store by then, with what pinned requirements resolved to.
    code, said = built(root, served)
    assert code == 0, said
    if name == "requirements":
        # Who asks the index again needs the password.
        code, said = built(root, served, "--refresh")
        assert code == 1, said


def test_a_real_keyring(tmp_path: Path, served: Served) -> None:
    """A8: what `keyring set` keeps, Wherry finds."""
    root = tmp_path / "shop"
    root.mkdir()
    _requirements(root, served)
    command = tool("keyring")
    keeps = {
        "PYTHON_KEYRING_BACKEND": "keyrings.alt.file.PlaintextKeyring",
        "XDG_DATA_HOME": str(tmp_path / "keys"),
    }
    subprocess.run(
        [str(command), "set", served.url.partition("://")[2], USER],
        input=PASSWORD.encode(),
        env={**os.environ, **keeps},
        check=True,
    )
    path = f"{command.parent}{os.pathsep}{os.environ['PATH']}"
    code, said = built(root, served, PATH=path, UV_INDEX_COMPANY_USERNAME=USER, **keeps)
    assert code == 0, said


def test_pip_keeps_the_same_rules(tmp_path: Path, served: Served) -> None:
    """The oracle: what opens the index for pip, by `PIP_INDEX_URL`, opens it for Wherry."""
    root = tmp_path / "shop"
    root.mkdir()
    write_files(root, {"requirements.txt": "alpha==1.2\nbeta==1.0\n", "app.py": ""})
    given = {"PIP_INDEX_URL": served.address, "PIP_CONFIG_FILE": os.devnull}
    pip = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--quiet",
        "-d",
        str(tmp_path / "pip"),
    ]
    subprocess.run([*pip, "alpha==1.2"], env={**os.environ, **given}, check=True)
    code, said = built(root, served, UV_DEFAULT_INDEX="", **given)
    assert code == 0, said
