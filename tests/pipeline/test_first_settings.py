"""First settings propose what makes packages smaller, by what the wheels of earlier builds hold."""

from __future__ import annotations

import random
import tomllib
from typing import TYPE_CHECKING

import pytest

import wherry
from support.projects import make_project, write_files
from support.reporters import Heard
from support.wheels import make_wheel
from wherry.events import Note

if TYPE_CHECKING:
    from pathlib import Path

    from support.index import Index


def noise(size: int, seed: int) -> bytes:
    return random.Random(seed).randbytes(size)


WHEELS = [
    make_wheel("boto3", files={"boto3/__init__.py": b"import botocore"}, requires=["botocore"]),
    make_wheel(
        "botocore",
        files={
            "botocore/__init__.py": b"",
            "botocore/data/endpoints.json": b"{}",
            **{f"botocore/data/{name}/2020-01-01/service-2.json": noise(150_000, number) for number, name in enumerate(("s3", "ec2", "sts"))},
        },
    ),
    make_wheel("dep", files={"dep/__init__.py": b"", "dep/tests/data.bin": noise(120_000, 9), "dep/small.pyi": b""}),
]  # fmt: skip
OWN = {
    "shop/__init__.py": "",
    "shop/api.py": "import boto3, dep\nboto3.client('s3')\ndef handler(event, context): ...\n",
}
PROPOSED = [
    '# botocore-services = "detect"  # 146.5 KiB less',
    '# slim = ["tests"]  # 117.2 KiB less',
]


@pytest.fixture
def project(tmp_path: Path, index: Index) -> Path:
    index.add(*WHEELS)
    root = tmp_path / "project"
    root.mkdir()
    return make_project(root, index, WHEELS, files=OWN)


def first(project: Path, store: wherry.Store) -> tuple[wherry.FirstSettings, list[str]]:
    heard = Heard()
    settings = wherry.init(project, write=False, store=store, runtime="python3.13", reporter=heard)
    return settings, [event.text for event in heard.events if isinstance(event, Note)]


def test_the_runtime_is_one_that_the_lock_admits(tmp_path: Path) -> None:
    """As in a build without settings; another one would make the next build fail."""
    write_files(tmp_path, {"app.py": "def handler(event, context): ...\n"})
    (tmp_path / "pyproject.toml").write_text(
        "[project]\nname = 'shop'\nversion = '1'\nrequires-python = '>=3.11'\n"
    )
    store = wherry.Store(tmp_path / "store")
    wherry.lock(tmp_path, runtime="python3.12", store=store)
    heard = Heard()
    settings = wherry.init(tmp_path, store=store, reporter=heard)
    assert settings.settings["runtime"] == "python3.12"
    assert 'runtime = "python3.12"  # the newest that the lock admits\n' in settings.text
    notes = [event.text for event in heard.events if isinstance(event, Note)]
    assert notes[0].startswith("python3.12: the newest runtime that `pylock.toml` admits")
    assert wherry.build(tmp_path, store=store).target.runtime.name == "python3.12"


def test_what_is_measured_is_proposed_and_saved(project: Path, index: Index) -> None:
    store = wherry.Store(project.parent / "store")
    settings, notes = first(project, store)
    assert "slim" not in settings.text
    assert any("after the first build, `wherry inspect` tells" in note for note in notes)
    options = {"store": store, "runtime": "python3.13"}
    before = wherry.build(project, **options).packages[0]  # type: ignore[arg-type]
    asked = len(index.requests)
    settings, notes = first(project, store)
    assert len(index.requests) == asked
    assert not any("first build" in note for note in notes)
    lines = settings.text.splitlines()
    assert [line for line in lines if line in PROPOSED] == PROPOSED
    # They stand among the settings of the whole project, and are comments.
    assert lines.index(PROPOSED[0]) < lines.index("[tool.wherry.functions.shop]")
    assert tomllib.loads(settings.text)["tool"]["wherry"] == settings.settings
    uncommented = settings.text.replace("# botocore", "botocore").replace("# slim", "slim")
    with (project / "pyproject.toml").open("a") as file:
        file.write("\n" + uncommented)
    after = wherry.build(project, **options).packages[0]  # type: ignore[arg-type]
    assert before.size - after.size == pytest.approx(270_000, rel=0.01)


def test_a_list_for_layers_and_nothing_that_is_not_known(project: Path) -> None:
    store = wherry.Store(project.parent / "store")
    wherry.build(project, store=store, runtime="python3.13")
    write_files(
        project,
        {
            "deps/python/shared.py": "",
            "template.yaml": "Transform: AWS::Serverless-2016-10-31\nResources:\n  Api:\n    Type: AWS::Serverless::Function\n"
            "    Properties: {Handler: shop.api.handler, Runtime: python3.13, CodeUri: ., Layers: [!Ref Deps]}\n"
            "  Deps:\n    Type: AWS::Serverless::LayerVersion\n    Properties: {ContentUri: deps/}\n",
        },
    )
    settings, _ = first(project, store)
    assert "layers" in settings.settings
    assert '# botocore-services = ["s3"]' in settings.text
    write_files(project, {"shop/api.py": OWN["shop/api.py"] + "boto3.client(name)\n"})
    settings, _ = first(project, store)
    assert "botocore-services" not in settings.text
    assert PROPOSED[1] in settings.text
