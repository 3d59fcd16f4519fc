"""Wheels of PyPI, stripped: what is loaded is what it was, and AWS's runtime client imports it."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest

import wherry
from support.emulator import emulator
from support.projects import lock_requirements, write_files
from wherry.elf.model import is_elf
from wherry.elf.reader import read_elf
from wherry.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.pipeline.report import PackageReport

pytestmark = pytest.mark.real

REQUIREMENTS = ("cryptography", "pyyaml", "markupsafe", "numpy", "pydantic", "psycopg2-binary")
HANDLER = """
import markupsafe._speedups, numpy, psycopg2, pydantic, yaml
from cryptography.fernet import Fernet

class Cargo(pydantic.BaseModel):
    name: str

def handler(event, context):
    box = Fernet(Fernet.generate_key())
    try:
        Fernet(b"too short")
    except ValueError as error:
        refused = str(error)
    return {
        "secret": box.decrypt(box.encrypt(b"sealed")).decode(),
        "refused": refused,
        "yaml": yaml.load("{a: [1, 2]}", Loader=yaml.CSafeLoader),
        "dot": float(numpy.linalg.inv(numpy.eye(40) * 2).sum()),
        "cargo": Cargo(name="rope").model_dump_json(),
        "driver": psycopg2.extensions.libpq_version() > 0,
    }
"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shared")


@pytest.fixture(scope="module")
def project(shared: Path) -> Path:
    root = shared / "project"
    root.mkdir()
    write_files(root, {"shop.py": HANDLER})
    lock_requirements(root, REQUIREMENTS)
    return root


def build(project: Path, shared: Path, architecture: str, *, strip: bool) -> PackageReport:
    write_files(
        project,
        {
            "wherry.toml": f'strip = {str(strip).lower()}\n[functions.shop]\nhandler = "shop.handler"\n'
        },
    )
    (package,) = wherry.build(
        project,
        runtime="python3.13",
        architecture=architecture,
        output=shared / f"{architecture}-{strip}",
        store=Store(shared / "store"),
    ).packages
    return package


def files(package: PackageReport) -> dict[str, bytes]:
    with zipfile.ZipFile(package.path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
def test_what_is_loaded_is_what_it_was(project: Path, shared: Path, architecture: str) -> None:
    """A13: for both architectures, file by file."""
    plain = build(project, shared, architecture, strip=False)
    package = build(project, shared, architecture, strip=True)
    before, after = files(plain), files(package)
    assert before.keys() == after.keys()
    changed = [name for name in before if before[name] != after[name]]
    assert len(changed) == package.stripped_files > 0
    for name in changed:
        assert is_elf(before[name])
        assert len(after[name]) <= len(before[name]) - 4096
        old, new = read_elf(before[name]), read_elf(after[name])
        assert (old.segments, old.dynamic, old.version_needs) == (
            new.segments,
            new.dynamic,
            new.version_needs,
        )
        for segment in old.segments:
            # The header, which tells where the sections are, is in the first.
            begin = max(segment.offset, 64)
            assert before[name][begin : segment.end] == after[name][begin : segment.end]
    assert plain.unzipped_size - package.unzipped_size == package.stripped_unzipped_size > 1 << 20
    # Compressed as it was in its wheel, and not stored.
    assert plain.size - package.size == package.stripped_size > 0


def test_stripped_libraries_work(project: Path, shared: Path, tmp_path: Path) -> None:
    """N5: under the Runtime Interface Emulator; exceptions of Rust cross the library, too."""
    package = build(project, shared, "x86_64", strip=True)
    with zipfile.ZipFile(package.path) as archive:
        archive.extractall(tmp_path / "task")
    with emulator(
        tmp_path / "task",
        "shop.handler",
        python="3.13",
        scratch=tmp_path / "scratch",
        shared=shared / "emulator",
    ) as function:
        answer = function({})
    assert answer == {
        "secret": "sealed",
        "refused": "Fernet key must be 32 url-safe base64-encoded bytes.",
        "yaml": {"a": [1, 2]},
        "dot": 20.0,
        "cargo": '{"name":"rope"}',
        "driver": True,
    }, answer


def test_the_same_bytes_from_an_empty_store(project: Path, shared: Path, tmp_path: Path) -> None:
    """N1: what is remembered of a wheel is what stripping it anew gives."""
    first = build(project, shared, "x86_64", strip=True)
    again = wherry.build(
        project, runtime="python3.13", output=tmp_path / "out", store=Store(tmp_path / "store")
    ).packages[0]
    assert again.sha256 == first.sha256
