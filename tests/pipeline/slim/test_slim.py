"""The settings `botocore-services` and `slim`: what is left out, and what stays."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

import wherry
from support.index import Index
from support.projects import make_project, write_files
from support.reporters import Heard
from support.wheels import make_wheel
from wherry.contents.services import service_uses
from wherry.errors import SettingsError
from wherry.pipeline.report import PackageReport
from wherry.store import Store

DATA = [f"botocore/data/{name}/2020-01-01/service-2.json.gz" for name in ("s3", "sqs", "ec2", "sts", "sso")]  # fmt: skip
BOTOCORE = make_wheel(
    "botocore",
    files={
        "botocore/__init__.py": b"",
        "botocore/data/endpoints.json": b"{}",
        "botocore/data/_retry.json": b"{}",
        **dict.fromkeys(DATA, b"data"),
    },
)
DEPENDENCY = make_wheel(
    "dep",
    files={
        "dep/__init__.py": b"def lazily():\n    from dep.kept.tests import helper\n",
        "dep/__init__.pyi": b"",
        "dep/fast.h": b"int x;\n",
        "dep/queues.py": b"import boto3\nclient = boto3.client('sqs')\ndef more(name):\n    boto3.client(name)\n",
        "dep/machines.py": b"import boto3\nclient = boto3.client('ec2')\n",
        "dep/testing/__init__.py": b"",
        "dep/tests/__init__.py": b"",
        "dep/tests/data/x.csv": b"1\n",
        "dep/kept/__init__.py": b"",
        "dep/kept/tests/__init__.py": b"",
        "dep/kept/tests/helper.py": b"",
        "dep/LICENSE": b"MIT\n",
    },
)
CODE = "import boto3, dep\nclient = boto3.client('s3')\ndef handler(event, context): ...\n"


@pytest.fixture
def project(tmp_path: Path, index: Index) -> Path:
    index.add(BOTOCORE, DEPENDENCY)
    root = tmp_path / "project"
    root.mkdir()
    make_project(root, index, [BOTOCORE, DEPENDENCY])
    return write_files(
        root, {"shop/api.py": CODE, "shop/tests/__init__.py": "", "shop/x.pyi": "", "shop/x.h": ""}
    )


def build(project: Path, text: str, **options: Any) -> PackageReport:
    write_files(
        project,
        {"wherry.toml": f'check = "off"\n{text}\n[functions.api]\nhandler = "shop.api.handler"\n'},
    )
    report = wherry.build(
        project, store=Store(project.parent / "store"), runtime="python3.13", **options
    )
    return report.packages[0]


def left_out(project: Path, text: str) -> set[str]:
    plain = names(build(project, ""))
    package = build(project, text)
    missing = plain - names(package)
    assert package.slimmed_files == len(missing)
    return missing


def names(package: PackageReport) -> set[str]:
    with zipfile.ZipFile(package.path) as archive:
        return set(archive.namelist())


def test_services_that_are_named(project: Path) -> None:
    """And what credentials need."""
    assert left_out(project, 'botocore-services = ["sqs"]') == {DATA[0], DATA[2]}


def test_services_that_own_code_names(project: Path) -> None:
    assert left_out(project, 'botocore-services = "detect"') == {DATA[1], DATA[2]}
    package = build(project, 'botocore-services = "detect"')
    assert package.slimmed_unzipped_size == 8
    # An edit is seen.
    write_files(project, {"shop/api.py": CODE + "boto3.resource('sqs')\n"})
    assert left_out(project, 'botocore-services = "detect"') == {DATA[2]}


def test_services_that_dependencies_name(project: Path, index: Index) -> None:
    """Of modules that may be imported, and a word on those that do not tell."""
    write_files(project, {"shop/api.py": CODE.replace("dep", "dep.queues")})
    reporter = Heard()
    build(project, 'botocore-services = "detect"', reporter=reporter)
    assert left_out(project, 'botocore-services = "detect"') == {DATA[2]}
    assert any("dep may use others" in getattr(event, "text", "") for event in reporter.events)


def test_a_call_that_does_not_tell(project: Path) -> None:
    write_files(project, {"shop/more.py": "import boto3\ndef f(name):\n    boto3.client(name)\n"})
    with pytest.raises(SettingsError) as caught:
        build(project, 'botocore-services = "detect"')
    assert caught.value.where == ("`shop/more.py`, line 3",)


def test_no_call_at_all(project: Path) -> None:
    write_files(project, {"shop/api.py": "def handler(event, context): ...\n"})
    reporter = Heard()
    assert build(project, 'botocore-services = "detect"', reporter=reporter).slimmed_files == 0
    assert any("names a service of AWS" in getattr(event, "text", "") for event in reporter.events)


def test_a_service_that_does_not_exist(project: Path) -> None:
    with pytest.raises(SettingsError, match="`sqz`") as caught:
        build(project, 'botocore-services = ["sqz"]')
    assert "sqs" in str(caught.value.hint)
    with pytest.raises(SettingsError, match="botocore-services"):
        build(project, 'botocore-services = "s3"')


def test_tests_stubs_and_headers(project: Path) -> None:
    """Of dependencies alone; and nothing that is imported, be it lazily."""
    assert left_out(project, 'slim = ["tests"]') == {
        "dep/tests/__init__.py",
        "dep/tests/data/x.csv",
    }
    assert left_out(project, 'slim = ["stubs"]') == {"dep/__init__.pyi"}
    assert left_out(project, 'slim = ["headers"]') == {"dep/fast.h"}
    with pytest.raises(SettingsError, match="slim"):
        build(project, 'slim = ["docs"]')


@pytest.mark.parametrize(
    ("text", "services"),
    [
        ("import boto3\nboto3.client('s3')", ["s3"]),
        ("import boto3\nboto3.client(service_name='s3')", ["s3"]),
        ("import boto3\nNAME = 's3'\nboto3.session.Session().resource(NAME)", ["s3"]),
        ("from boto3 import client as make\nmake('s3')", ["s3"]),
        (
            "import aioboto3\nasync def f():\n    async with aioboto3.Session().client('s3') as s: ...",
            ["s3"],
        ),
        ("import botocore.session\nbotocore.session.get_session().create_client('s3')", ["s3"]),
        ("import boto3\nboto3.client(f())", [None]),
        ("import boto3\nboto3.client(**options)", [None]),
        ("import httpx\nhttpx.client(f())", []),
        ("def f(client): return client('s3')", []),
        # Longer than Python itself can write it out again.
        (f"import boto3\nboto3{'.x' * 900}.client('s3')", ["s3"]),
        ("import boto3\nother.client('s3')\nself.session.client('sqs')", ["s3", "sqs"]),
    ],
)
def test_the_services_of_a_text(text: str, services: list[str | None]) -> None:
    assert [use.service for use in service_uses(text.encode())] == services
