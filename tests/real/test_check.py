"""The verdicts of checks beside what Python says: popular distributions are imported, whole and with one taken out."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.metadata import parse_email
from packaging.requirements import Requirement
from uv import find_uv_bin

import wherry
from support.composing import TARGET
from support.interpreters import find_python
from support.zips import HANDLER
from wherry.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterable

pytestmark = pytest.mark.real

VERSION = "3.13"

# Each with the module that people import.
POPULAR = {
    "aiohttp": "aiohttp",
    "aws-lambda-powertools": "aws_lambda_powertools",
    "aws-xray-sdk": "aws_xray_sdk.core",
    "beautifulsoup4": "bs4",
    "boto3": "boto3",
    "celery": "celery.app",
    "cryptography": "cryptography.fernet",
    "django": "django.http",
    "elasticsearch": "elasticsearch",
    "fastapi": "fastapi",
    "feedparser": "feedparser",
    "flask": "flask",
    "google-cloud-storage": "google.cloud.storage",
    "graphene": "graphene",
    "httpx": "httpx",
    "jinja2": "jinja2",
    "jsonschema": "jsonschema",
    "lxml": "lxml.etree",
    "mangum": "mangum",
    "marshmallow": "marshmallow",
    "numpy": "numpy",
    "openpyxl": "openpyxl",
    "orjson": "orjson",
    "pandas": "pandas",
    "paramiko": "paramiko",
    "pillow": "PIL.Image",
    "protobuf": "google.protobuf.message",
    "psycopg2-binary": "psycopg2",
    "pydantic": "pydantic.main",
    "pyjwt": "jwt",
    "pymongo": "pymongo",
    "pynacl": "nacl.public",
    "pyyaml": "yaml",
    "redis": "redis",
    "requests": "requests",
    "rich": "rich.console",
    "sentry-sdk": "sentry_sdk",
    "slack-sdk": "slack_sdk",
    "sqlalchemy": "sqlalchemy",
    "starlette": "starlette.applications",
    "stripe": "stripe",
    "structlog": "structlog",
    "tenacity": "tenacity",
    "tiktoken": "tiktoken",
    "typer": "typer",
    "xlsxwriter": "xlsxwriter",
}


@dataclass(frozen=True)
class Installed:
    """A folder that holds all of them, as installers leave it.

    ``entries`` are the names at its root, and ``requires`` the requirements on the target, by distribution.
    """

    folder: Path
    entries: dict[str, set[str]]
    requires: dict[str, set[str]]

    def needed(self, name: str) -> set[str]:
        """A distribution with all that it requires, directly or not."""
        found, waiting = set(), [name]
        while waiting:
            each = waiting.pop()
            if each not in found:
                found.add(each)
                waiting += self.requires.get(each, set())
        return found

    def function(self, path: Path, module: str, names: set[str]) -> Path:
        """A folder with links to distributions, beside a function that imports a module."""
        path.mkdir(parents=True)
        for entry in {entry for name in names for entry in self.entries.get(name, set())}:
            if entry not in {"bin", "..", "__pycache__"}:
                (path / entry).symlink_to(self.folder / entry)
        (path / "app.py").write_text(f"import {module}\n{HANDLER}")
        return path


def normalized(name: str) -> str:
    return name.replace("_", "-").replace(".", "-").lower()


def install(folder: Path, names: Iterable[str], *, platform: str = "x86_64-manylinux_2_34") -> Path:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    command = [find_uv_bin(), "pip", "install", "--quiet", "--target", str(folder)]
    options = ["--python-version", VERSION, "--python-platform", platform, "--only-binary", ":all:"]
    subprocess.run([*command, *options, *names], check=True, env=environment)
    return folder


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = install(tmp_path_factory.mktemp("popular") / "all", POPULAR)
    entries: dict[str, set[str]] = {}
    requires: dict[str, set[str]] = {}
    environment = {key: str(value) for key, value in TARGET.environment.items()} | {"extra": ""}
    for record in folder.glob("*.dist-info/RECORD"):
        name = normalized(record.parent.name.split("-")[0])
        paths = (line.split(",")[0].strip('"') for line in record.read_text().splitlines())
        entries[name] = {path.split("/")[0] for path in paths}
        raw, _ = parse_email(record.with_name("METADATA").read_bytes())
        requires[name] = {
            normalized(each.name)
            for each in map(Requirement, raw.get("requires_dist", ()))
            if each.marker is None or each.marker.evaluate(environment)
        }
    return Installed(folder, entries, requires)


def import_error(function: Path) -> str:
    """What Python says of importing a function; empty if it succeeds."""
    code = f"import sys; sys.path.insert(0, {str(function)!r}); import app"
    done = subprocess.run(
        [find_python(VERSION), "-I", "-S", "-B", "-c", code],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr.strip().rpartition("\n")[2] if done.returncode else ""


def errors_of(function: Path, archive: Path, store: Store) -> set[tuple[str, str]]:
    """The codes and owners of errors, of the zip archive that ``zip -r`` makes of a function."""
    subprocess.run(["zip", "-qr0", str(archive), "."], cwd=function, check=True)
    report = wherry.check(
        files=[archive],
        handler="app.handler",
        runtime=f"python{VERSION}",
        architecture="x86_64",
        # That all of them together are too big is no matter here.
        ignore=["SIZE"],
        store=store,
    )
    archive.unlink()
    return {(each.code, each.owner) for each in report.findings if each.severity == "error"}


def test_popular_distributions_have_no_errors(installed: Installed, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    imports = "\nimport ".join(POPULAR.values())
    function = installed.function(tmp_path / "function", imports, set(installed.entries))
    assert import_error(function) == ""
    assert errors_of(function, tmp_path / "function.zip", store) == set()


# Of each pair the second is required by the first, directly or not.
TAKEN_OUT = [
    ("aiohttp", "multidict"),
    ("aiohttp", "frozenlist"),
    ("celery", "kombu"),
    ("celery", "vine"),
    ("django", "asgiref"),
    ("elasticsearch", "elastic-transport"),
    ("fastapi", "starlette"),
    ("fastapi", "pydantic-core"),
    ("feedparser", "feedparser-sgmllib"),
    ("flask", "werkzeug"),
    ("flask", "markupsafe"),
    ("flask", "itsdangerous"),
    ("google-cloud-storage", "google-auth"),
    ("graphene", "graphql-core"),
    ("httpx", "idna"),
    ("httpx", "anyio"),
    ("jinja2", "markupsafe"),
    ("jsonschema", "referencing"),
    ("jsonschema", "rpds-py"),
    ("openpyxl", "et-xmlfile"),
    ("pandas", "numpy"),
    ("paramiko", "bcrypt"),
    ("pydantic", "typing-extensions"),
    ("pydantic", "annotated-types"),
    ("pymongo", "dnspython"),
    ("requests", "certifi"),
    ("requests", "charset-normalizer"),
    ("rich", "pygments"),
    ("sqlalchemy", "typing-extensions"),
    ("starlette", "anyio"),
    ("tiktoken", "regex"),
    ("typer", "click"),
]


def test_what_is_taken_out_is_foretold(installed: Installed, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    failing = foretold = 0
    wrong = []
    # Requirements come and go with versions.
    pairs = [pair for pair in TAKEN_OUT if pair[1] in installed.needed(pair[0])]
    assert len(pairs) >= 25
    for number, (name, without) in enumerate(pairs):
        names = installed.needed(name)
        function = installed.function(tmp_path / str(number), POPULAR[name], names - {without})
        errors = errors_of(function, tmp_path / "function.zip", store)
        message = import_error(function)
        failing += bool(message)
        foretold += bool(message and errors)
        if bool(message) != bool(errors):
            wrong.append((name, without, message, errors))
    assert failing >= 15
    assert not [each for each in wrong if not each[2]], "false alarms"
    assert foretold >= 0.95 * failing, wrong


@pytest.mark.parametrize(
    ("names", "platform", "module", "expected"),
    [
        (["opencv-python"], "x86_64-manylinux_2_34", "cv2", {("ELF003", "opencv-python")}),
        (["opencv-python-headless"], "x86_64-manylinux_2_34", "cv2", set()),
        (["numpy"], "x86_64-unknown-linux-musl", "numpy", {("ELF004", "numpy")}),
        (["pydantic"], "aarch64-apple-darwin", "pydantic", {("ELF001", "pydantic-core")}),
        (["pydantic"], "aarch64-manylinux_2_28", "pydantic", {("ELF001", "pydantic-core")}),
    ],
    ids=["opencv", "opencv-headless", "musl", "mac", "arm"],
)
def test_wheels_that_do_not_run_are_named(
    tmp_path: Path, names: list[str], platform: str, module: str, expected: set[tuple[str, str]]
) -> None:
    folder = install(tmp_path / "function", names, platform=platform)
    (folder / "app.py").write_text(f"import {module}\n{HANDLER}")
    store = Store(tmp_path / "store")
    assert errors_of(folder, tmp_path / "function.zip", store) == expected
