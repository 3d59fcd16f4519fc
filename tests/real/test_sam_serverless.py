"""AWS SAM and the Serverless Framework take finished packages. How two checkouts agree: ``test_alternating``."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from support.backends import HATCHLING, installed_wheel
from support.index import serve_index
from support.moto import moto as serve_moto
from support.projects import make_project, write_files
from support.serverless import ENVIRONMENT, files_of_service, serverless
from support.tools import run_uv, tool
from support.wheels import make_wheel
from wherry import block, build
from wherry.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.aws_account import Account
    from support.index import Index

pytestmark = pytest.mark.real

ALPHA = make_wheel("alpha", "1.2", files={"alpha/__init__.py": b"A = 1\n" * 40})
SETTINGS = """\
runtime = "python3.13"
[functions.api]
handler = "shop.api.handler"
layers = ["deps"]
[functions.jobs]
handler = "shop.api.handler"
layers = ["deps"]
[layers.deps]
"""


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with serve_moto() as served:
        account = served.account()
        account.bucket("packages")
        yield account


@pytest.fixture
def index() -> Iterator[Index]:
    with serve_index([ALPHA]) as served:
        yield served


def environment(folder: Path, account: Account) -> dict[str, str]:
    """With this Wherry as a command."""
    folder.mkdir(exist_ok=True)
    shim = folder / "wherry"
    shim.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m wherry "$@"\n')
    shim.chmod(0o755)
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "SAM_", "SLS_", "WHERRY_", "UV_", "PIP_"))
    }
    return {
        **inherited,
        **account.environment(),
        "HOME": str(folder),
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "WHERRY_CACHE_DIR": str(folder / "store"),
        "SAM_CLI_TELEMETRY": "0",
        "CI": "1",
    }


def run(command: list[str | Path], cwd: Path, env: dict[str, str], code: int = 0) -> str:
    done = subprocess.run(
        command, cwd=cwd, env=env, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stdout
    return done.stdout


def test_sam_builds_a_member_of_a_workspace_by_its_makefile(
    tmp_path: Path, index: Index, account: Account
) -> None:
    index.add(*map(installed_wheel, HATCHLING))
    member = '[project]\nname = "{}"\nversion = "1.0"\nrequires-python = ">=3.11"\n'
    hatch = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
    root = tmp_path / "workspace"
    files = {
        "pyproject.toml": '[tool.uv.workspace]\nmembers = ["api", "lib"]\n'
        f'[[tool.uv.index]]\nname = "here"\nurl = "{index.simple}"\ndefault = true\n',
        "api/app.py": "import lib\n\n\ndef handler(event, context):\n    return lib.L\n",
        "api/Makefile": 'build-Api:\n\twherry build --runtime python3.13 --quiet --unpacked "$(ARTIFACTS_DIR)"\n',
        "api/template.yaml": "Transform: AWS::Serverless-2016-10-31\nResources:\n  Api:\n"
        "    Type: AWS::Serverless::Function\n    Metadata: {BuildMethod: makefile}\n    Properties:\n"
        "      CodeUri: .\n      Handler: app.handler\n      Runtime: python3.13\n",
        "lib/pyproject.toml": f"{member.format('lib')}{hatch}",
        "lib/lib/__init__.py": "L = 1\n",
    }
    files["api/pyproject.toml"] = (
        f'{member.format("api")}dependencies = ["lib", "alpha"]\n'
        "[tool.uv.sources]\nlib = {workspace = true}\n"
        '[tool.wherry.functions.api]\nhandler = "app.handler"\n'
    )
    write_files(root, files)
    run_uv("lock", "--quiet", cwd=root)
    env = environment(tmp_path / "commands", account)
    said = run([tool("sam"), "build"], root / "api", env, code=1)
    assert "error: " in said
    assert "--build-in-source" in said
    run([tool("sam"), "build", "Api", "--build-in-source"], root / "api", env)
    built = root / "api" / ".aws-sam" / "build" / "Api"
    names = {path.relative_to(built).as_posix() for path in built.rglob("*.py")}
    assert names == {"app.py", "lib/__init__.py", "alpha/__init__.py"}


def test_serverless_takes_what_was_built_before(
    tmp_path: Path, index: Index, account: Account
) -> None:
    """The code that the template has for each version is what Wherry says it is, and the layer is the one that was built."""
    env = {**environment(tmp_path / "commands", account), **ENVIRONMENT, "HTTPS_PROXY": ""}
    root = make_project(tmp_path / "shop", index, [ALPHA])
    write_files(root, {"wherry.toml": SETTINGS})
    service = block("serverless", root)
    write_files(root, files_of_service(service, region=account.region, built_by_plugin=False))
    built = build(root, store=Store(tmp_path / "store")).packages
    run([serverless(), "package"], root, env)
    template = (root / ".serverless" / "cloudformation-template-update-stack.json").read_text()
    resources = list(json.loads(template)["Resources"].values())
    kinds = {
        kind: [each["Properties"] for each in resources if each["Type"] == f"AWS::Lambda::{kind}"]
        for kind in ("Function", "Version", "LayerVersion")
    }
    assert {each["CodeSha256"] for each in kinds["Version"]} == {
        one.code_sha256 for one in built if one.kind == "function"
    }
    assert [each["Layers"] for each in kinds["Function"]] == [[{"Ref": "DepsLambdaLayer"}]] * 2
    (layer,) = kinds["LayerVersion"]
    assert layer["Content"]["S3Key"].endswith("/deps.zip")
    assert layer["CompatibleArchitectures"] == ["x86_64"]
