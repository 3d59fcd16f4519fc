"""Which functions get the SDK of Lambda's runtime. That it runs is shown by the slower tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.contexts import context
from support.functions import HERE, bundle_of, zip_of
from support.index import serve_index
from support.reporters import Heard
from support.wheels import make_wheel
from wherry.errors import HashMismatchError
from wherry.events import Warned
from wherry.invoke import sdk
from wherry.invoke.sdk import prepare_sdk
from wherry.invoke.unpack import unpack_archives
from wherry.store import Store

SITE = f"python/lib/{HERE}/site-packages"


def wanted(store: Store, folder: Path, *zips: dict[str, str], provided: str = "") -> str:
    """The warning that the SDK is not here; "" where the function needs none."""
    heard = Heard()
    folders = [
        unpack_archives([zip_of(folder / f"{number}.zip", files)], store)
        for number, files in enumerate(zips)
    ]
    given = bundle_of({provided: ""}) if provided else None
    assert prepare_sdk(folders, given, context(store, offline=True, reporter=heard)) is None
    return "".join(event.text for event in heard.events if isinstance(event, Warned))


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("import boto3", "boto3"),
        ("def f():\n    from botocore.config import Config", "botocore"),
        ("import_module('boto3')", "boto3"),
        ("import os, urllib3", "urllib3"),
        ("from dateutil import parser", "dateutil"),
    ],
)
def test_code_that_relies_on_it(code: str, name: str, store: Store, tmp_path: Path) -> None:
    text = wanted(store, tmp_path, {"app.py": code})
    assert f"Lambda's runtime has `{name}`" in text
    assert "no network may be used" in text or "offline" in text
    # A second run knows without reading the code again.
    assert wanted(store, tmp_path, {"app.py": code}) == text


def test_code_that_does_not(store: Store, tmp_path: Path) -> None:
    code = "import json  # no six\nfrom requests.packages import urllib3\n"
    plain = {"app.py": code, "notes.txt": "import boto3"}
    assert wanted(store, tmp_path, plain) == ""


def test_code_that_has_its_own(store: Store, tmp_path: Path) -> None:
    code = {"app.py": "import boto3\n"}
    assert wanted(store, tmp_path, {**code, "boto3/__init__.py": ""}) == ""
    assert wanted(store, tmp_path, code, {"python/boto3/__init__.py": ""}) == ""
    assert wanted(store, tmp_path, code, {f"{SITE}/boto3/__init__.py": ""}) == ""
    assert wanted(store, tmp_path, {"app.py": "import six\n", "six.py": ""}) == ""
    assert wanted(store, tmp_path, code, provided="boto3/__init__.py") == ""


def test_another_file_of_that_name(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An index that has other bytes is not believed."""
    folder = unpack_archives([zip_of(tmp_path / "a.zip", {"app.py": "import boto3"})], store)
    others = [
        make_wheel(file.name, file.version, tag=file.filename.split("-", 2)[2].removesuffix(".whl"))
        for file in sdk._FILES
    ]
    with serve_index(others) as index:
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.simple)
        with pytest.raises(HashMismatchError, match="is not the file"):
            prepare_sdk([folder], None, context(store))
