"""Every shim through AWS's Runtime Interface Emulator and AWS's runtime client, out of written packages.

S2: a Flask zip answers REST, HTTP API, ALB and function URL events; FastAPI and Django likewise. S3: binary bodies,
base64 input, two cookies, `+` in a path, missing query strings.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from uv import find_uv_bin

import wherry
from support.apps import ASGI, DJANGO, FASTAPI, FLASK, WSGI
from support.emulator import Emulator, emulator
from support.exchanges import EXCHANGES, Invoke, ask, echo
from support.frameworks import APPLICATIONS
from support.lambda_events import KINDS, Request
from wherry.store import Store

pytestmark = pytest.mark.real

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@dataclass(frozen=True, kw_only=True)
class Function:
    """A function to be packed: its own files, what is installed beside them, and its application."""

    app: str
    python: str = "3.13"
    text: str = ""
    example: str = ""
    requirements: tuple[str, ...] = ()


FRAMEWORKS = {
    "flask": Function(app="shop:app", text=FLASK, requirements=("flask",)),
    "django-wsgi": Function(app="shop:application", text=DJANGO, requirements=("django",)),
    "django-asgi": Function(app="shop:asynchronous", text=DJANGO, requirements=("django",)),
    "fastapi": Function(app="shop:app", text=FASTAPI, requirements=("fastapi",)),
    # The oldest runtime, for which there are adapters of its own.
    "wsgi-3.9": Function(app="shop:app", python="3.9", text=WSGI),
    "asgi-3.9": Function(app="shop:app", python="3.9", text=ASGI),
    # The oldest adapters that a project may lock.
    "oldest-apig-wsgi": Function(
        app="shop:app", python="3.11", text=FLASK, requirements=("flask", "apig-wsgi==2.13.0")
    ),
    "oldest-mangum": Function(
        app="shop:app", python="3.11", text=FASTAPI, requirements=("fastapi", "mangum==0.17.0")
    ),
}


def installed(function: Function, target: Path) -> None:
    """What the function needs and its own files, in one folder."""
    uv = [find_uv_bin(), "pip", "install", "--quiet", "--python-version", function.python]
    uv += ["--target", str(target), "--only-binary", ":all:"]
    env = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    target.mkdir(parents=True)
    if function.requirements:
        subprocess.run([*uv, *function.requirements], check=True, env=env)
    if function.example:
        root = EXAMPLES / function.example
        lock = root / "requirements.txt"
        if lock.exists():
            subprocess.run([*uv, "--require-hashes", "-r", lock], check=True, env=env)
        else:
            subprocess.run([*uv, "-r", root / "pyproject.toml"], check=True, env=env)
        for folder in root.iterdir():
            if (folder / "__init__.py").exists():
                shutil.copytree(folder, target / folder.name)
    if function.text:
        (target / "shop.py").write_text(function.text, encoding="utf-8")


def pack(function: Function, folder: Path) -> tuple[Path, str]:
    """The written package and its handler."""
    if function.example:
        # As it stands in the repository: from its own lock, by its own settings.
        project = folder / function.example
        shutil.copytree(
            EXAMPLES / function.example,
            project,
            ignore=shutil.ignore_patterns("dist", "__pycache__"),
        )
        report = wherry.build(
            project, runtime=f"python{function.python}", store=Store(folder / "store")
        )
        (package,) = report.packages
        assert package.handler is not None
        return package.path, package.handler
    source = folder / "installed"
    installed(function, source)
    report = wherry.build(
        folder,
        name="function",
        app=function.app,
        runtime=f"python{function.python}",
        install_path=source,
        output=folder / "function.zip",
        store=Store(folder / "store"),
    )
    (package,) = report.packages
    assert package.handler is not None
    return package.path, package.handler


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("emulator")


def running(function: Function, folder: Path, shared: Path) -> Iterator[Emulator]:
    package, handler = pack(function, folder)
    with zipfile.ZipFile(package) as archive:
        archive.extractall(folder / "task")
    with emulator(
        folder / "task", handler, python=function.python, scratch=folder / "scratch", shared=shared
    ) as emulated:
        yield emulated


@pytest.fixture(scope="module", params=FRAMEWORKS)
def function(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, shared: Path
) -> Iterator[Emulator]:
    yield from running(FRAMEWORKS[request.param], tmp_path_factory.mktemp("function"), shared)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda each: each.__name__)
def test_an_exchange(
    function: Emulator, exchange: Callable[[Invoke, str], None], kind: str
) -> None:
    """S2, S3."""
    exchange(function, kind)


EXAMPLE_REQUESTS = {
    "flask-api": ("shop.api:app", "/", b'"flask"'),
    "fastapi-api": ("shop.web:app", "/items?name=oar", b'"48.50"'),
    "django-site": ("harbour.wsgi:application", "/boats/a+b/", b'"a+b"'),
}


@pytest.fixture(scope="module", params=EXAMPLE_REQUESTS)
def example(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, shared: Path
) -> Iterator[tuple[str, Emulator]]:
    name = request.param
    function = Function(app=EXAMPLE_REQUESTS[name][0], example=name)
    for emulated in running(function, tmp_path_factory.mktemp(name), shared):
        yield name, emulated


@pytest.mark.parametrize("kind", KINDS)
def test_an_example(example: tuple[str, Emulator], kind: str) -> None:
    """S2. The application of an example project, untouched."""
    name, emulated = example
    _, target, expected = EXAMPLE_REQUESTS[name]
    answer = ask(emulated, kind, Request("GET", target))
    assert answer.status == 200
    assert expected in answer.body


@pytest.fixture(scope="module", params=APPLICATIONS)
def small(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, shared: Path
) -> Iterator[tuple[str, Emulator]]:
    application = APPLICATIONS[request.param]
    function = Function(
        app="shop:app", text=application.text, requirements=application.requirements
    )
    for emulated in running(function, tmp_path_factory.mktemp("small"), shared):
        yield request.param, emulated


@pytest.mark.parametrize("stage", [None, "prod"])
def test_a_route_of_every_framework(small: tuple[str, Emulator], stage: str | None) -> None:
    """With and without a stage in the address, from every service that has stages, or none."""
    name, emulated = small
    root = f"/{stage}" if stage else ""
    for kind in ("rest", "http", "http-1.0") if stage else KINDS:
        found = echo(emulated, kind, Request("GET", "/echo/a%20b?x=1"), stage=stage)
        assert (found["rest"], found["root"]) == ("a b", root), kind
        if APPLICATIONS[name].links:
            assert found["link"] == f"{root}/echo/z", kind


def test_an_application_that_cannot_be_imported(tmp_path: Path, shared: Path) -> None:
    """The log has the traceback, which Lambda's own client leaves out of an ImportError."""
    # Nothing in the text tells which module it is.
    text = "(lambda name: __import__(name))('shop_missing')\n\n\ndef app(environ, start_response): ...\n"
    for function in running(Function(app="shop:app", text=text), tmp_path, shared):
        answer = function({"version": "2.0"})
        assert answer["errorType"] == "Runtime.ImportModuleError"
        assert "No module named 'shop_missing'" in answer["errorMessage"]
        assert '/shop.py", line 1' in function.log
        assert "Traceback (most recent call last)" in function.log


def test_an_event_that_is_no_request(tmp_path: Path, shared: Path) -> None:
    for function in running(Function(app="shop:app", text=WSGI), tmp_path, shared):
        answer = function({"source": "aws.events"})
        assert answer["errorType"] == "ValueError"
        assert answer["errorMessage"].startswith("this event is no HTTP request")
