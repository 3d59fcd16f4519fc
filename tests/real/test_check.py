"""The verdicts of checks beside what Python says: popular distributions are imported, whole and with one taken out."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.metadata import parse_email
from packaging.requirements import Requirement

from support.composing import TARGET
from support.emulator import emulator
from support.interpreters import find_python
from support.judged import VERSION, findings_of, install, normalized
from support.zips import HANDLER
from wherry.store import Store

pytestmark = pytest.mark.real

# Each with the module that people import.
POPULAR = {
    "aiobotocore": "aiobotocore.session",
    "aiohttp": "aiohttp",
    "alembic": "alembic.command",
    "arrow": "arrow",
    "asyncpg": "asyncpg",
    "attrs": "attr",
    "aws-lambda-powertools": "aws_lambda_powertools",
    "aws-xray-sdk": "aws_xray_sdk.core",
    "beautifulsoup4": "bs4",
    "boto3": "boto3",
    "celery": "celery.app",
    "cryptography": "cryptography.fernet",
    "django": "django.http",
    "duckdb": "duckdb",
    "elasticsearch": "elasticsearch",
    "fastapi": "fastapi",
    "feedparser": "feedparser",
    "flask": "flask",
    "google-cloud-storage": "google.cloud.storage",
    "graphene": "graphene",
    "grpcio": "grpc",
    "httpx": "httpx",
    "jinja2": "jinja2",
    "jsonschema": "jsonschema",
    "loguru": "loguru",
    "lxml": "lxml.etree",
    "mangum": "mangum",
    "marshmallow": "marshmallow",
    "matplotlib": "matplotlib.pyplot",
    "msgpack": "msgpack",
    "networkx": "networkx",
    "numpy": "numpy",
    "openai": "openai",
    "openpyxl": "openpyxl",
    "opentelemetry-sdk": "opentelemetry.sdk.trace",
    "orjson": "orjson",
    "pandas": "pandas",
    "paramiko": "paramiko",
    "pendulum": "pendulum",
    "pillow": "PIL.Image",
    "protobuf": "google.protobuf.message",
    "psycopg2-binary": "psycopg2",
    "pyarrow": "pyarrow",
    "pydantic": "pydantic.main",
    "pyjwt": "jwt",
    "pymongo": "pymongo",
    "pymysql": "pymysql",
    "pynacl": "nacl.public",
    "python-dateutil": "dateutil.parser",
    "pyyaml": "yaml",
    "redis": "redis",
    "requests": "requests",
    "rich": "rich.console",
    "s3fs": "s3fs",
    "scikit-learn": "sklearn.linear_model",
    "sentry-sdk": "sentry_sdk",
    "shapely": "shapely",
    "simplejson": "simplejson",
    "slack-sdk": "slack_sdk",
    "sqlalchemy": "sqlalchemy",
    "sqlmodel": "sqlmodel",
    "starlette": "starlette.applications",
    "stripe": "stripe",
    "structlog": "structlog",
    "tenacity": "tenacity",
    "tiktoken": "tiktoken",
    "typer": "typer",
    "uvicorn": "uvicorn",
    "xlsxwriter": "xlsxwriter",
    "zstandard": "zstandard",
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
    """The codes and owners of errors."""
    return {(each.code, each.owner) for each in findings_of(function, archive, store)}


def test_popular_distributions_have_no_errors(
    installed: Installed, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Each as a function of its own under AWS's emulator, beside the verdict."""
    assert len(POPULAR) >= 60
    store, shared = Store(tmp_path / "store"), tmp_path_factory.mktemp("emulator")

    def judge(name: str) -> tuple[object, set[tuple[str, str]]]:
        """The function's answer, and the errors that were foretold."""
        folder = installed.function(tmp_path / name, POPULAR[name], installed.needed(name))
        errors = errors_of(folder, tmp_path / f"{name}.zip", store)
        with emulator(
            folder, "app.handler", python=VERSION, scratch=tmp_path / f"{name}-log", shared=shared
        ) as function:
            return function({"name": name}), errors

    # The first fetches the emulator for all.
    first, *others = POPULAR
    answers = {first: judge(first)}
    with ThreadPoolExecutor(2) as pool:
        answers.update(zip(others, pool.map(judge, others), strict=True))
    sound = {name: ({"name": name}, set[tuple[str, str]]()) for name in POPULAR}
    assert {name: each for name, each in answers.items() if each != sound[name]} == {}


# Of each pair the second is required by the first, directly or not.
TAKEN_OUT = [
    ("aiobotocore", "aiohttp"),
    ("alembic", "mako"),
    ("alembic", "sqlalchemy"),
    ("beautifulsoup4", "soupsieve"),
    ("cryptography", "cffi"),
    ("google-cloud-storage", "google-resumable-media"),
    ("matplotlib", "kiwisolver"),
    ("openai", "distro"),
    ("openai", "httpx"),
    ("opentelemetry-sdk", "opentelemetry-api"),
    ("paramiko", "cryptography"),
    ("pynacl", "cffi"),
    ("scikit-learn", "scipy"),
    ("sentry-sdk", "certifi"),
    ("sqlmodel", "sqlalchemy"),
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
    assert len(pairs) >= 40
    for number, (name, without) in enumerate(pairs):
        names = installed.needed(name)
        function = installed.function(tmp_path / str(number), POPULAR[name], names - {without})
        errors = errors_of(function, tmp_path / "function.zip", store)
        message = import_error(function)
        failing += bool(message)
        foretold += bool(message and errors)
        if bool(message) != bool(errors):
            wrong.append((name, without, message, errors))
    assert failing >= 30
    assert not [each for each in wrong if not each[2]], "false alarms"
    assert foretold >= 0.95 * failing, wrong
