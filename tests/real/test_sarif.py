"""SARIF logs beside the schema, and under Microsoft's validator with its rules for GitHub."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from typing import TYPE_CHECKING

import jsonschema  # type: ignore[import-untyped]
import pytest

import wherry
from support.interpreters import missing
from support.npm import node_modules
from support.shared_objects import SharedObject
from support.zips import HANDLER, installed, write_package
from wherry.store import Store

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real

FAULTS = {
    "app.py": f"import nowhere, lib\nimport distutils\n{HANDLER}open('x', 'w')\n",
    "id_rsa": "x",
    "a folder/x#%é.pth": "/home/me\n",
    **installed(
        "lib",
        {
            "lib/__init__.py": "from lib import fast\n",
            "lib/fast.so": SharedObject(needed=("libGL.so.1",)).data(),
        },
        requires=["other"],
    ),
}


@pytest.fixture(scope="module")
def validator() -> Path:
    if platform.system() != "Linux":
        missing("the validator is a program for Linux")
    package = "@microsoft/sarif-multitool-linux"
    return node_modules(f"{package}@5.7.0") / package


def test_logs_are_valid(validator: Path, tmp_path: Path) -> None:
    report = wherry.check(
        files=[write_package(tmp_path / "app.zip", FAULTS)],
        handler="app.handler",
        runtime="python3.13",
        architecture="x86_64",
        strict=True,
        store=Store(tmp_path / "store"),
    )
    log = report.sarif()
    found = {result["ruleId"] for result in log["runs"][0]["results"]}
    assert {"IMP001", "RT002", "ELF003", "DEP001", "LEAK001", "PATH001", "PATH002"} <= found
    schema = json.loads((validator / "sarif-2.1.0.json").read_text(encoding="utf-8-sig"))
    jsonschema.validate(log, schema)
    (tmp_path / "wherry.sarif").write_text(json.dumps(log))
    options = ["--rule-kind", "Sarif;Gh", "--level", "Error;Warning", "--output", "out.sarif"]
    subprocess.run(
        [validator / "Sarif.Multitool", "validate", "wherry.sarif", *options],
        cwd=tmp_path,
        env={**os.environ, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"},
        check=True,
        capture_output=True,
    )
    judged = json.loads((tmp_path / "out.sarif").read_text(encoding="utf-8-sig"))
    wrong = {result["ruleId"] for run in judged["runs"] for result in run.get("results", ())}
    # A page to learn more at, which is only advised.
    assert wrong <= {"SARIF2005"}
