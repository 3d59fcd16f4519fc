"""Suggestions for packages with distributions of PyPI: their lines save what they tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import wherry
from support.projects import lock_requirements, write_files
from wherry.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.inspect.model import Inspected

pytestmark = pytest.mark.real

CODE = """
import boto3, cryptography.fernet, cv2, pandas, pydantic
s3 = boto3.client("s3", region_name="eu-west-1")
def handler(event, context): ...
"""
REQUIREMENTS = ("boto3", "cryptography", "pandas", "pydantic")


def lock(root: Path, *requirements: str) -> None:
    write_files(root, {"shop.py": CODE})
    lock_requirements(root, requirements)


def look(root: Path, store: Store, line: str = "") -> Inspected:
    settings = 'runtime = "python3.13"\ncheck = "off"\n[functions.api]\nhandler = "shop.handler"\n'
    write_files(root, {"wherry.toml": settings + line})
    return wherry.inspect(root, store=store).packages[0]


def test_lines_save_what_they_tell(tmp_path: Path) -> None:
    root, store = tmp_path / "project", Store(tmp_path / "store")
    root.mkdir()
    lock(root, *REQUIREMENTS, "opencv-python")
    package = look(root, store)
    lines = {each.setting: each for each in package.suggestions if each.setting}
    assert {line.partition(" = ")[0] for line in lines} >= {
        "provided", "botocore-services", "slim", "strip", "bytecode",
    }  # fmt: skip
    for line, each in lines.items():
        after = look(root, store, line)
        saved = package.size - after.size, package.unzipped_size - after.unzipped_size
        assert saved == (each.size, each.unzipped_size), line
    (screens,) = [each for each in package.suggestions if "headless" in each.text]
    lock(root, *REQUIREMENTS, "opencv-python-headless")
    after = look(root, store)
    # What is left is linked otherwise.
    assert package.size - after.size == pytest.approx(screens.size, rel=0.05)
    assert package.unzipped_size - after.unzipped_size == pytest.approx(
        screens.unzipped_size, rel=0.05
    )
    assert not [each for each in after.suggestions if "headless" in each.text]
